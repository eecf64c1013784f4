"""Defines the kinds of records, one class each.

Words of DIRAC and of the policy stand in them verbatim. Numbers that nobody knows are None or
missing, never 0.

Invariant: a kind, and the meaning of a field, never change: records are kept for years.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.reports.ledger.record import Record

#: parts of an identity
_RUN = ("production", "run")
_STEP = ("production", "run", "step", "transformation", "name")


class DefinitionRecord(Record):
    """A definition from which runs are planned.

    :param digest: SHA-256 of the text, in hexadecimal.
    :param text: the resolved YAML.
    :param file: name of the file that it was read from.
    :param source: where the file comes from: a bundle, or the URL of a repository.
    :param commit: commit of the source, or version of the bundle; empty: unknown.
    """

    IDENTITY: ClassVar = ("production", "digest", "commit")

    kind: Literal["definition"] = "definition"
    digest: str
    text: str
    file: str = ""
    source: str = ""
    commit: str = ""


class PlanRecord(Record):
    """The plan of a run.

    :param digest: the plan's own digest.
    :param definition: digest of the definition that was planned.
    :param plan: JSON form of ``ProductionPlan``.
    """

    IDENTITY: ClassVar = (*_RUN, "digest")

    kind: Literal["plan"] = "plan"
    digest: str
    definition: str = ""
    plan: dict[str, Any]


class RunRecord(Record):
    """A run begins, or ends.

    :param state: ``began``, or how it ended: ``completed``, ``failed``, ``cut short``.
    :param run_id: Airflow's ID of the run.
    :param parameters: values that it was given.
    :param by: who triggered it; empty: unknown.
    :param definition: digest of its definition.
    :param plan: digest of its plan.
    :param reason: why it ended so.
    :param connection: Airflow connection that it uses; empty: unknown.
    """

    IDENTITY: ClassVar = (*_RUN, "state")

    kind: Literal["run"] = "run"
    state: Literal["began", "completed", "failed", "cut short"]
    run_id: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    by: str = ""
    definition: str = ""
    plan: str = ""
    reason: str = ""
    connection: str = ""


class StepRecord(Record):
    """A step and its transformation. A step that begins anew has several.

    :param type: transformation type.
    :param plugin: plugin that makes its tasks.
    :param group_size: files per task, or GB; None: unknown.
    :param tasks: number of tasks that it declares; None: they come from files.
    :param parents: steps whose files it takes.
    :param query: its input query, in DIRAC's form.
    :param output_query: what finds its output, in DIRAC's form.
    :param dataset: name of the dataset that it makes; empty: none.
    :param events_per_file: events that were simulated for one file of it; None: unknown.
    :param target: number of events that are wanted; None: unknown.
    :param adopted: the transformation existed before.
    :param origin: ``run``: a run made it; ``import``: it was taken in, and others made it.
    :param software: programs and versions of its jobs, as the plan names them.
    """

    IDENTITY: ClassVar = _STEP

    kind: Literal["step"] = "step"
    type: str = ""
    plugin: str = ""
    group_size: float | None = None
    tasks: int | None = None
    parents: tuple[str, ...] = ()
    query: dict[str, Any] = Field(default_factory=dict)
    output_query: dict[str, Any] = Field(default_factory=dict)
    dataset: str = ""
    events_per_file: int | None = None
    target: float | None = None
    adopted: bool = False
    origin: Literal["run", "import"] = "run"
    software: dict[str, Any] = Field(default_factory=dict)


class ActRecord(Record):
    """A task acts on the grid: one record before, one after.

    :param act: what it does: ``create``, ``start``, ``flush``, ``recover``, ``extend``,
        ``complete``, ``create_dataset``, ``stop``, ``clean``.
    :param phase: ``before`` or ``after``.
    :param reason: why.
    :param result: what came of it.
    """

    IDENTITY: ClassVar = ("production", "run", "step", "name", "act", "phase")

    kind: Literal["act"] = "act"
    act: str
    phase: Literal["before", "after"]
    reason: str = ""
    result: dict[str, Any] = Field(default_factory=dict)


class CountsRecord(Record):
    """Counts of a transformation at one moment.

    :param status: DIRAC's status of the transformation.
    :param files: file status → number of attached files.
    :param tasks: ExternalStatus → number of tasks.
    :param catalogue_files: files that the catalogue finds for the input query; None: not asked.
    :param final: these are the counts from just before it was completed.
    """

    IDENTITY: ClassVar = (*_STEP, "final")
    IS_OBSERVED: ClassVar = True

    kind: Literal["counts"] = "counts"
    status: str
    files: dict[str, int] = Field(default_factory=dict)
    tasks: dict[str, int] = Field(default_factory=dict)
    catalogue_files: int | None = None
    final: bool = False

    @property
    def status_since(self) -> str:
        """Return the status after this moment: what is final was completed right after it."""
        return str(TransformationStatus.COMPLETED) if self.final else self.status

    def same_as(self, other: CountsRecord) -> bool:
        """Whether nothing moved between the two."""
        return (self.status, self.files, self.tasks) == (other.status, other.files, other.tasks)


class JobRow(BaseModel):
    """Jobs that are alike, in the words of job monitoring.

    :param cpu_seconds: CPU time of those that reported it; None: none did.
    :param wall_seconds: wall time, times processors, of those that reported it; None: none did.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    status: str
    minor: str = ""
    application: str = ""
    site: str = ""
    total: int
    samples: tuple[int, ...] = ()
    cpu_seconds: float | None = None
    wall_seconds: float | None = None


class JobsRecord(Record):
    """The jobs of a transformation by status, cause and site.

    :param unit: what its tasks are: ``jobs`` or ``requests``.
    :param note: what limits the table; or empty.
    """

    IDENTITY: ClassVar = _STEP
    IS_OBSERVED: ClassVar = True

    kind: Literal["jobs"] = "jobs"
    rows: tuple[JobRow, ...] = ()
    unit: str = "jobs"
    note: str = ""

    @property
    def total(self) -> int:
        """Return the number of jobs."""
        return sum(row.total for row in self.rows)


class Stored(BaseModel):
    """Files at one place.

    :param bytes: their size; None: unknown.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    files: int
    bytes: int | None = None


class StorageRecord(Record):
    """The output of a step: files, bytes and events, and where the replicas are.

    :param elements: storage element → what it has; replicas count at each.
    :param files: number of files, each counted once; :param bytes: their size.
    :param events: number of events in them; None: unknown.
    """

    IDENTITY: ClassVar = _STEP
    IS_OBSERVED: ClassVar = True

    kind: Literal["storage"] = "storage"
    files: int | None = None
    bytes: int | None = None
    events: float | None = None
    elements: dict[str, Stored] = Field(default_factory=dict)


class EventRecord(Record):
    """Something that happened to a step or a run, in words.

    :param word: what kind of thing, one word.
    :param text: one line for people.
    """

    IDENTITY: ClassVar = (*_STEP, "word", "text")
    IS_OBSERVED: ClassVar = True

    kind: Literal["event"] = "event"
    word: str
    text: str


class VerdictRecord(Record):
    """A verdict of the policy that differs from the one before.

    :param verdict: its kind.
    :param reason: its reason, with the numbers that it is based on.
    :param alarm: what a person should look at; or empty.
    :param about: kind of the notice about the alarm; or empty.
    :param cause: reason and alarm without numbers: what makes two verdicts the same.
    :param wait: ID of the task that waits: several may wait for a transformation, and each has
        verdicts of its own.
    """

    IDENTITY: ClassVar = (*_STEP, "verdict", "cause", "wait")
    IS_OBSERVED: ClassVar = True

    kind: Literal["verdict"] = "verdict"
    verdict: str
    reason: str
    alarm: str = ""
    about: str = ""
    cause: str = ""
    wait: str = ""

    def same_as(self, other: VerdictRecord) -> bool:
        """Whether the two differ only in their numbers."""
        return (self.verdict, self.cause) == (other.verdict, other.cause)


class ActionRecord(Record):
    """A person acts on a transformation, or answers a question of a task.

    :param action: name of the action, or ``answer``; :param by: who; :param reason: why.
    :param phase: ``before`` or ``after``.
    :param result: ``done``, ``left``, ``failed``, or the answer; empty before the act.
    :param text: what was done, or why not; or what was asked.
    :param status: DIRAC's status of the transformation before.
    :param run_id: Airflow's ID of the run that carried it out.
    """

    IDENTITY: ClassVar = ("transformation", "name", "action", "run_id", "phase", "result")

    kind: Literal["action"] = "action"
    action: str
    by: str
    reason: str = ""
    phase: Literal["before", "after"]
    result: str = ""
    text: str = ""
    status: str = ""
    run_id: str = ""


class NoticeRecord(Record):
    """A notice was sent.

    :param notice: its kind; :param causes: what it is about.
    :param text: what people read.
    :param to: to whom it went, as far as known.
    """

    IDENTITY: ClassVar = (*_STEP, "notice", "causes")
    IS_OBSERVED: ClassVar = True

    kind: Literal["notice"] = "notice"
    notice: str
    causes: tuple[str, ...] = ()
    text: str = ""
    to: tuple[str, ...] = ()


class DatasetRecord(Record):
    """A dataset as the catalogue has it.

    :param dataset: its full path.
    :param files: number of its files; :param bytes: their size; :param events: their events.
    :param query: its meta query.
    :param run_ranges: run numbers of its files: ``1-5000``, one for each
        transformation, or one for all.
    :param frozen: whether its files can no longer change.
    :param checksum: checksum of the sorted list of its files; empty: not computed.
    :param adopted: it existed before.
    :param retired: it was removed.
    """

    IDENTITY: ClassVar = ("dataset", "files", "bytes", "query", "frozen", "checksum", "retired")

    kind: Literal["dataset"] = "dataset"
    dataset: str
    files: int | None = None
    bytes: int | None = None
    events: float | None = None
    query: dict[str, Any] = Field(default_factory=dict)
    run_ranges: tuple[str, ...] = ()
    frozen: bool = False
    checksum: str = ""
    adopted: bool = False
    retired: bool = False


class CommentRecord(Record):
    """What a person wrote about a step, a run or a dataset; the newest counts.

    :param dataset: the dataset that it is about; or empty.
    :param by: who.
    """

    IDENTITY: ClassVar = (*_STEP, "dataset", "text")
    IS_OBSERVED: ClassVar = True

    kind: Literal["comment"] = "comment"
    text: str
    by: str = ""
    dataset: str = ""


class DriftRecord(Record):
    """The grid or the catalogue differs from the ledger.

    :param subject: what differs: path of a dataset, name of a transformation.
    :param what: which property; :param recorded: as the ledger has it; :param found: as it is.
    """

    IDENTITY: ClassVar = ("subject", "what", "recorded", "found")
    IS_OBSERVED: ClassVar = True

    kind: Literal["drift"] = "drift"
    subject: str
    what: str
    recorded: Any = None
    found: Any = None
    text: str = ""


class SummaryRecord(Record):
    """A row of a site's summary, entered for work that was done before the ledger was.

    A cell of such a table may hold several values: at production, and now.

    :param transformations: IDs in DIRAC.
    :param run_ranges: ``1-5000``, one for each transformation, or one for all.
    :param files: number of files, at production first.
    :param showers_per_file: events that one job simulated.
    :param events: number of events, at production first; :param target: how many were wanted.
    :param bytes: size, at production first.
    :param number: place of the row in its table.
    """

    IDENTITY: ClassVar = ("campaign", "dataset", "transformations", "number")

    kind: Literal["summary"] = "summary"
    transformations: tuple[int, ...] = ()
    dataset: str = ""
    run_ranges: tuple[str, ...] = ()
    files: tuple[int, ...] = ()
    showers_per_file: int | None = None
    events: tuple[float, ...] = ()
    target: float | None = None
    status: str = ""
    query: str = ""
    bytes: tuple[int, ...] = ()
    comment: str = ""
    number: int = 0


_ALL: tuple[type[Record], ...] = (
    DefinitionRecord,
    PlanRecord,
    RunRecord,
    StepRecord,
    ActRecord,
    CountsRecord,
    JobsRecord,
    StorageRecord,
    EventRecord,
    VerdictRecord,
    ActionRecord,
    NoticeRecord,
    DatasetRecord,
    CommentRecord,
    DriftRecord,
    SummaryRecord,
)

#: kind → class
KINDS: Mapping[str, type[Record]] = {str(each.model_fields["kind"].default): each for each in _ALL}


def read_record(data: Mapping[str, Any]) -> Record:
    """Return the record of its JSON form; one of an unknown kind keeps all its fields.

    :raises pydantic.ValidationError: it is no record.
    """
    return KINDS.get(str(data.get("kind")), Record).from_dict(data)
