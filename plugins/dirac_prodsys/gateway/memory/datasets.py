"""Implements the datasets of the in-memory catalogue, with the traps of DIRAC's.

Invariant: a dataset is updated, frozen and removed by its base name only; the same call with a full
path succeeds and does nothing; an empty frozen dataset cannot be listed (``DatasetManager.py``).
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

import posixpath
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.grid.catalogue_files import list_checksum
from dirac_prodsys.gateway.memory.answers import ServiceError, by_name
from dirac_prodsys.gateway.memory.catalogue_file import File
from dirac_prodsys.gateway.memory.columns import BEGIN


@dataclass
class Dataset:
    """A row of ``FC_MetaDatasets``.

    :param frozen: FileIDs; a file that is registered again has another one.
    """

    path: str
    query: dict[str, Any]
    number: int = 0
    status: str = "Dynamic"
    frozen: list[int] = field(default_factory=list)
    annotation: str = "-"
    #: as they were when the catalogue last counted them
    counted: int = 0
    size: int = 0
    checksum: str = ""
    owner: str = "memory"


class MemoryDatasets(ABC):
    """Answers of the in-memory catalogue about datasets."""

    directories: dict[str, dict[str, Any]]
    files: dict[str, File]
    datasets: dict[str, Dataset]

    @abstractmethod
    def find(self, query: Mapping[str, Any]) -> list[str]:
        """Return LFNs for a query in DIRAC's form, sorted."""

    def serve_addDataset(self, datasets: dict[str, dict[str, Any]]) -> dict[str, Any]:
        def add(path: str) -> bool:
            if not posixpath.dirname(path):
                raise ServiceError("Dataset name should be specified with full path")
            if path in self.datasets:
                raise ServiceError(f"Dataset {path} already exists")
            if posixpath.dirname(path) not in self.directories:
                raise ServiceError("makeDirectories() missing 1 required positional argument")
            number = 1 + max((each.number for each in self.datasets.values()), default=0)
            self.datasets[path] = Dataset(path, datasets[path], number)
            self._count(self.datasets[path])
            return True

        return by_name(datasets, add)

    def serve_addDatasetAnnotation(self, datasets: dict[str, str]) -> dict[str, Any]:
        def annotate(name: str) -> bool:
            self._dataset(name).annotation = datasets[name]
            return True

        return by_name(datasets, annotate)

    def serve_getDatasetAnnotation(self, datasets: dict[str, Any]) -> dict[str, Any]:
        return by_name(datasets, lambda name: self._dataset(name).annotation)

    def serve_getDatasets(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def rows(name: str) -> dict[str, Any]:
            base = posixpath.basename(name)
            return {base: self._row(named[-1])} if (named := self._of_base(base)) else {}

        return by_name(datasets, rows)

    def serve_getDatasetParameters(self, datasets: dict[str, Any]) -> dict[str, Any]:
        return by_name(datasets, lambda name: self._row(self._dataset(name)))

    def serve_getDatasetFiles(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def files(name: str) -> list[str]:
            dataset = self._dataset(name)
            if dataset.status != "Frozen":
                return self.find(dataset.query)
            if not dataset.frozen:
                raise ServiceError('MySQL Error ( 1131 : (1064, "an error in your SQL syntax") )')
            # a removed file is not listed any more, and nothing says that it was there
            numbers = {file.number: lfn for lfn, file in self.files.items()}
            return sorted(numbers[each] for each in dataset.frozen if each in numbers)

        return by_name(datasets, files)

    def serve_updateDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def update(name: str) -> None:
            named = self._of_base(name)
            if not named:
                raise ServiceError(f"Unknown MetaDataset {name}")
            for dataset in named:
                self._count(dataset)

        return by_name(datasets, update)

    def serve_freezeDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def freeze(name: str) -> bool:
            dataset = self._dataset(name)
            if dataset.status != "Frozen":
                dataset.frozen = [self.files[lfn].number for lfn in self.find(dataset.query)]
                for named in self._of_base(name):  # a full path matches none, and succeeds
                    named.status = "Frozen"
            return True

        return by_name(datasets, freeze)

    def serve_releaseDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def release(name: str) -> bool:
            self._dataset(name).frozen = []
            for named in self._of_base(name):  # a full path matches none, and succeeds
                named.status = "Dynamic"
            return True

        return by_name(datasets, release)

    def serve_removeDataset(self, datasets: dict[str, Any]) -> dict[str, Any]:
        def remove(name: str) -> bool:
            for dataset in self._of_base(name)[:1]:  # a full path matches none, and succeeds
                del self.datasets[dataset.path]
            return True

        return by_name(datasets, remove)

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
            "DatasetID": dataset.number,
            "MetaQuery": dataset.query,
            "NumberOfFiles": dataset.counted,
            "TotalSize": dataset.size,
            "DatasetHash": dataset.checksum,
            "Status": dataset.status,
            "Owner": dataset.owner,
            "CreationDate": BEGIN,
        }

    def _count(self, dataset: Dataset) -> None:
        found = self.find(dataset.query)
        dataset.counted = len(found)
        dataset.size = sum(self.files[lfn].size for lfn in found)
        dataset.checksum = list_checksum(found)
