"""The verbs about files, directories and datasets, in calls of ``DataManagement/FileCatalog``.

Invariant: a query that the catalogue would widen silently is refused. The catalogue drops
conditions on fields that it does not know (``DirectoryMetadata.__expandMetaDictionary``), so every
field is looked up first. Dataset calls are made with the kind of name each of them understands:
the full path for add, annotate and read, the base name for update, freeze and remove
(``DatasetManager.py``, 9.1).
"""

from __future__ import annotations

import math
import posixpath
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dirac_prodsys.core.inventory import STANDARD_FIELDS
from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.specs import DatasetSpec, DirectorySpec, MetaValue
from dirac_prodsys.errors import Conflict, GatewayRejected, NotFound
from dirac_prodsys.gateway.dirac_replies import each
from dirac_prodsys.gateway.protocol import DatasetRecord
from dirac_prodsys.gateway.services import CATALOGUE, Services

#: seconds for which the list of metadata fields is believed
FIELDS_TTL = 300.0

#: widths of the columns of ``FC_MetaDatasets`` and ``FC_DatasetAnnotations``
_NAME_WIDTH, _QUERY_WIDTH, _ANNOTATION_WIDTH = 128, 512, 512

_FROZEN = ("Frozen", "Static")


class CatalogueVerbs:
    """Mix-in: what :class:`ProductionGateway` says about the file catalogue."""

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
        self._each("createDirectory", {_path(d.path): True for d in directories})
        for directory in directories:
            self._missing_metadata(directory)
        # from above, as what a parent got is inherited and must not be set again below
        for directory in sorted(directories, key=lambda each: _path(each.path)):
            if missing := self._missing_metadata(directory):
                self._fc("setMetadata", _path(directory.path), missing)
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
        found = self._fc("getDirectoryUserMetadata", _path(directory.path))
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

    # -- datasets -------------------------------------------------------------------------------

    def dataset_query(self, name: str) -> Mapping[str, Any]:
        """See :meth:`ProductionGateway.dataset_query`."""
        base = posixpath.basename(name)
        found = self._each("getDatasets", {base: True})[base]
        if base not in found:
            raise NotFound(
                f"there is no dataset {name} in the file catalogue",
                "create it, or name another; datasets are known by their base name",
            )
        reply = self._fc("getDatasetParameters", {base: True})
        parameters = each(reply, f"{CATALOGUE}.getDatasetParameters")[base]
        return dict(parameters["MetaQuery"])

    def find_dataset(self, name: str) -> DatasetRecord | None:
        """See :meth:`ProductionGateway.find_dataset`."""
        path, _ = _dataset_name(name)
        if not self._each("getDatasets", {path: True})[path]:
            return None
        # a look-up in a directory that does not exist is a syntax error in the service's SQL
        parent = posixpath.dirname(path)
        if not self._each("isDirectory", {parent: True})[parent]:
            return None
        reply = self._fc("getDatasetParameters", {path: True})
        if "No such dataset" in str((reply.get("Failed") or {}).get(path, "")):
            return None
        parameters = each(reply, f"{CATALOGUE}.getDatasetParameters")[path]
        query = MetaQuery.from_dirac(parameters["MetaQuery"])
        frozen = parameters["Status"] in _FROZEN
        if frozen:
            # the service cannot list an empty frozen dataset (a syntax error in its SQL)
            empty = not int(parameters["NumberOfFiles"])
            files = 0 if empty else len(self._each("getDatasetFiles", {path: True})[path])
        else:
            files = self.count_files(query)
        annotation = self._each("getDatasetAnnotation", {path: True})[path]
        return DatasetRecord(
            name=path,
            files=files,
            query=query.to_dirac(),
            frozen=frozen,
            annotation="" if annotation == "-" else str(annotation),
        )

    def create_dataset(self, spec: DatasetSpec) -> DatasetRecord:
        """See :meth:`ProductionGateway.create_dataset`."""
        path, base = _dataset_name(spec.name)
        self._check_fields(spec.query)
        _check_widths(spec, base)
        found = self.find_dataset(path)
        if found is not None and MetaQuery.from_dirac(found.query) != spec.query:
            raise Conflict(
                f"dataset {path} exists with another query: asked {spec.query}, "
                f"found {MetaQuery.from_dirac(found.query)}",
                "use another name; the query of a dataset cannot be changed",
            )
        files = found.files if found is not None else self.count_files(spec.query)
        _check_expected(spec, files)
        if spec.freeze and not files:
            raise GatewayRejected(
                f"dataset {path} would be frozen without any file: nothing matches {spec.query}",
                "check the query against the metadata of the files",
            )
        if found is None:
            self._refuse_taken(path, base)
            # the service means to, and fails: makeDirectories() lacks an argument there
            self._each("createDirectory", {posixpath.dirname(path): True})
            self._each("addDataset", {path: spec.query.to_dirac()})
        try:
            return self._finish_dataset(spec, path, base, found)
        except GatewayRejected:
            if found is None:
                self._remove_dataset(path, base)
            raise

    def _finish_dataset(
        self, spec: DatasetSpec, path: str, base: str, found: DatasetRecord | None
    ) -> DatasetRecord:
        if spec.annotation and (found is None or found.annotation != spec.annotation):
            self._each("addDatasetAnnotation", {path: spec.annotation})
        if found is None or not found.frozen:
            self._each("updateDataset", {base: True})
            if spec.freeze:
                self._each("freezeDataset", {base: True})
        made = self.find_dataset(path)
        if made is None or (spec.freeze and not made.frozen):
            state = "not there" if made is None else "not frozen"
            raise GatewayRejected(
                f"dataset {path} is {state} after it was made",
                "something else removed or released it; see the log of the file catalogue",
            )
        _check_expected(spec, made.files)
        if found is None and made.files != (now := self.count_files(spec.query)):
            raise GatewayRejected(
                f"dataset {path} holds {made.files} files and the catalogue finds {now}",
                "files appear or vanish meanwhile: wait until its steps are complete",
            )
        return DatasetRecord(**{**vars(made), "adopted": found is not None})

    def _refuse_taken(self, path: str, base: str) -> None:
        if self._each("getDatasets", {path: True})[path]:
            raise Conflict(
                f"another directory has a dataset named {base}",
                "use another base name: DIRAC freezes and removes datasets by base name alone",
            )

    def _remove_dataset(self, path: str, base: str) -> None:
        self._each("removeDataset", {base: True})
        if self.find_dataset(path) is not None:
            raise GatewayRejected(
                f"dataset {path} could not be removed again", "remove it in the catalogue by hand"
            )


def _path(path: str) -> str:
    clean = posixpath.normpath(path)
    if not clean.startswith("/") or clean.startswith("//"):
        raise GatewayRejected(f"{path!r} is no catalogue path", "begin it with /vo/")
    return clean


def _dataset_name(name: str) -> tuple[str, str]:
    path = _path(name)
    base = posixpath.basename(path)
    if not base or "*" in base or "?" in base or posixpath.dirname(path) == "/":
        raise GatewayRejected(
            f"{name!r} is no dataset name", "write /vo/directory/name, without wildcards"
        )
    return path, base


def _same(asked: MetaValue, found: Any) -> bool:
    """Whether the catalogue holds this value: FLOAT has 24 bits, VARCHAR makes numbers text."""
    try:
        return math.isclose(float(asked), float(found), rel_tol=1e-6) or str(asked) == str(found)
    except (TypeError, ValueError):
        return str(asked) == str(found)


def _check_widths(spec: DatasetSpec, base: str) -> None:
    for what, text, width in (
        ("name", base, _NAME_WIDTH),
        ("query", str(spec.query.to_dirac()), _QUERY_WIDTH),
        ("annotation", spec.annotation, _ANNOTATION_WIDTH),
    ):
        if len(text) > width:
            raise GatewayRejected(
                f"the {what} of dataset {spec.name} has {len(text)} characters, "
                f"the catalogue keeps {width}",
                f"shorten the {what}",
            )


def _check_expected(spec: DatasetSpec, files: int) -> None:
    if spec.expect_files is not None and files != spec.expect_files:
        raise GatewayRejected(
            f"dataset {spec.name} would hold {files} files instead of {spec.expect_files}",
            "look for missing or surplus output files of the steps before",
        )
    least, most = spec.min_files, spec.max_files
    if (least is not None and files < least) or (most is not None and files > most):
        bounds = f"{least or 0} to {'any number' if most is None else most}"
        raise GatewayRejected(
            f"dataset {spec.name} would hold {files} files, and {bounds} are expected",
            "look for missing or surplus output files of the steps before",
        )
