"""Counts files by the values of their metadata, in calls of ``DataManagement/FileCatalog``.

The catalogue has no such question. It answers a query with the files' own metadata in one call.
What a directory gives to its files is asked once per directory and kept, as it hardly changes.

Invariant: a file without one of the fields is in no group.
"""

from __future__ import annotations

import datetime
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.core.grid.specs import MetaValue
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs

#: most directories whose metadata are kept
_MOST_KEPT = 50_000


class FileGroupVerbs(CatalogueVerbs):
    """Implements the verb of :class:`ProductionGateway` about groups of files."""

    _of_directory: dict[str, Mapping[str, Any]] | None = None

    def count_files_by(
        self, directory: str, query: MetaQuery, fields: Sequence[str]
    ) -> dict[tuple[MetaValue, ...], int]:
        """See :meth:`ProductionGateway.count_files_by`."""
        self._require_fields(fields, of_files=True)
        of_directories, _ = self._fields()
        counted: Counter[tuple[MetaValue, ...]] = Counter()
        for lfn, own in self.files_below(directory, query).items():
            known = dict(own)
            if any(field not in known and field in of_directories for field in fields):
                known = {**self._inherited(posixpath.dirname(lfn)), **known}
            values = [_scalar(known[field]) for field in fields if field in known]
            found = tuple(value for value in values if value is not None)
            if len(found) == len(fields):
                counted[found] += 1
        return dict(counted)

    def _inherited(self, directory: str) -> Mapping[str, Any]:
        kept = self._of_directory
        if kept is None or len(kept) > _MOST_KEPT:
            kept = self._of_directory = {}
        if directory not in kept:
            kept[directory] = dict(self._fc("getDirectoryUserMetadata", directory))
        return kept[directory]


def _scalar(value: Any) -> MetaValue | None:
    """Return a value as a condition on its field is written; None: it is none."""
    if isinstance(value, datetime.date):  # also a time: the catalogue's fields of type date
        return str(value)
    return value if isinstance(value, str | int | float) else None
