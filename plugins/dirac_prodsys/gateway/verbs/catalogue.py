"""Implements the verbs about files and directories, in calls of ``DataManagement/FileCatalog``.

Invariant: a query that the catalogue would silently widen is refused. The catalogue drops
conditions on unknown fields (``DirectoryMetadata.__expandMetaDictionary``), so every field is
looked up first. It compares with the values that its columns store, so every query passes
:meth:`CatalogueVerbs._sent` (see ``core/query/stored_values.py``).
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS, Inventory
from dirac_prodsys.core.grid.specs import DirectorySpec, MetaValue
from dirac_prodsys.core.query import stored_values
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected, MetaQueryError, NotFound
from dirac_prodsys.gateway.verbs.replies import each
from dirac_prodsys.gateway.verbs.services import FILE_CHUNK, ServiceCalls, chunks

#: seconds for which the list of metadata fields is trusted
FIELDS_TTL = 300.0


class CatalogueVerbs(ServiceCalls):
    """Implements the verbs of :class:`ProductionGateway` about files and directories."""

    _fields_read: tuple[float, dict[str, str], dict[str, str]] | None = None

    def inventory(self) -> Inventory:
        """See :meth:`ProductionGateway.inventory`."""
        fields: dict[str, Any] = self._fc("getMetadataFields")
        configured = self._configured()
        return Inventory(
            directory_fields=dict(fields["DirectoryMetaFields"]),
            file_fields=dict(fields["FileMetaFields"]),
            storage_elements=configured.storage_elements,
            sites=configured.sites,
            transformation_types=configured.transformation_types,
            unset=configured.unset,
        )

    # -- queries --------------------------------------------------------------------------------

    def count_files(self, query: MetaQuery) -> int:
        """See :meth:`ProductionGateway.count_files`.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """
        sent = self._sent(query)
        directory_fields, _ = self._fields()
        if directory_fields.keys() >= set(query.fields):
            # counts in the database; knows directory metadata only
            page = self._fc("findFilesByMetadataWeb", sent.to_dirac(), "/", 0, 1)
            return int(page["TotalRecords"]) if page else 0
        return len(self.find_files(query))

    def find_files(self, query: MetaQuery) -> list[str]:
        """Return the LFNs that the query selects, in no order.

        :raises GatewayRejected: see :meth:`count_files`.
        """
        return list(self._fc("findFilesByMetadata", self._sent(query).to_dirac(), "/"))

    def selected_files(self, query: MetaQuery) -> list[str]:
        """See :meth:`ProductionGateway.selected_files`."""
        return sorted(self.find_files(query))

    def size_of(self, lfns: Sequence[str]) -> int:
        """See :meth:`ProductionGateway.size_of`."""
        total = 0
        for chunk in chunks(lfns, FILE_CHUNK):
            reply = self._fc("getFileSize", dict.fromkeys(chunk, True))
            known = {**reply, "Failed": {}} if isinstance(reply, dict) else reply
            total += sum(int(size or 0) for size in each(known, "getFileSize").values())
        return total

    def files_below(self, directory: str, query: MetaQuery) -> dict[str, Mapping[str, Any]]:
        """See :meth:`ProductionGateway.files_below`."""
        sent = self._sent(query)
        path = posixpath.normpath(directory)
        try:
            found = self._fc("findFilesByMetadataDetailed", sent.to_dirac(), path)
        except NotFound:  # the first job that uploads makes the directory
            return {}
        rows = found or {}  # the service answers an empty list for none
        return {lfn: dict(rows[lfn].get("Metadata") or {}) for lfn in sorted(rows)}

    def _sent(self, query: MetaQuery) -> MetaQuery:
        """Return the query to send, so that the catalogue answers what this one asks.

        :raises GatewayRejected: there is no such query.
        """
        self._check_fields(query)
        try:
            return stored_values.as_stored(query, self._types())
        except MetaQueryError as error:
            raise GatewayRejected(error.reason, error.hint) from None

    def _read_back(self, form: Mapping[str, Any]) -> MetaQuery:
        """Return the query before :meth:`_sent`, from the form that the catalogue returns."""
        return stored_values.as_meant(MetaQuery.from_dirac(form), self._types())

    def _types(self) -> dict[str, str]:
        directory_fields, file_fields = self._fields()
        return {**file_fields, **directory_fields}

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
        unknown = set(names) - directory_fields.keys()
        return unknown - file_fields.keys() - STANDARD_FIELDS if of_files else unknown

    def _fields(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the metadata fields of directories, and of files, with their types."""
        read = self._fields_read
        if read is None or time.monotonic() - read[0] > FIELDS_TTL:
            answer = self._fc("getMetadataFields")
            read = (
                time.monotonic(),
                dict(answer["DirectoryMetaFields"]),
                dict(answer["FileMetaFields"]),
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
            self._refuse_misfits(directory)
        self._each("createDirectory", {catalogue_path(d.path): True for d in directories})
        for directory in directories:
            self._missing_metadata(directory)
        # parents first: a child inherits a parent's value, which must not be set again there
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

    def _refuse_misfits(self, directory: DirectorySpec) -> None:
        """Refuse values that the database would store changed: they would stay on the directory.

        :raises GatewayRejected: there is such a value.
        """
        types = self._types()
        for name, value in directory.metadata.items():
            wrong = stored_values.misfit(value, types[name])
            if wrong and wrong != stored_values.AS_TEXT:
                raise GatewayRejected(
                    f"{name} of {directory.path} would be {value!r}, which is {wrong}: the field "
                    f"is {types[name]} in the catalogue",
                    "write a value of that type, or use another field",
                )

    def _missing_metadata(self, directory: DirectorySpec) -> dict[str, MetaValue]:
        """Return the metadata that are not set yet.

        :raises Conflict: something is set to another value, here or on a parent directory.
        """
        found = self._fc("getDirectoryUserMetadata", catalogue_path(directory.path))
        differing = [
            f"{name}: asked {value!r}, found {found[name]!r}"
            for name, value in directory.metadata.items()
            if name in found
            and not stored_values.same(value, found[name], self._types().get(name, ""))
        ]
        if differing:
            raise Conflict(
                f"directory {directory.path} has other metadata: {'; '.join(differing)}",
                "use another directory; metadata are inherited from the directories above, too",
            )
        return {name: value for name, value in directory.metadata.items() if name not in found}


def catalogue_path(path: str) -> str:
    """Return the path as the catalogue writes it.

    :raises GatewayRejected: it is no path.
    """
    clean = posixpath.normpath(path)
    if not clean.startswith("/") or clean.startswith("//"):
        raise GatewayRejected(f"{path!r} is no catalogue path", "begin it with /vo/")
    return clean
