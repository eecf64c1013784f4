"""The verbs about files and directories, in calls of ``DataManagement/FileCatalog``.

Invariant: a query that the catalogue would widen silently is refused. The catalogue drops
conditions on fields that it does not know (``DirectoryMetadata.__expandMetaDictionary``), so every
field is looked up first.
"""

from __future__ import annotations

import math
import posixpath
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dirac_prodsys.core.inventory import STANDARD_FIELDS
from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.specs import DirectorySpec, MetaValue
from dirac_prodsys.errors import Conflict, GatewayRejected
from dirac_prodsys.gateway.dirac_replies import each
from dirac_prodsys.gateway.services import CATALOGUE, Services

#: seconds for which the list of metadata fields is believed
FIELDS_TTL = 300.0


class CatalogueVerbs:
    """Mix-in: what :class:`ProductionGateway` says about files and directories."""

    services: Services
    _fields_read: tuple[float, frozenset[str], frozenset[str]] | None = None

    def _fc(self, method: str, *arguments: Any) -> Any:
        return self.services.call(CATALOGUE, method, *arguments)

    def _each(self, method: str, names: Mapping[str, Any], *arguments: Any) -> dict[str, Any]:
        return each(self._fc(method, dict(names), *arguments), f"{CATALOGUE}.{method}")

    # -- queries --------------------------------------------------------------------------------

    def count_files(self, query: MetaQuery) -> int:
        """See :meth:`ProductionGateway.count_files`.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """
        self._check_fields(query)
        directory_fields, _ = self._fields()
        if directory_fields.issuperset(query.fields):
            # counts in the database; knows directory metadata only
            page = self._fc("findFilesByMetadataWeb", query.to_dirac(), "/", 0, 1)
            return int(page["TotalRecords"]) if page else 0
        return len(self._fc("findFilesByMetadata", query.to_dirac(), "/"))

    def _check_fields(self, query: MetaQuery) -> None:
        if query.is_empty:
            raise GatewayRejected(
                "an empty query selects nothing in DIRAC's catalogue", "give it a condition"
            )
        self._require_fields(query.fields, of_files=True)

    def _require_fields(self, names: Iterable[str], *, of_files: bool) -> None:
        unknown = self._unknown_fields(names, of_files)
        if unknown:  # somebody may just have defined it
            self._fields_read = None
            unknown = self._unknown_fields(names, of_files)
        if unknown:
            kind = "metadata field" if of_files else "directory metadata field"
            raise GatewayRejected(
                f"the file catalogue has no {kind} {', '.join(sorted(unknown))}",
                "a catalogue manager defines it (addMetadataField); DIRAC would ignore it silently",
            )

    def _unknown_fields(self, names: Iterable[str], of_files: bool) -> set[str]:
        directory_fields, file_fields = self._fields()
        known = directory_fields | file_fields | STANDARD_FIELDS if of_files else directory_fields
        return set(names) - known

    def _fields(self) -> tuple[frozenset[str], frozenset[str]]:
        """Names of the metadata fields of directories, and of files."""
        read = self._fields_read
        if read is None or time.monotonic() - read[0] > FIELDS_TTL:
            answer = self._fc("getMetadataFields")
            read = (
                time.monotonic(),
                frozenset(answer["DirectoryMetaFields"]),
                frozenset(answer["FileMetaFields"]),
            )
            self._fields_read = read
        return read[1], read[2]

    # -- directories ----------------------------------------------------------------------------

    def prepare_directories(self, directories: Sequence[DirectorySpec]) -> None:
        """See :meth:`ProductionGateway.prepare_directories`."""
        if not directories:
            return
        for directory in directories:
            self._require_fields(directory.metadata, of_files=False)
        self._each("createDirectory", {catalogue_path(d.path): True for d in directories})
        for directory in directories:
            self._missing_metadata(directory)
        # from above, as what a parent got is inherited and must not be set again below
        for directory in sorted(directories, key=lambda each: catalogue_path(each.path)):
            if missing := self._missing_metadata(directory):
                self._fc("setMetadata", catalogue_path(directory.path), missing)
        for directory in directories:
            lost = self._missing_metadata(directory)
            if lost:
                raise GatewayRejected(
                    f"{directory.path} did not keep its metadata {', '.join(sorted(lost))}",
                    "see the log of the file catalogue",
                )

    def _missing_metadata(self, directory: DirectorySpec) -> dict[str, MetaValue]:
        """What is not set yet.

        :raises Conflict: something is set to another value, here or on a parent directory.
        """
        found = self._fc("getDirectoryUserMetadata", catalogue_path(directory.path))
        differing = [
            f"{name}: asked {value!r}, found {found[name]!r}"
            for name, value in directory.metadata.items()
            if name in found and not _same(value, found[name])
        ]
        if differing:
            raise Conflict(
                f"directory {directory.path} has other metadata: {'; '.join(differing)}",
                "use another directory; metadata are inherited from the directories above, too",
            )
        return {name: value for name, value in directory.metadata.items() if name not in found}


def catalogue_path(path: str) -> str:
    """The path as the catalogue writes it.

    :raises GatewayRejected: it is none.
    """
    clean = posixpath.normpath(path)
    if not clean.startswith("/") or clean.startswith("//"):
        raise GatewayRejected(f"{path!r} is no catalogue path", "begin it with /vo/")
    return clean


def _same(asked: MetaValue, found: Any) -> bool:
    """Whether the catalogue holds this value: FLOAT has 24 bits, VARCHAR makes numbers text."""
    try:
        return math.isclose(float(asked), float(found), rel_tol=1e-6) or str(asked) == str(found)
    except (TypeError, ValueError):
        return str(asked) == str(found)
