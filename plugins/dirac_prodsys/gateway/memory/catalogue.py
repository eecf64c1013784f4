"""Implements the file catalogue of the in-memory grid: directories, files, metadata.

Invariant: it answers the calls of ``DataManagement/FileCatalog`` as DIRAC 9.1.22 does, traps
included: conditions on unknown fields are dropped, metadata are inherited and may not be set twice
on one path, and columns store and compare as :mod:`.columns` says.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.community import built_in
from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS
from dirac_prodsys.gateway.memory.answers import ServiceError, by_name
from dirac_prodsys.gateway.memory.catalogue_file import File
from dirac_prodsys.gateway.memory.columns import BEGIN, fulfils, kept, shown
from dirac_prodsys.gateway.memory.datasets import Dataset, MemoryDatasets


def known_fields() -> tuple[dict[str, str], dict[str, str]]:
    """Return the metadata fields of directories and those of files in a new catalogue.

    They are those of the examples, and those of the communities that come with this package.
    """
    of_directories = dict.fromkeys(("production", "run", "step"), "VARCHAR(128)")
    # the TransformationCleaningAgent searches for this one (TransfIDMeta); a file's, because
    # directories are shared
    of_files = {"TransformationID": "int"}
    for community in built_in():
        if community.catalogue_fields:
            own = community.offered(community.catalogue_fields)
            of_directories |= own[0]
            of_files |= own[1]
    return of_directories, of_files


class MemoryCatalogue(MemoryDatasets):
    """The catalogue; every ``serve_…`` method answers one exported method of the service."""

    def __init__(self) -> None:
        self.directory_fields, self.file_fields = known_fields()
        self.directories: dict[str, dict[str, Any]] = {"/": {}}
        self.files: dict[str, File] = {}
        self.datasets: dict[str, Dataset] = {}
        self._number = 0

    # -- for tests and for the jobs of the grid --------------------------------------------------

    def register(
        self,
        lfn: str,
        *,
        se: str = "DISK-A-SE",
        size: int = 10**6,
        content: bytes | None = None,
        **metadata: Any,
    ) -> None:
        """Add a file, making its directories. Registering it again changes nothing.

        :param content: what can be read from it; its length is the size.
        """
        self._make(posixpath.dirname(lfn))
        if lfn not in self.files:
            self._number += 1
            length = size if content is None else len(content)
            own = {name: self._kept(name, value) for name, value in metadata.items()}
            self.files[lfn] = File(se, length, own, content=content, number=self._number)

    def remove(self, lfn: str) -> None:
        """Forget a file; frozen datasets keep naming it."""
        del self.files[lfn]

    def metadata_of(self, lfn: str) -> dict[str, Any]:
        """Return all searchable metadata of a file."""
        return {**self._inherited(posixpath.dirname(lfn)), **self._own(lfn)}

    def find(self, query: Mapping[str, Any]) -> list[str]:
        """Return LFNs for a query in DIRAC's form, sorted; like DIRAC, ignore unknown fields."""
        of_files = {*self.file_fields, *STANDARD_FIELDS}
        known = {n: c for n, c in query.items() if n in self.directory_fields or n in of_files}
        if not known:
            return []
        return sorted(lfn for lfn in self.files if self._fulfils(lfn, known, of_files))

    def _fulfils(self, lfn: str, query: Mapping[str, Any], of_files: set[str]) -> bool:
        columns = {**self._columns(posixpath.dirname(lfn)), **self.files[lfn].metadata}
        if not STANDARD_FIELDS.isdisjoint(query):
            columns = {**self._standard(lfn), **columns}
        return all(
            fulfils(columns.get(name), condition, of_files=name in of_files)
            for name, condition in query.items()
        )

    def _standard(self, lfn: str) -> dict[str, Any]:
        """Return the standard metadata of a file, as far as the grid in memory has them."""
        file, name = self.files[lfn], posixpath.basename(lfn)
        own = {"FileName": name, "Name": name, "Size": file.size, "CheckSum": file.checksum}
        # the catalogue has no clock: all files are as old as the grid
        own |= {"CreationDate": BEGIN, "ModificationDate": BEGIN}
        return {**own, "UID": 1, "GID": 1, "GUID": f"{file.number:032x}"}

    # -- files and directories -------------------------------------------------------------------

    def serve_getMetadataFields(self) -> dict[str, Any]:
        return {
            "DirectoryMetaFields": dict(self.directory_fields),
            "FileMetaFields": dict(self.file_fields),
        }

    def serve_addMetadataField(self, name: str, type_: str, kind: str) -> str:
        fields = self.directory_fields if kind == "-d" else self.file_fields
        if name in fields and fields[name].lower() != type_.lower():
            raise ServiceError("Attempt to add an existing metadata with different type")
        fields[name] = type_
        return f"Added new metadata: {name}"

    def serve_findFilesByMetadata(self, query: dict[str, Any], path: str) -> list[str]:
        return self.find(query)

    def serve_findFilesByMetadataDetailed(self, query: dict[str, Any], path: str) -> Any:
        if path not in self.directories:
            raise ServiceError(f"Directory {path} not found")
        found = [lfn for lfn in self.find(query) if lfn.startswith(f"{path}/")]
        own = {lfn: {"Metadata": self._own(lfn)} for lfn in found}
        return own or []

    def serve_findFilesByMetadataWeb(
        self, query: dict[str, Any], path: str, start: int, limit: int
    ) -> Any:
        only_directories = {k: v for k, v in query.items() if k in self.directory_fields}
        found = self.find(only_directories)
        if not found:
            return []
        page = found[start : start + limit]
        return {"TotalRecords": len(found), "Records": {lfn: {} for lfn in page}}

    def serve_createDirectory(self, paths: dict[str, Any]) -> dict[str, Any]:
        for path in paths:
            self._make(path)
        return {"Successful": dict.fromkeys(paths, True), "Failed": {}}

    def serve_isDirectory(self, paths: dict[str, Any]) -> dict[str, Any]:
        return {"Successful": {path: path in self.directories for path in paths}, "Failed": {}}

    def serve_isFile(self, paths: dict[str, Any]) -> dict[str, Any]:
        return {"Successful": {path: path in self.files for path in paths}, "Failed": {}}

    def serve_getDirectorySize(
        self, paths: list[str], long: bool, from_files: bool, recursive: bool
    ) -> dict[str, Any]:
        found = {}
        for path in (each for each in paths if each in self.directories):
            below = [f for lfn, f in self.files.items() if lfn.startswith(f"{path}/")]
            found[path] = {"LogicalFiles": len(below), "LogicalSize": sum(f.size for f in below)}
        absent = {path: "Directory not found" for path in paths if path not in found}
        return {"Successful": found, "Failed": absent}

    def serve_getFileSize(self, paths: dict[str, Any]) -> dict[str, Any]:
        known = {path: self.files[path].size for path in paths if path in self.files}
        failed = {path: "No such file or directory" for path in paths if path not in self.files}
        return {"Successful": known, "Failed": failed}

    def serve_removeFile(self, paths: dict[str, Any]) -> dict[str, Any]:
        for path in paths:
            self.files.pop(path, None)
        return {"Successful": dict.fromkeys(paths, True), "Failed": {}}

    def serve_getFileMetadata(self, lfns: dict[str, Any]) -> dict[str, Any]:
        def facts(lfn: str) -> dict[str, Any]:
            if lfn not in self.files:
                raise ServiceError("No such file or directory")
            file = self.files[lfn]
            return {"FileID": file.number, "Size": file.size, "Checksum": file.checksum}

        return by_name(lfns, facts)

    def serve_getReplicas(self, lfns: list[str], all_status: bool) -> dict[str, Any]:
        def places(lfn: str) -> dict[str, str]:
            if lfn not in self.files:
                raise ServiceError("No such file or directory")
            return dict.fromkeys(self.files[lfn].replicas, lfn)

        return by_name(dict.fromkeys(lfns), places)

    def serve_getFileDetails(self, lfns: list[str]) -> dict[str, Any]:
        known = [lfn for lfn in lfns if lfn in self.files]
        if not known:
            raise ServiceError('MySQL Error ( 1131 : (1064, "an error in your SQL syntax") )')
        return {
            lfn: {"Size": self.files[lfn].size, "Metadata": dict(self._own(lfn))} for lfn in known
        }

    def serve_setMetadataBulk(self, metadata: dict[str, dict[str, Any]]) -> dict[str, Any]:
        def change(path: str) -> bool:
            if path not in self.files:
                raise ServiceError(f"File {path} not found")
            for name, value in metadata[path].items():
                self.files[path].metadata[name] = self._kept(name, value)
            return True

        return by_name(metadata, change)

    def serve_listDirectory(self, paths: dict[str, Any], verbose: bool) -> dict[str, Any]:
        def content(path: str) -> dict[str, Any]:
            below = [each for each in self.directories if posixpath.dirname(each) == path != each]
            there = [each for each in self.datasets if posixpath.dirname(each) == path]
            datasets: dict[str, Any] = {posixpath.basename(each): {} for each in there}
            return {"SubDirs": dict.fromkeys(below, True), "Datasets": datasets, "Links": {}}

        return by_name(paths, content)

    def serve_getDirectoryUserMetadata(self, path: str) -> dict[str, Any]:
        if path not in self.directories:
            raise ServiceError(f"Directory {path} not found")
        return self._inherited(path)

    def serve_setMetadata(self, path: str, metadata: dict[str, Any]) -> None:
        if path not in self.directories:
            raise ServiceError(f"Path not found: {path}")
        above = self._columns(posixpath.dirname(path)) if path != "/" else {}
        for name, value in metadata.items():
            if name in above:
                raise ServiceError(f"Metadata conflict detected for {name} for directory {path}")
            self.directories[path][name] = self._kept(name, value)

    def _make(self, path: str) -> None:
        while path not in self.directories:
            self.directories[path] = {}
            path = posixpath.dirname(path)

    def _type(self, name: str) -> str:
        return self.directory_fields.get(name) or self.file_fields.get(name, "")

    def _kept(self, name: str, value: Any) -> Any:
        """Return the value as its field stores it; an undefined field stores a parameter."""
        defined = self._type(name)
        return kept(value, defined) if defined else value

    def _shown(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        return {n: shown(value, self._type(n)) for n, value in columns.items()}

    def _own(self, lfn: str) -> dict[str, Any]:
        return self._shown(self.files[lfn].metadata)

    def _inherited(self, path: str) -> dict[str, Any]:
        return self._shown(self._columns(path))

    def _columns(self, path: str) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        while True:
            metadata = {**self.directories.get(path, {}), **metadata}
            if path in ("/", ""):
                return metadata
            path = posixpath.dirname(path)
