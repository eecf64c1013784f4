"""One step by itself: its type, job, output and dataset, before anybody asks what it is linked to.

Invariant: nothing is added that the step, its types or DIRAC's defaults do not say. Lengths and
characters are checked against the columns of ``TransformationDB.sql`` and ``FileCatalogDB.sql``
here, because the databases cut off in silence what does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from dirac_prodsys.core import naming
from dirac_prodsys.core.job_types import JobContext, job_type
from dirac_prodsys.core.linking import Output, Wanted
from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.model_errors import explain
from dirac_prodsys.core.placeholders import fill, refuse
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production import Production, Step
from dirac_prodsys.core.specs import (
    DatasetSpec,
    DirectorySpec,
    JobSpec,
    OutputFile,
    RequestSpec,
    TransformationSpec,
)
from dirac_prodsys.core.transformation_types import TransformationType, transformation_type
from dirac_prodsys.errors import DefinitionError

#: ``Transformations.Description``, characters
MAX_DESCRIPTION = 255
#: a stored condition of more characters cannot be read back (``SaferEval.py``)
MAX_CONDITION = 2048
#: ``FC_MetaDatasets.MetaQuery`` and ``FC_DatasetAnnotations.Annotation``, characters
MAX_DATASET_QUERY = 512
#: ``Transformations.Plugin``
_PLUGIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_SE = re.compile(r"[A-Za-z0-9_.-]{1,127}")
_FILE = re.compile(r"[A-Za-z0-9_.+=-]+")
_TASK_NAMES = re.compile(r"@\{(?:JOB_ID|PRODUCTION_ID)\}")


@dataclass(frozen=True)
class StepDraft:
    """A step on its way to a transformation; what is None could not be made, or is not wanted."""

    step: Step
    name: str
    description: str
    group: str
    kind: TransformationType | None
    body: JobSpec | RequestSpec | None
    output: Output | None
    wanted: Wanted | None
    dataset: DatasetSpec | None

    def transformation(
        self, query: MetaQuery | None, problems: Problems
    ) -> TransformationSpec | None:
        """The transformation with this input query; None if the draft is not complete."""
        path: Path = ("steps", self.step.name)
        if query is not None:
            check_conditions(query, (*path, "input"), problems)
        if self.kind is None or self.body is None or (self.wanted is not None and query is None):
            return None
        directories: tuple[DirectorySpec, ...] = ()
        if self.output is not None:
            metadata = dict(self.output.metadata)
            directories = (DirectorySpec(path=self.output.directory, metadata=metadata),)
        return TransformationSpec(
            name=self.name,
            description=self.description,
            type=self.kind.name,
            plugin=self.step.plugin or self.kind.plugin,
            group=self.group,
            group_size=float(self.step.group_size or self.kind.group_size),
            tasks=self.step.tasks,
            body=self.body,
            input_query=query,
            output_query=None if self.output is None else self.output.query,
            directories=directories,
        )


def draft(production: Production, step: Step, run: str, problems: Problems) -> StepDraft:
    """Everything about a step that does not depend on other steps; mistakes are noted."""
    path: Path = ("steps", step.name)
    values = {"production": production.name, "run": run, "step": step.name, "vo": production.vo}
    name = naming.SEPARATOR.join((production.name, run, step.name))
    kind = None
    refuse(step.type, (*path, "type"), problems)
    with problems.at(*path, "type"):
        kind = transformation_type(step.type)
    if kind is not None:
        _check_shape(step, kind, problems)
    if step.plugin is not None and not _PLUGIN.fullmatch(step.plugin):
        problems.add(
            (*path, "plugin"),
            f"{step.plugin!r} cannot name a plugin",
            "use letters, digits and _, at most 32: Standard, BySize, ByShare, Broadcast",
        )
    files, output = _output(production, step, values, problems)
    return StepDraft(
        step=step,
        name=name,
        description=_description(production, step, values, problems),
        group=production.name,
        kind=kind,
        body=_body(step, kind, JobContext(name, step.type, files), values, problems),
        output=output,
        wanted=_wanted(step, kind, values, problems),
        dataset=_dataset(production, step, output, values, problems),
    )


def check_conditions(query: MetaQuery, path: Path, problems: Problems) -> None:
    """Every condition must be short enough to be read back from the Transformation System."""
    for field, form in query.to_dirac().items():
        if len(str(form)) > MAX_CONDITION:
            problems.add(
                path,
                f"the condition on {field} has {len(str(form))} characters, more than the "
                f"{MAX_CONDITION} that DIRAC reads back",
                "name fewer values, or use a range",
            )


def _check_shape(step: Step, kind: TransformationType, problems: Problems) -> None:
    path: Path = ("steps", step.name)
    if kind.needs_input:
        if step.input is None:
            problems.add(
                path,
                f"type {kind.name} works on files, and there is no input",
                "add input: {from: …}",
            )
        if step.tasks is not None:
            problems.add(
                (*path, "tasks"),
                f"type {kind.name} makes its tasks from its input files",
                "drop tasks; group_size says how many files a task takes",
            )
    else:
        if step.input is not None:
            problems.add((*path, "input"), f"type {kind.name} has no input", "drop it")
        if step.tasks is None:
            problems.add(
                path, f"type {kind.name} needs to know how many tasks to make", "add tasks: 10"
            )
        if step.group_size is not None:
            problems.add(
                (*path, "group_size"), f"type {kind.name} has no input to group", "drop group_size"
            )
    if step.start == "on_complete" and not (step.input and step.input.steps):
        problems.add((*path, "start"), "there is no parent step that could complete", "drop start")


def _description(
    production: Production, step: Step, values: Mapping[str, str], problems: Problems
) -> str:
    path: Path = ("steps", step.name, "description")
    text: str = fill(step.description, values, path, problems)
    text = text or f"Step {step.name} of production {production.name}, run {values['run']}"
    if len(text) > MAX_DESCRIPTION:
        problems.add(
            path, f"has {len(text)} characters, and DIRAC keeps {MAX_DESCRIPTION}", "shorten it"
        )
    if not text.isprintable() or set(text) & set("'\"\\"):
        problems.add(
            path,
            "the description must be one line without quotes and backslashes",
            "DIRAC's tools write it into other texts as it is",
        )
    return text


def _body(
    step: Step,
    kind: TransformationType | None,
    context: JobContext,
    values: Mapping[str, str],
    problems: Problems,
) -> JobSpec | RequestSpec | None:
    path: Path = ("steps", step.name, "job")
    named = step.job.get("type")
    if not isinstance(named, str):
        problems.add((*path, "type"), "the job has no type", "add type: script")
        return None
    refuse(named, (*path, "type"), problems)
    body = None
    with problems.at(*path, "type"):
        wanted = job_type(named)
        if kind is not None and wanted.body != kind.body:
            raise DefinitionError(
                f"a {named} is a {wanted.body}, and the tasks of type {kind.name} are {kind.body}s",
                "change the type of the job or of the step",
            )
        attributes = fill(step.job, values, path, problems)
        try:
            body = wanted.attributes.model_validate(attributes).body(context)
        except ValidationError as error:
            for problem in explain(error, wanted.attributes, attributes):
                problems.add(
                    (*path, *problem.path), problem.reason, problem.hint, on_key=problem.on_key
                )
    return body


def _output(
    production: Production, step: Step, values: Mapping[str, str], problems: Problems
) -> tuple[tuple[OutputFile, ...], Output | None]:
    if step.output is None:
        return (), None
    path: Path = ("steps", step.name, "output")
    before = len(problems.found)
    directory = fill(step.output.directory, values, (*path, "directory"), problems)
    with problems.at(*path, "directory"):
        directory = naming.check_directory(directory, production.vo)
    se = fill(step.output.se, values, (*path, "se"), problems)
    if not _SE.fullmatch(se):
        problems.add((*path, "se"), f"{se!r} cannot name a storage element")
    metadata = fill(step.output.metadata, values, (*path, "metadata"), problems)
    query = MetaQuery()
    with problems.at(*path, "metadata"):
        query = MetaQuery.parse({field: {"=": value} for field, value in metadata.items()})
    if not metadata:
        problems.add(
            (*path, "metadata"),
            "without metadata nobody finds these files",
            "add step: ${{ step }}",
        )
    check_conditions(query, (*path, "metadata"), problems)
    names = fill(step.output.files, values, (*path, "files"), problems)
    for index, name in enumerate(names):
        _check_file(name, directory, (*path, "files", index), problems)
    if len(problems.found) > before:
        return (), None
    files = tuple(OutputFile(name=name, directory=directory, se=se) for name in names)
    return files, Output(step.name, directory, metadata, query)


def _check_file(name: str, directory: str, path: Path, problems: Problems) -> None:
    as_made = _TASK_NAMES.sub("00000000", name)
    if not _FILE.fullmatch(as_made):
        problems.add(
            path,
            f"{name!r} is no plain file name",
            "use letters, digits and _ . - + =, and @{JOB_ID} for the task ID",
        )
    elif as_made == name:
        problems.add(
            path, f"every task would leave the same file {name!r}", "put @{JOB_ID} into its name"
        )
    if len(directory) + 1 + len(as_made) > naming.MAX_NAME:
        problems.add(
            path, f"the LFN would be longer than {naming.MAX_NAME} characters", "shorten it"
        )


def _wanted(
    step: Step, kind: TransformationType | None, values: Mapping[str, str], problems: Problems
) -> Wanted | None:
    if step.input is None or (kind is not None and not kind.needs_input):
        return None
    where: dict[str, Any] = fill(
        step.input.where, values, ("steps", step.name, "input", "where"), problems
    )
    return Wanted(step.name, step.input.steps, where)


def _dataset(
    production: Production,
    step: Step,
    output: Output | None,
    values: Mapping[str, str],
    problems: Problems,
) -> DatasetSpec | None:
    if step.dataset is None:
        return None
    path: Path = ("steps", step.name, "dataset")
    filled = {
        key: fill(getattr(step.dataset, key), values, (*path, key), problems)
        for key in ("name", "annotation", "where")
    }
    with problems.at(*path, "name"):
        naming.check_dataset_name(filled["name"], production.vo)
    if len(filled["annotation"]) > MAX_DATASET_QUERY:
        problems.add(
            (*path, "annotation"), f"is longer than {MAX_DATASET_QUERY} characters", "shorten it"
        )
    if step.output is None:
        problems.add(path, "a dataset is made of a step's output, and there is none", "add output")
    if output is None:
        return None
    query = output.query
    with problems.at(*path, "where"):
        query = query.refine(MetaQuery.parse(filled["where"]))
    if len(str(query.to_dirac())) > MAX_DATASET_QUERY:
        problems.add(
            path,
            f"its query has {len(str(query.to_dirac()))} characters, and the catalogue keeps "
            f"{MAX_DATASET_QUERY}",
            "use fewer or shorter metadata",
        )
    return DatasetSpec(
        name=filled["name"],
        query=query,
        freeze=step.dataset.freeze,
        annotation=filled["annotation"],
        expect_files=step.dataset.expect_files,
    )
