"""Implements the verbs about datasets, in calls of ``DataManagement/FileCatalog``.

Invariant: each call gets the kind of name that it understands: the full path for add, annotate
and read, the base name for update, freeze and remove (``DatasetManager.py``, 9.1).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected, MetaQueryError, NotFound
from dirac_prodsys.gateway.records import DatasetRecord
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs, catalogue_path
from dirac_prodsys.gateway.verbs.replies import each
from dirac_prodsys.gateway.verbs.services import CATALOGUE

#: widths of the columns of ``FC_MetaDatasets`` and ``FC_DatasetAnnotations``
_NAME_WIDTH, _QUERY_WIDTH, _ANNOTATION_WIDTH = 128, 512, 512

_FROZEN = ("Frozen", "Static")


class DatasetVerbs(CatalogueVerbs):
    """Implements the verbs of :class:`ProductionGateway` about datasets."""

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
        return self._as_meant(parameters["MetaQuery"])

    def _as_meant(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """Return a query that was read back as it was written, without what sending added."""
        try:
            read, meant = MetaQuery.from_dirac(form).conditions, self._read_back(form).conditions
        except MetaQueryError:  # the step that takes the dataset reports it
            return dict(form)
        return {
            name: value if meant[name] == read[name] else meant[name].to_dirac()
            for name, value in form.items()
        }

    def find_dataset(self, name: str) -> DatasetRecord | None:
        """See :meth:`ProductionGateway.find_dataset`."""
        found = self._read_dataset(name)
        return None if found is None else found[0]

    def _read_dataset(self, name: str) -> tuple[DatasetRecord, MetaQuery] | None:
        """Return a dataset, and its query as the catalogue has it."""
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
        query = self._read_back(parameters["MetaQuery"])
        frozen = parameters["Status"] in _FROZEN
        if frozen:
            # the service cannot list an empty frozen dataset (a syntax error in its SQL)
            empty = not int(parameters["NumberOfFiles"])
            files = 0 if empty else len(self._each("getDatasetFiles", {path: True})[path])
        else:
            files = self.count_files(query)
        annotation = self._each("getDatasetAnnotation", {path: True})[path]
        record = DatasetRecord(
            name=path,
            files=files,
            query=query.to_dirac(),
            frozen=frozen,
            annotation="" if annotation == "-" else str(annotation),
        )
        return record, MetaQuery.from_dirac(parameters["MetaQuery"])

    def create_dataset(self, spec: DatasetSpec) -> DatasetRecord:
        """See :meth:`ProductionGateway.create_dataset`."""
        path, base = _dataset_name(spec.name)
        sent = self._sent(spec.query)
        _check_widths(spec, base, sent)
        found, there = self._read_dataset(path) or (None, None)
        if found is not None and there != sent:
            raise Conflict(
                f"dataset {path} exists with another query: asked {sent}, found {there}",
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
            # the service tries to, and fails: makeDirectories() lacks an argument there
            self._each("createDirectory", {posixpath.dirname(path): True})
            self._each("addDataset", {path: sent.to_dirac()})
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


def _dataset_name(name: str) -> tuple[str, str]:
    path = catalogue_path(name)
    base = posixpath.basename(path)
    if not base or "*" in base or "?" in base or posixpath.dirname(path) == "/":
        raise GatewayRejected(
            f"{name!r} is no dataset name", "write /vo/directory/name, without wildcards"
        )
    return path, base


def _check_widths(spec: DatasetSpec, base: str, sent: MetaQuery) -> None:
    for what, text, width in (
        ("name", base, _NAME_WIDTH),
        ("query", str(sent.to_dirac()), _QUERY_WIDTH),
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
