"""The file catalogue of the in-memory grid: directories, files, metadata, datasets, DIRAC's traps.

Invariant: it answers the calls of ``DataManagement/FileCatalog`` as DIRAC 9.1.22 does, awkward ones
included: conditions on unknown fields are dropped, metadata are inherited and may not be set twice
on one path, and a dataset is updated, frozen and removed by its base name only.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.meta_query import MetaQuery, MetaQueryError

#: metadata fields that a new in-memory catalogue knows
DIRECTORY_FIELDS = {
    "production": "VARCHAR(128)",
    "run": "VARCHAR(128)",
    "step": "VARCHAR(128)",
    "site": "VARCHAR(128)",
    "particle": "VARCHAR(128)",
    "thetaP": "float",
    "phiP": "float",
    "array_layout": "VARCHAR(128)",
    "MCCampaign": "VARCHAR(128)",
    "airshower_sim_prog": "VARCHAR(128)",
    "airshower_sim_prog_version": "VARCHAR(128)",
    "tel_sim_prog": "VARCHAR(128)",
    "tel_sim_prog_version": "VARCHAR(128)",
    "analysis_prog": "VARCHAR(128)",
    "analysis_prog_version": "VARCHAR(128)",
    "data_level": "int",
    "outputType": "VARCHAR(128)",
    "configuration_id": "int",
    "merged": "int",
    "sct": "VARCHAR(128)",
    "systematics": "VARCHAR(128)",
    "view_cone": "VARCHAR(128)",
}
FILE_FIELDS = {
    "nsb": "int",
    "split": "VARCHAR(128)",
    "div_ang": "VARCHAR(128)",
    "runNumber": "VARCHAR(128)",
    "TransformationID": "int",
    "jobID": "VARCHAR(128)",
}


class ServiceError(Exception):
    """What a service answers with ``S_ERROR``.

    :param number: DIRAC's ``Errno``.
    """

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.number = number


@dataclass
class File:
    """A registered file; its metadata are its own and those of the directories above it.

    :param checksum: Adler-32, as the catalogue has it.
    :param replicas: storage element → size and checksum as they lie there; None: it was lost.
    """

    se: str
    size: int
    metadata: dict[str, Any] = field(default_factory=dict)
    checksum: str = "0badcafe"
    content: bytes | None = None
    number: int = 0
    replicas: dict[str, tuple[int, str] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.replicas.setdefault(self.se, (self.size, self.checksum))


@dataclass
class Dataset:
    """A row of ``FC_MetaDatasets``."""

    path: str
    query: dict[str, Any]
    counted: int
    status: str = "Dynamic"
    frozen: list[str] = field(default_factory=list)
    annotation: str = "-"


class MemoryCatalogue:
    """See the module; every ``serve_…`` method answers one exported method of the service."""

    def __init__(self) -> None:
        self.directory_fields = dict(DIRECTORY_FIELDS)
        self.file_fields = dict(FILE_FIELDS)
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
            self.files[lfn] = File(se, length, dict(metadata), content=content, number=self._number)

    def remove(self, lfn: str) -> None:
        """Forget a file; datasets that froze it go on naming it."""
        del self.files[lfn]

    def metadata_of(self, lfn: str) -> dict[str, Any]:
        """All searchable metadata of a file."""
        return {**self._inherited(posixpath.dirname(lfn)), **self.files[lfn].metadata}

    def find(self, query: Mapping[str, Any]) -> list[str]:
        """LFNs for a query in DIRAC's form, sorted; unknown fields are ignored, as by DIRAC."""
        known = {
            name: condition
            for name, condition in query.items()
            if name in self.directory_fields or name in self.file_fields
        }
        if not known:
            return []
        try:
            parsed = MetaQuery.from_dirac(known)
        except MetaQueryError as error:
            raise ServiceError(f"Illegal query: {error.reason}") from None
        return sorted(lfn for lfn in self.files if parsed.matches(self.metadata_of(lfn)))

    # -- files and directories -------------------------------------------------------------------

    def serve_getMetadataFields(self) -> dict[str, Any]:
        return {
            "DirectoryMetaFields": dict(self.directory_fields),
            "FileMetaFields": dict(self.file_fields),
        }

    def serve_addMetadataField(self, name: str, type_: str, kind: str) -> str:
        fields = self.directory_fields if kind == "-d" else self.file_fields
        fields[name] = type_
        return f"Added new metadata: {name}"

    def serve_findFilesByMetadata(self, query: dict[str, Any], path: str) -> list[str]:
        return self.find(query)

    def serve_findFilesByMetadataDetailed(self, query: dict[str, Any], path: str) -> Any:
        if path not in self.directories:
            raise ServiceError(f"Directory {path} not found")
        found = [lfn for lfn in self.find(query) if lfn.startswith(f"{path}/")]
        own = {lfn: {"Metadata": dict(self.files[lfn].metadata)} for lfn in found}
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

        return self._each(lfns, facts)

    def serve_getReplicas(self, lfns: list[str], all_status: bool) -> dict[str, Any]:
        def places(lfn: str) -> dict[str, str]:
            if lfn not in self.files:
                raise ServiceError("No such file or directory")
            return dict.fromkeys(self.files[lfn].replicas, lfn)

        return self._each(dict.fromkeys(lfns), places)

    def serve_getDirectoryUserMetadata(self, path: str) -> dict[str, Any]:
        if path not in self.directories:
            raise ServiceError(f"Directory {path} not found")
        return self._inherited(path)

    def serve_setMetadata(self, path: str, metadata: dict[str, Any]) -> None:
        if path not in self.directories:
            raise ServiceError(f"Path not found: {path}")
        above = self._inherited(posixpath.dirname(path)) if path != "/" else {}
        for name, value in metadata.items():
            if name in above:
                raise ServiceError(f"Metadata conflict detected for {name} for directory {path}")
            self.directories[path][name] = value

    # -- datasets --------------------------------------------------------------------------------

    def serve_addDataset(self, datasets: dict[str, dict[str, Any]]) -> dict[str, Any]:
        def add(path: str) -> bool:
            if not posixpath.dirname(path):
                raise ServiceError("Dataset name should be specified with full path")
            if path in self.datasets:
                raise ServiceError(f"Dataset {path} already exists")
            if posixpath.dirname(path) not in self.directories:
                raise ServiceError("makeDirectories() missing 1 required positional argument")
            query = datasets[path]
            self.datasets[path] = Dataset(path, query, len(self.find(query)))
            return True

        return self._each(datasets, add)

    def serve_addDatasetAnnotation(self, datasets: dict[str, str]) -> dict[str, Any]:
        def annotate(name: str) -> bool:
            self._dataset(name).annotation = datasets[name]
            return True

        return self._each(datasets, annotate)

    def serve_getDatasetAnnotation(self, datasets: dict[str, Any]) -> dict[str, Any]:
        return self._each(datasets, lambda name: self._dataset(name).annotation)

    def serve_getDatasets(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def rows(name: str) -> dict[str, Any]:
            base = posixpath.basename(name)
            return {base: self._row(named[-1])} if (named := self._of_base(base)) else {}

        return self._each(datasets, rows)

    def serve_getDatasetParameters(self, datasets: dict[str, Any]) -> dict[str, Any]:
        return self._each(datasets, lambda name: self._row(self._dataset(name)))

    def serve_getDatasetFiles(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def files(name: str) -> list[str]:
            dataset = self._dataset(name)
            if dataset.status != "Frozen":
                return self.find(dataset.query)
            if not dataset.frozen:
                raise ServiceError('MySQL Error ( 1131 : (1064, "an error in your SQL syntax") )')
            return list(dataset.frozen)

        return self._each(datasets, files)

    def serve_updateDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def update(name: str) -> None:
            named = self._of_base(name)
            if not named:
                raise ServiceError(f"Unknown MetaDataset {name}")
            for dataset in named:
                dataset.counted = len(self.find(dataset.query))

        return self._each(datasets, update)

    def serve_freezeDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def freeze(name: str) -> bool:
            dataset = self._dataset(name)
            if dataset.status != "Frozen":
                dataset.frozen = self.find(dataset.query)
                for named in self._of_base(name):  # a full path matches none, and succeeds
                    named.status = "Frozen"
            return True

        return self._each(datasets, freeze)

    def serve_removeDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def remove(name: str) -> bool:
            for dataset in self._of_base(name)[:1]:  # a full path matches none, and succeeds
                del self.datasets[dataset.path]
            return True

        return self._each(datasets, remove)

    def _dataset(self, name: str) -> Dataset:
        if name.startswith("/"):
            if name not in self.datasets:
                raise ServiceError("No such dataset")
            return self.datasets[name]
        named = self._of_base(name)
        if not named:
            raise ServiceError("Dataset not found")
        return named[-1]

    def _of_base(self, base: str) -> list[Dataset]:
        return [d for d in self.datasets.values() if posixpath.basename(d.path) == base]

    @staticmethod
    def _row(dataset: Dataset) -> dict[str, Any]:
        return {
            "MetaQuery": dataset.query,
            "NumberOfFiles": dataset.counted,
            "Status": dataset.status,
        }

    @staticmethod
    def _each(names: Mapping[str, Any], serve: Callable[[str], Any]) -> dict[str, Any]:
        reply: dict[str, dict[str, Any]] = {"Successful": {}, "Failed": {}}
        for name in names:
            try:
                reply["Successful"][name] = serve(name)
            except ServiceError as error:
                reply["Failed"][name] = error.message
        return reply

    def _make(self, path: str) -> None:
        while path not in self.directories:
            self.directories[path] = {}
            path = posixpath.dirname(path)

    def _inherited(self, path: str) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        while True:
            metadata = {**self.directories.get(path, {}), **metadata}
            if path in ("/", ""):
                return metadata
            path = posixpath.dirname(path)
