"""Reads what the catalogue knows of single files, and sets metadata of files.

Invariant: a file never loses a value that it has: another value is a conflict, and nothing is
written. What was written is read back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile
from dirac_prodsys.core.query import stored_values
from dirac_prodsys.errors import Conflict, GatewayRejected, NotFound
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs
from dirac_prodsys.gateway.verbs.services import FILE_CHUNK, chunks

#: files that a message names
_NAMED = 3


class FileRecordVerbs(CatalogueVerbs):
    """Implements the verbs of :class:`ProductionGateway` about the catalogue's rows of files."""

    def describe_files(self, lfns: Sequence[str]) -> dict[str, CatalogueFile]:
        """See :meth:`ProductionGateway.describe_files`."""
        found: dict[str, CatalogueFile] = {}
        for chunk in chunks(sorted(set(lfns)), FILE_CHUNK):
            known = self._known(chunk)
            if not known:
                continue
            # files that fail here were removed meanwhile; one without replica fails in getReplicas
            facts = self._fc("getFileMetadata", dict.fromkeys(known, True))["Successful"]
            places = self._fc("getReplicas", known, False)["Successful"]
            own = self._fc("getFileDetails", known)
            for lfn in known:
                if lfn in facts:
                    metadata = (own.get(lfn) or {}).get("Metadata") or {}
                    found[lfn] = _described(lfn, facts[lfn], places.get(lfn) or {}, metadata)
        return found

    def mark_files(self, field: str, values: Mapping[str, str]) -> int:
        """See :meth:`ProductionGateway.mark_files`."""
        _, of_files = self._fields()
        if field not in of_files:
            raise GatewayRejected(
                f"the file catalogue has no metadata field {field} of files",
                "a catalogue manager defines it: addMetadataField, kind -f",
            )
        before = self._values_of(field, list(values))
        kind = of_files[field]
        other = [
            lfn
            for lfn, value in values.items()
            if lfn in before and not stored_values.same(value, before[lfn], kind)
        ]
        if other:
            first = ", ".join(f"{lfn} has {before[lfn]!r}" for lfn in sorted(other)[:_NAMED])
            raise Conflict(
                f"{len(other)} files have another {field} already: {first}",
                "use another field, or the same shares and salt as before",
            )
        missing = {lfn: {field: value} for lfn, value in values.items() if lfn not in before}
        for chunk in chunks(sorted(missing), FILE_CHUNK):
            self._each("setMetadataBulk", {lfn: missing[lfn] for lfn in chunk})
        after = self._values_of(field, list(missing))
        lost = [
            lfn
            for lfn, given in missing.items()
            if lfn not in after or not stored_values.same(given[field], after[lfn], kind)
        ]
        if lost:
            raise GatewayRejected(
                f"{len(lost)} files did not keep their {field}: {', '.join(sorted(lost)[:_NAMED])}",
                "see the log of the file catalogue",
            )
        return len(missing)

    def _known(self, lfns: Sequence[str]) -> list[str]:
        """Return those of the files that the catalogue has; without any, a query for details fails.

        Then the service makes a syntax error in its SQL.
        """
        there = self._each("isFile", dict.fromkeys(lfns, True))
        return [lfn for lfn in lfns if there.get(lfn)]

    def _values_of(self, field: str, lfns: Sequence[str]) -> dict[str, Any]:
        """Return the value of a field of files, for those that have one.

        :raises NotFound: the catalogue does not have one of the files.
        """
        found: dict[str, Any] = {}
        for chunk in chunks(sorted(lfns), FILE_CHUNK):
            known = self._known(chunk)
            if missing := sorted(set(chunk) - set(known)):
                raise NotFound(
                    f"the file catalogue has no {', '.join(missing[:_NAMED])}",
                    "it was removed meanwhile: try again",
                )
            details = self._fc("getFileDetails", known)
            for lfn in known:
                metadata = (details.get(lfn) or {}).get("Metadata") or {}
                if field in metadata:
                    found[lfn] = metadata[field]
        return found


def _described(
    lfn: str, facts: Mapping[str, Any], places: Mapping[str, Any], metadata: Mapping[str, Any]
) -> CatalogueFile:
    return CatalogueFile(
        lfn,
        int(facts.get("Size") or 0),
        str(facts.get("Checksum") or ""),
        int(facts.get("FileID") or 0),
        tuple(sorted(places)),
        dict(metadata),
    )
