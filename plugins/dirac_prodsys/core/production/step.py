"""Defines a step as a user writes it: where its files come from, what it leaves, how it is run.

Invariant: a step uses these words in every dialect; strings may contain ``${{ name }}``
placeholders.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from dirac_prodsys.core import limits
from dirac_prodsys.core.grid.specs import MetaValue
from dirac_prodsys.core.models import Model, Text, invalid, one_or_many
from dirac_prodsys.core.production.loops import Turn
from dirac_prodsys.core.production.policy import Approval, OnCancelForm, Policy, Start
from dirac_prodsys.core.production.wait_for import WaitFor


class InputSpec(Model):
    """Where a step's files come from: one of steps, a dataset, a list of files, a catalogue query.

    :param steps: names of the parent steps (written ``from:``, one name or a list).
    :param dataset: name of a dataset, instead of steps.
    :param lfns: the files themselves, instead of steps.
    :param where: meta query; refines the parents' output metadata, or the dataset's query, or
        stands alone for a root.
    :param verified_at: storage elements; of the files that the one parent copied, those whose
        replicas there were compared with the catalogue, size and checksum.
    """

    steps: tuple[StrictStr, ...] = ()
    dataset: StrictStr | None = None
    lfns: tuple[StrictStr, ...] = ()
    where: dict[StrictStr, Any] = Field(default={})
    verified_at: tuple[StrictStr, ...] = ()


class OutputSpec(Model):
    """What a step leaves in the catalogue.

    :param directory: LFN directory of the step's files.
    :param metadata: metadata of that directory; children link by it.
    :param file_metadata: of each of ``files`` by itself; a list: each has one of these values.
    :param se: storage element.
    :param files: local names that each task leaves (``@{JOB_ID}`` is the task ID).
    :param transient: whether its files are removed when every step that takes them is complete.
    """

    directory: StrictStr
    metadata: dict[StrictStr, MetaValue]
    file_metadata: dict[StrictStr, MetaValue | tuple[MetaValue, ...]] = Field(default={})
    se: StrictStr
    files: tuple[StrictStr, ...] = ()
    transient: StrictBool = False


class DatasetModel(Model):
    """The dataset made of a step's output when the step is complete.

    :param name: full path, ``/vo/datasets/name``; the last part is unique in the catalogue.
    :param where: meta query: narrows the step's output.
    :param freeze: fix the list of files for ever.
    :param annotation: text kept with it.
    :param expect_files: exact number of files; anything else is an error and leaves no dataset.
    :param min_files: the least number, likewise.
    :param max_files: the greatest number, likewise.
    """

    name: StrictStr
    where: dict[StrictStr, Any] = Field(default={})
    freeze: StrictBool = True
    annotation: Text = ""
    expect_files: StrictInt | None = Field(default=None, ge=0)
    min_files: StrictInt | None = Field(default=None, ge=0)
    max_files: StrictInt | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_number(self) -> DatasetModel:
        low, high = self.min_files, self.max_files
        if self.expect_files is not None and (low is not None or high is not None):
            raise invalid("expect_files says the number exactly", "drop min_files and max_files")
        if low is not None and high is not None and low > high:
            raise invalid(f"min_files {low} is above max_files {high}", "exchange them")
        return self


#: files per task, or GB
GroupSize = Annotated[StrictInt | StrictFloat, Field(gt=0)]


#: maximum of ``INTEGER`` columns in ``TransformationDB.sql``
MAX_INTEGER = limits.INTEGER.most


class RunNumbers(Model):
    """The run numbers that the tasks of a step use, one range in its campaign.

    :param campaign: within which ranges may not overlap.
    :param first: of the first task; ``${{ first_run }}`` in the step's job stands for it.
    :param per_task: how many each task uses.
    """

    campaign: Text
    first: StrictInt = Field(ge=0)
    per_task: StrictInt = Field(default=1, ge=1)


class TypeModel(Model):
    """A transformation type that the configuration of the site declares.

    :param input: whether it works on files.
    :param tasks: what its tasks are.
    :param plugin: used if a step names none.
    :param group_size: used if a step says none.
    """

    input: StrictBool = True
    tasks: Literal["jobs", "requests"] = "jobs"
    plugin: StrictStr = "Standard"
    group_size: GroupSize = 1


class StepBase(Model):
    """What every dialect says of a step in the same words.

    :param type: a transformation type; a job whose type derives says it by itself.
    :param job: what its tasks do: one of the job types.
    :param tasks: number of tasks, for types without input.
    :param group_size: files per task (GB for BySize).
    :param plugin_parameters: of DIRAC's task-making plugin, under DIRAC's names.
    :param events_per_task: stored as EventsPerTask; with ``target_events`` it gives the tasks.
    :param target_events: instead of ``tasks``: as many tasks as make so many events.
    :param max_tasks: so many tasks there may be in all: some are added in place of failed ones, as
        by ``policy.extend``; not stored as MaxNumberOfTasks, as the MCExtensionAgent makes so many
        at once.
    :param run_numbers: of what the tasks simulate.
    :param start: ``streaming``: with the production; ``on_complete``: when its parents are;
        ``at 10%``: when each of them has done so much of its work.
    :param after: steps that must be complete before it starts, beside its parents.
    :param wait_for: what must be there before it starts.
    :param approval: asked before it starts, when all else is ready.
    :param on_cancel: what a run that did not complete leaves of it; otherwise as the production
        says.
    :param confirm: of a removal whose query has no bound: it is meant.
    :param description: shown to people.
    :param output: what it leaves in the catalogue.
    :param plugin: DIRAC's task-making plugin; otherwise that of the type.
    :param dataset: made of its output when it is complete.
    :param policy: when it is flushed, done, given up.
    """

    type: StrictStr
    description: Text = ""
    job: dict[StrictStr, Any]
    output: OutputSpec | None = None
    tasks: StrictInt | None = Field(default=None, ge=1, le=MAX_INTEGER)
    group_size: GroupSize | None = None
    plugin: StrictStr | None = None
    plugin_parameters: dict[StrictStr, Any] = Field(default={})
    events_per_task: StrictInt | None = Field(default=None, ge=1, le=MAX_INTEGER)
    target_events: StrictInt | None = Field(default=None, ge=1)
    max_tasks: StrictInt | None = Field(default=None, ge=1, le=MAX_INTEGER)
    run_numbers: RunNumbers | None = None
    start: Start = "streaming"
    after: Annotated[tuple[StrictStr, ...], BeforeValidator(one_or_many)] = ()
    wait_for: tuple[WaitFor, ...] = Field(default=(), max_length=50)
    dataset: DatasetModel | None = None
    policy: Policy = Policy()
    approval: Approval | None = None
    on_cancel: OnCancelForm | None = None
    confirm: StrictBool = False


class Step(StepBase):
    """One transformation-to-be."""

    name: StrictStr
    input: InputSpec | None = None
    turn: Turn | None = None

    @property
    def parents(self) -> tuple[str, ...]:
        """Return the names of the steps whose files it takes."""
        return () if self.input is None else self.input.steps
