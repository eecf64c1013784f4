"""Drafts one step by itself: its type, job, output and dataset, without its links.

Invariant: nothing is added that does not come from the step, its types or DIRAC's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from dirac_prodsys.core import limits, naming
from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.grid import run_numbers, task_values
from dirac_prodsys.core.grid.request_rules import chooses_where_files_are
from dirac_prodsys.core.grid.specs import (
    BodySpec,
    DatasetSpec,
    DirectorySpec,
    RequestSpec,
    TransformationSpec,
)
from dirac_prodsys.core.grid.task_plugins import check_group, read_parameters
from dirac_prodsys.core.grid.transformation_types import TransformationType, transformation_type
from dirac_prodsys.core.job_types import JobAttributes, JobContext, derives, job_type
from dirac_prodsys.core.models import explain
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.policy import Approval
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.leaves import check_conditions, dataset, read_output
from dirac_prodsys.core.steps.linking import Wanted
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.core.steps.placeholders import fill, refuse
from dirac_prodsys.core.steps.shape import SHAPE, check_shape, run_range
from dirac_prodsys.core.steps.step_plan import Sample, StepPlan
from dirac_prodsys.core.steps.takes import read_input

#: maximum characters of ``Transformations.Description``
MAX_DESCRIPTION = limits.DESCRIPTION.most


@dataclass(frozen=True)
class StepDraft:
    """A step before it becomes a transformation; None: it could not be made, or is not wanted.

    Deriving job types fill in body, output and dataset later: they depend on the step's input.
    """

    context: StepContext
    name: str
    description: str
    group: str
    kind: TransformationType | None
    body: BodySpec | None
    output: Output | None
    wanted: Wanted | None
    takes_input: bool
    dataset: DatasetSpec | None
    parameters: Mapping[str, str | int]
    approval: Approval | None = None
    directories: tuple[DirectorySpec, ...] = ()
    gates: tuple[Gate, ...] = ()

    @property
    def step(self) -> Step:
        """Return the step as written."""
        return self.context.step

    @property
    def hands_on(self) -> bool:
        """Whether others may take its input files from it: it copies them and makes none."""
        copies = self.kind is not None and self.kind.name in ("Replication", "Moving")
        return copies and self.step.output is None

    @property
    def needs_no_query(self) -> bool:
        """Whether its input is defined by something other than a query."""
        wanted = self.wanted
        return wanted is not None and bool(wanted.files or wanted.dataset or wanted.verified_at)

    def plan(
        self,
        query: MetaQuery | None,
        problems: Problems,
        *,
        late: bool = False,
        limit: int | None = None,
    ) -> StepPlan | None:
        """Return the plan of the step with this input query; None if the draft is not complete.

        :param late: a query is missing because a dataset of an earlier step has none yet.
        :param limit: for a trial: take this number of files of the query, and no others.
        """
        spec = self.transformation(query, problems, late=late)
        if spec is None:
            return None
        step, dataset = self.step, None if self.wanted is None else self.wanted.dataset
        sample = Sample(query, limit) if query is not None and limit else None
        return StepPlan(
            name=step.name,
            transformation=spec.model_copy(update={"input_query": None}) if sample else spec,
            dataset=self.dataset,
            parents=step.parents,
            start=step.start,
            after=step.after,
            approval=self.approval,
            gates=self.gates,
            rules=step.policy.rules(
                needs_input=self.takes_input,
                tasks=step.tasks,
                listed=limit or len(spec.files) or None,
                max_tasks=step.max_tasks or 0,
            ),
            sample=sample,
            verified_at=() if self.wanted is None else self.wanted.verified_at,
            awaits=(dataset,) if dataset and query is None and not late else (),
            transient=step.output is not None and step.output.transient,
        )

    def transformation(
        self, query: MetaQuery | None, problems: Problems, *, late: bool = False
    ) -> TransformationSpec | None:
        """Return the transformation with this input query; None if the draft is not complete.

        It has no query if the files are listed, or if a dataset's query is still to be looked up.

        :param late: a query is missing because a dataset of an earlier step has none yet.
        """
        if query is not None:
            check_conditions(query, ("steps", self.step.name, "input"), problems)
        if self.kind is None or self.body is None:
            return None
        if self.takes_input and query is None and not (late or self.needs_no_query):
            return None
        directories, made = self.directories, self.output
        if made is not None and not directories:
            directories = (DirectorySpec(path=made.directory, metadata=made.all_metadata),)
        return TransformationSpec(
            name=self.name,
            description=self.description,
            type=self.kind.sent_as or self.kind.name,
            plugin=self.step.plugin or self.kind.plugin,
            group=self.group,
            group_size=float(self.step.group_size or self.kind.group_size),
            tasks=self.step.tasks,
            events_per_task=self.step.events_per_task or 0,
            body=self.body,
            input_query=query,
            output_query=None if made is None else made.all_query,
            files=() if self.wanted is None else self.wanted.files,
            directories=directories,
            parameters=dict(self.parameters),
        )


def draft(context: StepContext, types: Mapping[str, TransformationType]) -> StepDraft:
    """Draft everything about a step that does not depend on other steps; mistakes are noted.

    :param types: the types that the production declares (``steps/shape.py``).
    """
    step, problems = context.step, context.problems
    name = naming.SEPARATOR.join((context.production.name, context.run, step.name))
    kind = None
    with context.at("type"):
        kind = transformation_type(step.type, types)
    parameters: dict[str, str | int] = {}
    if kind is not None:
        check_shape(context, kind)
        plugin = step.plugin or kind.plugin
        check_group(plugin, step.group_size, context.path, problems)
        if kind.needs_input:
            parameters = read_parameters(plugin, step.plugin_parameters, context.path, problems)
    parameters |= _run_numbers(context)
    _check_texts(context)
    files, made = read_output(context)
    late = derives(step.job)
    return StepDraft(
        context=context,
        name=name,
        description=description(context),
        group=context.production.name,
        kind=kind,
        body=_body(context, kind, JobContext(name, step.type, files)),
        output=made,
        wanted=read_input(context),
        takes_input=step.input is not None,
        dataset=None if late else dataset(context, made),
        parameters=parameters,
        approval=fill_approval(
            step.approval, context.values, (*context.path, "approval"), problems
        ),
        gates=_gates(context),
    )


def _check_texts(context: StepContext) -> None:
    """Note ``@{…}`` where tasks are unknown, as DIRAC would keep it, and ``%`` in conditions."""
    step = context.step
    texts: dict[Path, Any] = {("plugin_parameters",): step.plugin_parameters}
    if step.input is not None:
        texts["input", "where"] = step.input.where
    if step.output is not None:
        texts["output", "metadata"] = step.output.metadata
        texts["output", "file_metadata"] = step.output.file_metadata
    if step.dataset is not None:
        texts["dataset", "where"] = step.dataset.where
    for keys, value in texts.items():
        place = (*context.path, *keys)
        task_values.check(value, place, context.problems, filled=frozenset())
    if "%" in str([value for keys, value in texts.items() if keys[-1] == "where"]):
        from dirac_prodsys.core.steps import percent_signs  # few have one

        percent_signs.check(context)


def _run_numbers(context: StepContext) -> dict[str, str | int]:
    """Return the additional parameter with the run numbers of the tasks."""
    numbers = run_range(context.step)
    if numbers is None:
        return {}
    here = context.below("run_numbers", "campaign")
    campaign = here.fill(numbers.campaign)
    if not run_numbers.is_campaign(campaign):
        reason = f"{campaign!r} cannot name a campaign"
        hint = f"use letters, digits and _ . + -, at most {run_numbers.MAX_CAMPAIGN}"
        here.add((), reason, hint, code="name")
    return {run_numbers.RUN_NUMBERS: replace(numbers, campaign=campaign).to_text()}


def description(context: StepContext) -> str:
    """Return the description of a step's transformation; note what DIRAC would spoil."""
    here = context.below("description")
    text: str = here.fill(here.step.description)
    text = text or f"Step {here.step.name} of production {here.production.name}"
    if len(text) > MAX_DESCRIPTION:
        reason = f"the description has {len(text)} characters, and DIRAC keeps {MAX_DESCRIPTION}"
        here.add((), reason, "shorten it", code="text")
    if not text.isprintable() or set(text) & set("'\"\\"):
        here.add(
            (),
            "the description must be one line without quotes and backslashes",
            "DIRAC's tools write it into other texts as it is",
            code="text",
        )
    return text


def _body(
    context: StepContext, kind: TransformationType | None, job: JobContext
) -> BodySpec | None:
    step, here = context.step, context.below("job")
    attributes = read_job(step.job, here.values, here.path, here.problems)
    if attributes is None:
        return None
    attributes.check(here.path, here.problems)
    body = attributes.body(job)
    if kind is not None and isinstance(body, RequestSpec):
        _check_chosen(context, step.plugin or kind.plugin, body)
    what = "request" if isinstance(body, RequestSpec) else "job"
    if kind is not None and what != kind.body:
        here.add(
            ("type",),
            f"a {attributes.type} is a {what}, and tasks of a {kind.name} are {kind.body}s",
            "change the type of the job or of the step",
            code=SHAPE,
        )
    return body


def _check_chosen(context: StepContext, plugin: str, body: RequestSpec) -> None:
    """Note if files are copied to the place where the plugin has found them."""
    for index, operation in enumerate(body.operations):
        copies = operation.type == "ReplicateAndRegister"
        if copies and chooses_where_files_are(plugin, operation.attributes):
            written: Path = ("job", "operations", index, "TargetSE")
            context.add(
                ("plugin",) if context.step.plugin else written,
                f"plugin {plugin} chooses as TargetSE of a task where its files are already: "
                "nothing is copied",
                "use plugin: Broadcast with plugin_parameters: {TargetSE: …}, or name the TargetSE",
                code="request",
            )


def read_job(
    job: Mapping[str, Any], values: Mapping[str, str], path: Path, problems: Problems
) -> JobAttributes | None:
    """Read the attributes written under ``job:``; None, with problems noted, if they are wrong."""
    named = job.get("type")
    if not isinstance(named, str):
        hint = "add type: script"
        problems.add((*path, "type"), "the job has no type", hint, code="missing-key")
        return None
    refuse(named, (*path, "type"), problems)
    with problems.at(*path, "type"):
        model = job_type(named).attributes
        if not issubclass(model, JobAttributes):  # checked with what the step takes
            return None
        attributes = fill(job, values, path, problems)
        try:
            return model.model_validate(attributes)
        except ValidationError as error:
            for found in explain(error, model, attributes):
                where = (*path, *found.path)
                code = found.code
                problems.add(where, found.reason, found.hint, on_key=found.on_key, code=code)
    return None


def _gates(context: StepContext) -> tuple[Gate, ...]:
    if not context.step.wait_for:
        return ()
    from dirac_prodsys.core.steps.gates import plan_gates  # few have gates

    return plan_gates(context)


def fill_approval(
    approval: Approval | None, values: Mapping[str, str], path: Path, problems: Problems
) -> Approval | None:
    """Fill in the placeholders of an approval; mistakes are noted.

    :param path: where the approval is written.
    """
    if approval is None:
        return None
    words = {
        key: fill(getattr(approval, key), values, (*path, key), problems)
        for key in ("subject", "text")
    }
    return approval.model_copy(update=words)
