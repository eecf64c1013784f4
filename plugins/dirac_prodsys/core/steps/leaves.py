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
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.step import DatasetModel
from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.linking import MAX_CONDITION, read_query
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.core.steps.placeholders import fill
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


def read_output(context: StepContext) -> tuple[tuple[OutputFile, ...], Output | None]:
    """Return the files of a step, and its output; nothing if it has none, or is wrong."""
    written = context.step.output
    if written is None:
        return (), None
    here = context.below("output")
    production, problems = here.production, here.problems
    before = len(problems.found)
    directory = here.fill(written.directory, "directory")
    if "@{" in directory:
        task_values.check(directory, (*here.path, "directory"), problems, filled=frozenset())
    else:
        with here.at("directory"):
            naming.check_directory(directory, production.vo)
    se = here.fill(written.se, "se")
    if not _SE.fullmatch(se):
        here.add(
            ("se",),
            f"{se!r} cannot name a storage element",
            f"use letters, digits and _ . -, at most {limits.STORAGE_ELEMENT.most}",
            code="name",
        )
    metadata = here.fill(written.metadata, "metadata")
    query = _declared(metadata, limits.DIRECTORY_FIELD, here.below("metadata"))
    if not metadata:
        hint = "add step: ${{ step }}"
        reason = "without metadata nobody finds these files"
        here.add(("metadata",), reason, hint, code="missing-key")
    of_files = here.fill(written.file_metadata, "file_metadata")
    some = _file_metadata(of_files, metadata, here.below("file_metadata"))
    names = here.fill(written.files, "files")
    for index, name in enumerate(names):
        _check_file(name, directory, here.below("files", index))
    if len(problems.found) > before:
        return (), None
    carried = _carried(of_files, len(names), here)
    if carried is None:
        return (), None
    files = tuple(
        OutputFile(name=name, directory=directory, se=se, metadata=own)
        for name, own in zip(names, carried, strict=True)
    )
    of_run = frozenset(name for name in metadata if _OF_RUN.search(str(written.metadata[name])))
    of_production = frozenset(
        name
        for name, value in metadata.items()
        if value == production.name or _OF_PRODUCTION.search(str(written.metadata[name]))
    )
    everything = query.refine(some)
    made = Output(here.step.name, directory, metadata, everything, some, of_run, of_production)
    return files, made


def _carried(metadata: Mapping[str, Any], files: int, here: StepContext) -> list[Turns] | None:
    """Return the metadata that the job sets on each of its files; None: they are wrong."""
    if not metadata:
        return [()] * files
    from dirac_prodsys.core.steps.file_values import turns  # few write metadata of files

    try:
        return turns(metadata, files)
    except ValueError as error:
        hint = "let the job's program set what differs so much"
        here.add(("file_metadata",), str(error), hint)
        return None


def _file_metadata(
    metadata: Mapping[str, Any], inherited: Mapping[str, MetaValue], here: StepContext
) -> MetaQuery:
    """Return the query for metadata that files carry beside the metadata of their directory."""
    for field, value in metadata.items():
        if CDATA_END in str(value):
            here.add(
                (field,),
                f"the text {CDATA_END} ends the XML in which DIRAC keeps the job",
                "write it otherwise",
                code="text",
            )
        if field in inherited:
            here.add(
                (field,),
                f"{field} is metadata of the directory, which its files inherit",
                "say it in one of the two",
                on_key=True,
                code="twice",
            )
    if "%" in str(metadata):
        from dirac_prodsys.core.steps import percent_signs  # few have one

        percent_signs.check_values(metadata, here.path, here.problems)
    query = _declared(metadata, limits.FILE_FIELD, here)
    return MetaQuery() if metadata.keys() & inherited.keys() else query


def _declared(metadata: Mapping[str, Any], field: limits.Limit, here: StepContext) -> MetaQuery:
    """Return the query for metadata; note what the catalogue cannot hold.

    :param field: the maximum length of a name.
    """
    equal = {n: {"in" if isinstance(v, list) else "=": v} for n, v in metadata.items()}
    query = read_query(equal, here.path, here.problems, made=True) or MetaQuery()
    check_conditions(query, here.path, here.problems)
    for name, reason, hint, on_key in limits.misfits(metadata, field):
        here.add((name,), reason, hint, on_key=on_key, code="text")
    return query


def dataset(
    context: StepContext, made: Output | None, *, partial: bool = False
) -> DatasetSpec | None:
    """Return the dataset of a step; None if there is none, or it is wrong.

    :param made: the step's output.
    :param partial: whether a part of its query is known later.
    """
    written = context.step.dataset
    if written is None:
        return None
    here = context.below("dataset")
    before = len(here.problems.found)
    narrowed = dataset_conditions(written, here)
    holds = None if made is None or narrowed is None else _both(made.query, narrowed)
    name, annotation = dataset_words(written, holds, here, partial=partial)
    if here.step.output is None and made is None:
        reason = "a dataset is made of a step's output, and there is none"
        here.add((), reason, "add output", code=SHAPE)
    if made is None or narrowed is None:
        return None
    query = made.query
    with here.at("where"):
        query = query.refine(narrowed)
    stored = len(str(query.to_dirac()))
    if stored > MAX_DATASET_TEXT:
        here.add(
            (),
            f"its query has {stored} characters, and the catalogue keeps {MAX_DATASET_TEXT}",
            "use fewer or shorter metadata",
            code="text",
        )
    if len(here.problems.found) > before:
        return None
    return DatasetSpec(
        name=name,
        query=query,
        freeze=written.freeze,
        annotation=annotation,
        expect_files=written.expect_files,
        min_files=written.min_files,
        max_files=written.max_files,
    )


def dataset_conditions(written: DatasetModel, here: StepContext) -> MetaQuery | None:
    """Return the conditions that narrow a dataset; None: they are wrong."""
    return read_query(here.fill(written.where, "where"), (*here.path, "where"), here.problems)


def dataset_words(
    written: DatasetModel, holds: MetaQuery | None, here: StepContext, *, partial: bool
) -> tuple[str, str]:
    """Return name and annotation of a dataset, filled in.

    :param holds: what its files match; None: unknown, and reported elsewhere.
    :param partial: whether a part of that is known later.
    """
    values = here.values
    if "${{" in written.name and any(sign in written.name for sign in (".", ":")):
        from dirac_prodsys.core.steps import dataset_names  # few name metadata

        values = values | dataset_names.values_for(written.name, holds, here, partial=partial)
    name: str = fill(written.name, values, (*here.path, "name"), here.problems)
    annotation: str = here.fill(written.annotation, "annotation")
    with here.at("name"):
        naming.check_dataset_name(name, here.production.vo)
    if len(annotation) > MAX_DATASET_TEXT or not annotation.isprintable():
        reason = f"the annotation must be one line of at most {MAX_DATASET_TEXT} characters"
        here.add(("annotation",), reason, "shorten it", code="text")
    return name, annotation


def _both(made: MetaQuery, narrowed: MetaQuery) -> MetaQuery | None:
    """Return what matches both; None: nothing does, which is reported where it is refined."""
    try:
        return made.refine(narrowed)
    except EmptyIntersection:
        return None


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


def _check_file(name: str, directory: str, here: StepContext) -> None:
    tasks = here.step.tasks or 1
    as_made = _TASK_NAMES.sub(_EIGHT_DIGITS, name)
    if "@{" in as_made:
        task_values.check(name, here.path, here.problems, filled=task_values.IN_FILE_NAMES)
    elif not _FILE.fullmatch(as_made):
        here.add(
            (),
            f"{name!r} is no plain file name",
            "use letters, digits and _ . - + =, and @{JOB_ID} for the task ID",
            code="name",
        )
    elif "@{JOB_ID}" not in name and tasks > 1:
        here.add(
            (),
            f"each of the {tasks} tasks would leave the same file {name!r}",
            "put @{JOB_ID} into its name",
            code="twice",
        )
    if len(as_made) > limits.FILE_NAME.most:
        here.add(
            (),
            f"the file name has {limits.FILE_NAME.says(len(as_made))}, @{{JOB_ID}} as eight digits",
            "shorten it: jobs would run, and fail to register their files",
            code="name",
        )
    elif len(directory) + 1 + len(as_made) > naming.MAX_NAME:
        reason = f"the LFN would be longer than {naming.MAX_NAME} characters"
        here.add((), reason, "shorten the name or the directory", code="name")
