"""Implements the verbs about datasets, in calls of ``DataManagement/FileCatalog``.

Invariant: each call gets the kind of name that it understands: the full path for add, annotate
and read, the base name for update, freeze and remove (``DatasetManager.py``, 9.1).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.core.grid.catalogue_files import list_checksum
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.query.difference import differences
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected, MetaQueryError, NotFound
from dirac_prodsys.gateway.records import DatasetRecord
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs, catalogue_path
from dirac_prodsys.gateway.verbs.replies import each
from dirac_prodsys.gateway.verbs.services import CATALOGUE, FILE_CHUNK, chunks

#: widths of the columns of ``FC_MetaDatasets`` and ``FC_DatasetAnnotations``
_NAME_WIDTH, _QUERY_WIDTH, _ANNOTATION_WIDTH = 128, 512, 512

_FROZEN = ("Frozen", "Static")
#: what its database says of the call that DIRAC 9.0 makes
_WRONG_CALL = "_query() takes 2 positional arguments"

#: folders in one call: the service lists the files of each
FOLDER_CHUNK = 50
#: characters of a date and time, up to its seconds
_TO_SECONDS = len("2026-11-29 10:00:00")


@dataclass(frozen=True)
class _ReadDataset:
    """A dataset that was read.

    :param stored: its query as the catalogue has it.
    :param number: DatasetID.
    :param files: the LFNs that a frozen one holds; None: it is not frozen.
    """

    record: DatasetRecord
    stored: MetaQuery
    number: int
    files: list[str] | None


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
        reply = self._described({base: True})
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
        return None if found is None else found.record

    def list_datasets(self, folder: str) -> list[DatasetRecord]:
        """See :meth:`ProductionGateway.list_datasets`."""
        top = catalogue_path(folder)
        if not self._each("isDirectory", {top: True})[top]:
            return []
        paths: list[str] = []
        level = [top]
        while level:
            below: list[str] = []
            for chunk in chunks(level, FOLDER_CHUNK):
                contents = self._fc("listDirectory", dict.fromkeys(chunk, True), False)
                for path, content in each(contents, f"{CATALOGUE}.listDirectory").items():
                    paths += [posixpath.join(path, base) for base in content["Datasets"]]
                    below += content["SubDirs"]
            level = below
        found = []
        for chunk in chunks(sorted(paths), FILE_CHUNK):
            named = dict.fromkeys(chunk, True)
            parameters = self._described(named)["Successful"]
            if not parameters:  # all were removed meanwhile
                continue
            notes = self._each("getDatasetAnnotation", dict.fromkeys(parameters, True))
            for path, row in sorted(parameters.items()):
                query = self._read_back(row["MetaQuery"])
                found.append(_record(path, row, query, notes[path], int(row["NumberOfFiles"])))
        return found

    def dataset_files(self, name: str) -> list[str]:
        """See :meth:`ProductionGateway.dataset_files`."""
        found = self._read_dataset(name)
        if found is None:
            raise NotFound(
                f"there is no dataset {name} in the file catalogue",
                "give its full path; `dirac-prodsys datasets list` shows those of a folder",
            )
        if found.files is not None:
            return found.files
        return self.selected_files(MetaQuery.from_dirac(found.record.query))

    def remove_dataset(self, name: str) -> bool:
        """See :meth:`ProductionGateway.remove_dataset`."""
        path, base = _dataset_name(name)
        found = self._read_dataset(path)
        if found is None:
            return False
        row = self._each("getDatasets", {base: True})[base].get(base, {})
        if int(row.get("DatasetID", 0)) != found.number:
            raise Conflict(
                f"another folder has a dataset named {base}, which DIRAC might remove instead",
                "remove one of the two by hand: DIRAC removes datasets by base name alone",
            )
        self._remove_dataset(path, base)
        return True

    def _described(self, names: dict[str, bool]) -> Mapping[str, Any]:
        """Return the catalogue's answer to ``getDatasetParameters``.

        :raises GatewayRejected: also by DIRAC 9.0, whose service calls its database wrongly.
        """
        try:
            reply: Mapping[str, Any] = self._fc("getDatasetParameters", names)
        except GatewayRejected as error:
            if _WRONG_CALL not in error.reason:
                raise
            raise GatewayRejected(
                "the file catalogue of DIRAC 9.0 can neither describe a dataset nor freeze one of "
                "several files",
                "datasets need a file catalogue of DIRAC 9.1; a production without `dataset:` runs "
                "on 9.0, too",
            ) from None
        return reply

    def _read_dataset(self, name: str) -> _ReadDataset | None:
        """Return a dataset as the catalogue has it; None if there is none."""
        path, _ = _dataset_name(name)
        if not self._each("getDatasets", {path: True})[path]:
            return None
        # a look-up in a directory that does not exist is a syntax error in the service's SQL
        parent = posixpath.dirname(path)
        if not self._each("isDirectory", {parent: True})[parent]:
            return None
        reply = self._described({path: True})
        if "No such dataset" in str((reply.get("Failed") or {}).get(path, "")):
            return None
        row = each(reply, f"{CATALOGUE}.getDatasetParameters")[path]
        query = self._read_back(row["MetaQuery"])
        files: list[str] | None = None
        if row["Status"] in _FROZEN:
            # the service cannot list an empty frozen dataset (a syntax error in its SQL)
            empty = not int(row["NumberOfFiles"])
            files = [] if empty else sorted(self._each("getDatasetFiles", {path: True})[path])
        number = self.count_files(query) if files is None else len(files)
        annotation = self._each("getDatasetAnnotation", {path: True})[path]
        record = _record(path, row, query, annotation, number)
        stored = MetaQuery.from_dirac(row["MetaQuery"])
        return _ReadDataset(record, stored, int(row.get("DatasetID") or 0), files)

    def create_dataset(self, spec: DatasetSpec) -> DatasetRecord:
        """See :meth:`ProductionGateway.create_dataset`."""
        path, base = _dataset_name(spec.name)
        sent = self._sent(spec.query)
        _check_widths(spec, base, sent)
        there = self._read_dataset(path)
        if there is not None:
            _refuse_other_query(path, sent, there.stored)
            if there.files == [] and self.count_files(spec.query):
                # frozen, and all its files went since: the step was cleaned and began anew
                self.remove_dataset(path)
                there = None
        found = None if there is None else there.record
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
            elif spec.freeze and not found.frozen:
                self._each("releaseDataset", {base: True})
            raise

    def _finish_dataset(
        self, spec: DatasetSpec, path: str, base: str, found: DatasetRecord | None
    ) -> DatasetRecord:
        """Annotate, count and freeze; read back after each write."""
        made = self._must_be_there(path)
        _refuse_other_query(path, self._sent(spec.query), made.stored)
        if spec.annotation and made.record.annotation != spec.annotation:
            self._each("addDatasetAnnotation", {path: spec.annotation})
            made = self._must_be_there(path)
            if made.record.annotation != spec.annotation:
                raise _not_kept(path, f"annotated {made.record.annotation!r}")
        if not made.record.frozen:
            self._each("updateDataset", {base: True})
            made = self._must_be_there(path)
            if spec.freeze:
                self._each("freezeDataset", {base: True})
                made = self._must_be_there(path)
                if not made.record.frozen:
                    raise _not_kept(path, "not frozen")
            self._compare_with_catalogue(spec, made)
        _check_expected(spec, made.record.files)
        return replace(made.record, adopted=found is not None)

    def _must_be_there(self, path: str) -> _ReadDataset:
        found = self._read_dataset(path)
        if found is None:
            raise _not_kept(path, "not there")
        return found

    def _compare_with_catalogue(self, spec: DatasetSpec, made: _ReadDataset) -> None:
        """Compare what the dataset holds, and what was counted, with what the query finds now.

        :raises GatewayRejected: they differ.
        """
        record, held = made.record, made.files
        if held is None:
            if record.counted == record.files:
                return
            now, there = record.files, record.counted
        else:
            found = self.selected_files(spec.query)
            if held == found and record.list_checksum == list_checksum(held):
                return
            now, there = len(found), len(held)
        raise GatewayRejected(
            f"dataset {record.name} holds {there} files (counted: {record.counted}) and the "
            f"catalogue finds {now}, not the same ones",
            "files appear or vanish meanwhile: wait until its steps are complete",
        )

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


def _record(
    path: str, row: Mapping[str, Any], query: MetaQuery, annotation: Any, files: int
) -> DatasetRecord:
    """Return a dataset from its row in ``FC_MetaDatasets``."""
    return DatasetRecord(
        name=path,
        files=files,
        query=query.to_dirac(),
        frozen=row["Status"] in _FROZEN,
        annotation="" if annotation == "-" else str(annotation),
        counted=int(row["NumberOfFiles"]),
        size=int(row.get("TotalSize") or 0),
        list_checksum=str(row.get("DatasetHash") or ""),
        owner=str(row.get("Owner") or ""),
        created=str(row.get("CreationDate") or "")[:_TO_SECONDS],
    )


def _refuse_other_query(path: str, asked: MetaQuery, found: MetaQuery) -> None:
    if asked == found:
        return
    lines = "".join(f"\n  {line}" for line in differences(asked, found))
    raise Conflict(
        f"dataset {path} exists with another query:{lines}",
        "use another name; the query of a dataset cannot be changed",
    )


def _not_kept(path: str, state: str) -> GatewayRejected:
    return GatewayRejected(
        f"dataset {path} is {state} after it was made",
        "something else removed or released it; see the log of the file catalogue",
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
