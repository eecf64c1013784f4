"""One step by itself: its type, job, output and dataset, before anybody asks what it is linked to.

Invariant: nothing is added that the step, its types or DIRAC's defaults do not say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from dirac_prodsys.core import naming
from dirac_prodsys.core.job_types import JobAttributes, JobContext, job_type
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
    RequestSpec,
    TransformationSpec,
)
from dirac_prodsys.core.step_input import wanted
from dirac_prodsys.core.step_output import check_conditions, dataset, output
from dirac_prodsys.core.transformation_types import TransformationType, transformation_type

#: ``Transformations.Description``, characters
MAX_DESCRIPTION = 255
#: ``Transformations.Plugin``, 32 characters
_PLUGIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")


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
    takes_input: bool
    dataset: DatasetSpec | None

    @property
    def needs_no_query(self) -> bool:
        """Whether its input is told by something else than a query."""
        return self.wanted is not None and bool(self.wanted.files or self.wanted.dataset)

    def transformation(
        self, query: MetaQuery | None, problems: Problems
    ) -> TransformationSpec | None:
        """The transformation with this input query; None if the draft is not complete.

        Without a query where the files are listed, or a dataset's query is still to be looked up.
        """
        if query is not None:
            check_conditions(query, ("steps", self.step.name, "input"), problems)
        if self.kind is None or self.body is None:
            return None
        if self.takes_input and query is None and not self.needs_no_query:
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
            files=() if self.wanted is None else self.wanted.files,
            directories=directories,
        )


def draft(production: Production, step: Step, run: str, problems: Problems) -> StepDraft:
    """Everything about a step that does not depend on other steps; mistakes are noted."""
    path: Path = ("steps", step.name)
    values = {"production": production.name, "run": run, "step": step.name, "vo": production.vo}
    name = naming.SEPARATOR.join((production.name, run, step.name))
    kind = None
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
    files, made = output(production, step, values, problems)
    return StepDraft(
        step=step,
        name=name,
        description=description(production, step, values, problems),
        group=production.name,
        kind=kind,
        body=_body(step, kind, JobContext(name, step.type, files), values, problems),
        output=made,
        wanted=wanted(production, step, values, problems),
        takes_input=step.input is not None,
        dataset=dataset(production, step, made, values, problems),
    )


def _check_shape(step: Step, kind: TransformationType, problems: Problems) -> None:
    """What goes with a type's input, or with its having none."""
    path: Path = ("steps", step.name)
    if kind.needs_input:
        if step.input is None:
            reason = f"type {kind.name} works on files, and there is no input"
            problems.add(path, reason, "add input: {from: …}", on_key=True)
        if step.tasks is not None:
            reason = f"type {kind.name} makes its tasks from its input files"
            hint = "drop tasks; group_size says how many files a task takes"
            problems.add((*path, "tasks"), reason, hint, on_key=True)
    else:
        if step.input is not None:
            reason = f"type {kind.name} has no input"
            problems.add((*path, "input"), reason, "drop input", on_key=True)
        if step.tasks is None:
            reason = f"type {kind.name} needs to know how many tasks to make"
            problems.add(path, reason, "add tasks: 10", on_key=True)
        if step.group_size is not None:
            reason = f"type {kind.name} has no input to group"
            problems.add((*path, "group_size"), reason, "drop group_size", on_key=True)
    if step.start == "on_complete" and not (step.input and step.input.steps):
        reason = "there is no parent step that could complete"
        problems.add((*path, "start"), reason, "drop start, or name a step under input.from")


def description(
    production: Production, step: Step, values: Mapping[str, str], problems: Problems
) -> str:
    """The description of a step's transformation; what DIRAC would spoil is noted."""
    path: Path = ("steps", step.name, "description")
    text: str = fill(step.description, values, path, problems)
    text = text or f"Step {step.name} of production {production.name}"
    if len(text) > MAX_DESCRIPTION:
        reason = f"the description has {len(text)} characters, and DIRAC keeps {MAX_DESCRIPTION}"
        problems.add(path, reason, "shorten it")
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
    attributes = read_job(step.job, values, path, problems)
    if attributes is None:
        return None
    body = attributes.body(context)
    if kind is not None and body.kind != kind.body:
        problems.add(
            (*path, "type"),
            f"a {attributes.type} is a {body.kind}, and tasks of a {kind.name} are {kind.body}s",
            "change the type of the job or of the step",
        )
    return body


def read_job(
    job: Mapping[str, Any], values: Mapping[str, str], path: Path, problems: Problems
) -> JobAttributes | None:
    """The attributes written under ``job:``; None, and the problems noted, if they are wrong."""
    named = job.get("type")
    if not isinstance(named, str):
        problems.add((*path, "type"), "the job has no type", "add type: script")
        return None
    refuse(named, (*path, "type"), problems)
    with problems.at(*path, "type"):
        model = job_type(named).attributes
        attributes = fill(job, values, path, problems)
        try:
            return model.model_validate(attributes)
        except ValidationError as error:
            for found in explain(error, model, attributes):
                where = (*path, *found.path)
                code = found.code
                problems.add(where, found.reason, found.hint, on_key=found.on_key, code=code)
    return None
