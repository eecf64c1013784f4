"""Plans the output of a step: its files, their metadata, and its dataset.

Invariant: all values fit into the columns of ``TransformationDB.sql`` and ``FileCatalogDB.sql``:
the databases silently cut what does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core import limits, naming
from dirac_prodsys.core.grid import task_values
from dirac_prodsys.core.grid.command_line import CDATA_END
from dirac_prodsys.core.grid.specs import DatasetSpec, MetaValue, OutputFile
from dirac_prodsys.core.placeholders import fill
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import DatasetModel, Step
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.linking import MAX_CONDITION, read_query
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.core.steps.shape import SHAPE

if TYPE_CHECKING:
    from dirac_prodsys.core.steps.file_values import Turns

#: maximum characters of ``FC_MetaDatasets.MetaQuery`` and ``FC_DatasetAnnotations.Annotation``
MAX_DATASET_TEXT = limits.DATASET_QUERY.most

_OF_RUN = re.compile(r"\$\{\{\s*run\s*\}\}")
_OF_PRODUCTION = re.compile(r"\$\{\{\s*production\s*\}\}")
_SE = re.compile(r"[A-Za-z0-9_.-]{1,127}")
_FILE = re.compile(r"[A-Za-z0-9_.+=-]+")
_TASK_NAMES = re.compile(r"@\{(?:JOB_ID|PRODUCTION_ID)\}")
#: DIRAC's forms of a task or transformation ID
_EIGHT_DIGITS = "00000000"


def output(
    production: Production, step: Step, values: Mapping[str, str], problems: Problems
) -> tuple[tuple[OutputFile, ...], Output | None]:
    """Return the files of a step, and its output; nothing if it has none, or is wrong.

    :param values: placeholder → its value.
    """
    if step.output is None:
        return (), None
    path: Path = ("steps", step.name, "output")
    before = len(problems.found)
    directory = fill(step.output.directory, values, (*path, "directory"), problems)
    if "@{" in directory:
        task_values.check(directory, (*path, "directory"), problems, filled=frozenset())
    else:
        with problems.at(*path, "directory"):
            naming.check_directory(directory, production.vo)
    se = fill(step.output.se, values, (*path, "se"), problems)
    if not _SE.fullmatch(se):
        problems.add(
            (*path, "se"),
            f"{se!r} cannot name a storage element",
            f"use letters, digits and _ . -, at most {limits.STORAGE_ELEMENT.most}",
            code="name",
        )
    metadata = fill(step.output.metadata, values, (*path, "metadata"), problems)
    equal = {field: {"=": value} for field, value in metadata.items()}
    query = read_query(equal, (*path, "metadata"), problems, made=True) or MetaQuery()
    check_conditions(query, (*path, "metadata"), problems)
    check_metadata(metadata, limits.DIRECTORY_FIELD, (*path, "metadata"), problems)
    if not metadata:
        hint = "add step: ${{ step }}"
        reason = "without metadata nobody finds these files"
        problems.add((*path, "metadata"), reason, hint, code="missing-key")
    some = _file_metadata(step, metadata, values, (*path, "file_metadata"), problems)
    names = fill(step.output.files, values, (*path, "files"), problems)
    for index, name in enumerate(names):
        _check_file(name, directory, step.tasks or 1, (*path, "files", index), problems)
    if len(problems.found) > before:
        return (), None
    carried = _carried(step, len(names), values, (*path, "file_metadata"), problems)
    if len(problems.found) > before:
        return (), None
    files = tuple(
        OutputFile(name=name, directory=directory, se=se, metadata=own)
        for name, own in zip(names, carried, strict=True)
    )
    whole, written = query.refine(some), step.output.metadata
    of_run = frozenset(name for name in metadata if _OF_RUN.search(str(written[name])))
    of_production = frozenset(
        name
        for name, value in metadata.items()
        if value == production.name or _OF_PRODUCTION.search(str(written[name]))
    )
    return files, Output(step.name, directory, metadata, whole, some, of_run, of_production)


def _carried(
    step: Step, files: int, values: Mapping[str, str], path: Path, problems: Problems
) -> list[Turns]:
    """Return the metadata that the job sets on each of its files."""
    written = {} if step.output is None else step.output.file_metadata
    if not written:
        return [()] * files
    from dirac_prodsys.core.steps.file_values import turns  # few write metadata of files

    try:
        return turns(fill(written, values, path, Problems()), files)
    except ValueError as error:
        problems.add(path, str(error), "let the job's program set what differs so much")
        return []


def _file_metadata(
    step: Step,
    metadata: Mapping[str, MetaValue],
    values: Mapping[str, str],
    path: Path,
    problems: Problems,
) -> MetaQuery:
    """Return the query for metadata that files carry beside the metadata of their directory."""
    written = {} if step.output is None else step.output.file_metadata
    found: dict[str, dict[str, Any]] = {}
    for field, value in fill(written, values, path, problems).items():
        if CDATA_END in str(value):
            problems.add(
                (*path, field),
                f"the text {CDATA_END} ends the XML in which DIRAC keeps the job",
                "write it otherwise",
                code="text",
            )
        if field in metadata:
            problems.add(
                (*path, field),
                f"{field} is metadata of the directory, which its files inherit",
                "say it in one of the two",
                on_key=True,
                code="twice",
            )
        found[field] = {"in": value} if isinstance(value, list) else {"=": value}
    check_metadata(fill(written, values, path, Problems()), limits.FILE_FIELD, path, problems)
    if "%" in str(found):
        from dirac_prodsys.core.steps import percent_signs  # few have one

        percent_signs.check_values(found, path, problems)
    query = read_query(found, path, problems, made=True) or MetaQuery()
    check_conditions(query, path, problems)
    return MetaQuery() if any(field in metadata for field in found) else query


def dataset(
    production: Production,
    step: Step,
    made: Output | None,
    values: Mapping[str, str],
    problems: Problems,
) -> DatasetSpec | None:
    """Return the dataset of a step; None if there is none, or it is wrong.

    :param made: the step's output.
    """
    if step.dataset is None:
        return None
    path: Path = ("steps", step.name, "dataset")
    before = len(problems.found)
    name, annotation, narrowed = dataset_words(production, step, step.dataset, values, problems)
    if step.output is None and made is None:
        reason = "a dataset is made of a step's output, and there is none"
        problems.add(path, reason, "add output", code=SHAPE)
    if made is None or narrowed is None:
        return None
    query = made.query
    with problems.at(*path, "where"):
        query = query.refine(narrowed)
    stored = len(str(query.to_dirac()))
    if stored > MAX_DATASET_TEXT:
        problems.add(
            path,
            f"its query has {stored} characters, and the catalogue keeps {MAX_DATASET_TEXT}",
            "use fewer or shorter metadata",
            code="text",
        )
    if len(problems.found) > before:
        return None
    return DatasetSpec(
        name=name,
        query=query,
        freeze=step.dataset.freeze,
        annotation=annotation,
        expect_files=step.dataset.expect_files,
        min_files=step.dataset.min_files,
        max_files=step.dataset.max_files,
    )


def dataset_words(
    production: Production,
    step: Step,
    written: DatasetModel,
    values: Mapping[str, str],
    problems: Problems,
) -> tuple[str, str, MetaQuery | None]:
    """Return name, annotation and conditions of a dataset, whatever it is made of."""
    path: Path = ("steps", step.name, "dataset")
    name = fill(written.name, values, (*path, "name"), problems)
    annotation = fill(written.annotation, values, (*path, "annotation"), problems)
    where = fill(written.where, values, (*path, "where"), problems)
    with problems.at(*path, "name"):
        naming.check_dataset_name(name, production.vo)
    if len(annotation) > MAX_DATASET_TEXT or not annotation.isprintable():
        reason = f"the annotation must be one line of at most {MAX_DATASET_TEXT} characters"
        problems.add((*path, "annotation"), reason, "shorten it", code="text")
    return name, annotation, read_query(where, (*path, "where"), problems)


def check_metadata(
    metadata: Mapping[str, Any], field: limits.Limit, path: Path, problems: Problems
) -> None:
    """Check that every name and value fits into the catalogue's columns.

    :param field: the maximum length of a name.
    """
    for name, reason, hint, on_key in limits.misfits(metadata, field):
        problems.add((*path, name), reason, hint, on_key=on_key, code="text")


def check_conditions(query: MetaQuery, path: Path, problems: Problems) -> None:
    """Check that every condition is short enough to be read back from the Transformation System."""
    for field, form in query.to_dirac().items():
        if not limits.condition_fits(form):
            problems.add(
                path,
                f"the condition on {field} has {len(str(form))} characters, more than the "
                f"{MAX_CONDITION} that DIRAC reads back",
                "name fewer values, or use a range",
                code="text",
            )


def check_datasets(datasets: Mapping[str, DatasetSpec], problems: Problems) -> None:
    """Check that no two datasets have the same last name: DIRAC identifies them by it.

    :param datasets: step → its dataset.
    """
    taken: dict[str, str] = {}
    for step, spec in datasets.items():
        first = taken.setdefault(spec.name.rsplit("/", 1)[1], step)
        if first != step:
            problems.add(
                ("steps", step, "dataset", "name"),
                f"the dataset of step {first} has the same name",
                "the last part of a dataset's name must be unique: add ${{ step }}",
                code="twice",
            )


def _check_file(name: str, directory: str, tasks: int, path: Path, problems: Problems) -> None:
    as_made = _TASK_NAMES.sub(_EIGHT_DIGITS, name)
    if "@{" in as_made:
        task_values.check(name, path, problems, filled=task_values.IN_FILE_NAMES)
    elif not _FILE.fullmatch(as_made):
        problems.add(
            path,
            f"{name!r} is no plain file name",
            "use letters, digits and _ . - + =, and @{JOB_ID} for the task ID",
            code="name",
        )
    elif "@{JOB_ID}" not in name and tasks > 1:
        problems.add(
            path,
            f"each of the {tasks} tasks would leave the same file {name!r}",
            "put @{JOB_ID} into its name",
            code="twice",
        )
    if len(as_made) > limits.FILE_NAME.most:
        problems.add(
            path,
            f"the file name has {limits.FILE_NAME.says(len(as_made))}, @{{JOB_ID}} as eight digits",
            "shorten it: jobs would run, and fail to register their files",
            code="name",
        )
    elif len(directory) + 1 + len(as_made) > naming.MAX_NAME:
        reason = f"the LFN would be longer than {naming.MAX_NAME} characters"
        problems.add(path, reason, "shorten the name or the directory", code="name")
