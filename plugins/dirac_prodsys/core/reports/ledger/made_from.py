"""Makes records of what the tasks of a production know: plans, snapshots, verdicts, reports.

Invariant: pure; the caller gives the moment and the place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from dirac_prodsys.core import naming
from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.grid.jobs import JobReport
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import CommunityBody, plain
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.policy.notices import Notice, cause_of
from dirac_prodsys.core.policy.verdict import Verdict
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.reports.dataset_content import StepOutput
from dirac_prodsys.core.reports.ledger.records import (
    ActRecord,
    CountsRecord,
    DatasetRecord,
    DefinitionRecord,
    JobRow,
    JobsRecord,
    NoticeRecord,
    PlanRecord,
    StepRecord,
    StorageRecord,
    Stored,
    VerdictRecord,
)
from dirac_prodsys.core.steps.step_plan import StepPlan


@dataclass(frozen=True)
class Place:
    """Where a record belongs; the fields are those of :class:`Record`."""

    vo: str = ""
    production: str = ""
    run: str = ""
    step: str = ""
    transformation: int | None = None
    name: str = ""
    campaign: str = ""

    def of(self, transformation: int | None, name: str) -> Place:
        """Return the place of a transformation of the step."""
        return replace(self, transformation=transformation, name=name)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which a trigger carries."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Place:
        """Inverse of :meth:`to_dict`; unknown keys are ignored."""
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


def place_of_name(place: Place, number: int, name: str) -> Place:
    """Return the place of a transformation of ours by its name; others belong to no production."""
    parts = naming.name_parts(name)
    if place.production or parts is None:
        return place.of(number, name)
    own = replace(place, production=parts.production, run=parts.run, step=parts.step)
    return own.of(number, name)


#: what the tag begins with that names the campaign of a production
CAMPAIGN_TAG = "campaign:"


def campaign_of(tags: Iterable[str]) -> str:
    """Return the campaign that the tags of a production name: ``campaign:prod6``; or empty."""
    named = (tag.removeprefix(CAMPAIGN_TAG) for tag in tags if tag.startswith(CAMPAIGN_TAG))
    return next(named, "").strip()


def digest_of(text: str) -> str:
    """Return the digest of a definition."""
    return hashlib.sha256(text.encode()).hexdigest()


def definition_of(
    production: Production, place: Place, at: datetime, *, source: str = "", commit: str = ""
) -> DefinitionRecord:
    """Return the definition of a production.

    :param source: where it comes from; :param commit: of that source.
    """
    return DefinitionRecord(
        at=at,
        vo=place.vo,
        production=place.production,
        campaign=place.campaign,
        digest=digest_of(production.source),
        text=production.source,
        file=production.file,
        source=source,
        commit=commit,
    )


def plan_of(plan: ProductionPlan, production: Production, place: Place, at: datetime) -> PlanRecord:
    """Return the plan of a run."""
    content = json.loads(json.dumps(plan.to_dict(), default=str))
    definition = digest_of(production.source)
    return PlanRecord(
        at=at, digest=plan.digest, definition=definition, plan=content, **place.to_dict()
    )


def step_of(
    step: StepPlan, place: Place, at: datetime, *, adopted: bool, target: float | None = None
) -> StepRecord:
    """Return a step with its transformation.

    :param target: number of events that are wanted; None: unknown.
    """
    spec = step.transformation
    query, output = spec.input_query, spec.output_query
    body: Any = plain(spec.body)
    return StepRecord(
        at=at,
        type=spec.type,
        plugin=spec.plugin,
        group_size=spec.group_size,
        tasks=spec.tasks,
        parents=step.parents,
        query={} if query is None else query.to_dirac(),
        output_query={} if output is None else output.to_dirac(),
        dataset="" if step.dataset is None else step.dataset.name,
        events_per_file=events_per_file(step),
        target=target,
        adopted=adopted,
        software=body if isinstance(body, dict) else {"body": body},
        **place.to_dict(),
    )


def events_per_file(step: StepPlan) -> int | None:
    """Return the events that a task simulates for one file; None: unknown, or it simulates none."""
    spec = step.transformation
    if spec.events_per_task:
        return spec.events_per_task
    if not isinstance(spec.body, CommunityBody):
        return None
    community = community_of(spec.body.kind)
    if not community.events_per_file:
        return None
    found: int | None = community.offered(community.events_per_file)(spec.body)
    return found


def events_declared(production: Production, step: StepPlan) -> int | None:
    """Return the events that the tasks of a step are to simulate; None: unknown."""
    said = production.step(step.name).target_events
    each, tasks = events_per_file(step), step.transformation.tasks
    if said is not None or each is None or tasks is None:
        return said
    return tasks * each


def act_of(
    act: str,
    phase: Literal["before", "after"],
    place: Place,
    at: datetime,
    *,
    occasion: str,
    reason: str = "",
    result: Mapping[str, Any] | None = None,
) -> ActRecord:
    """Return one half of an act."""
    given = {"reason": reason, "result": dict(result or {}), "occasion": occasion}
    return ActRecord(at=at, act=act, phase=phase, **given, **place.to_dict())


def counts_of(
    snapshot: Snapshot, place: Place, at: datetime, *, final: bool = False, occasion: str = ""
) -> CountsRecord:
    """Return the counts of a transformation."""
    return CountsRecord(
        at=at,
        status=str(snapshot.status),
        files=dict(snapshot.files),
        tasks=dict(snapshot.tasks),
        catalogue_files=snapshot.catalogue_files,
        final=final,
        occasion=occasion,
        **place.of(snapshot.id, snapshot.name).to_dict(),
    )


class InCatalogue(Protocol):
    """A dataset as the file catalogue has it."""

    @property
    def name(self) -> str:
        """Return its full path."""

    @property
    def files(self) -> int:
        """Return the number of files that it holds now."""

    @property
    def query(self) -> Mapping[str, Any]:
        """Return its meta query."""

    @property
    def frozen(self) -> bool:
        """Whether its files can no longer change."""

    @property
    def list_checksum(self) -> str:
        """Return the checksum of the list of its files."""


def dataset_of(
    found: InCatalogue,
    place: Place,
    at: datetime,
    *,
    adopted: bool,
    size: int | None = None,
    events: float | None = None,
    run_ranges: tuple[str, ...] = (),
) -> DatasetRecord:
    """Return a dataset.

    :param adopted: it existed before.
    :param size: bytes of its files; None: unknown, as are the others.
    """
    return DatasetRecord(
        at=at,
        dataset=found.name,
        files=found.files,
        bytes=size,
        events=events,
        query=dict(found.query),
        run_ranges=run_ranges,
        frozen=found.frozen,
        checksum=found.list_checksum,
        adopted=adopted,
        **place.to_dict(),
    )


def storage_of(output: StepOutput, place: Place, at: datetime, *, occasion: str) -> StorageRecord:
    """Return where the files of a step are."""
    elements = {one.what: Stored(files=one.files, bytes=one.size) for one in output.places}
    return StorageRecord(
        at=at,
        files=output.files,
        bytes=output.bytes,
        events=output.events,
        elements=elements,
        occasion=occasion,
        **place.to_dict(),
    )


def verdict_of(verdict: Verdict, place: Place, at: datetime, wait: str = "") -> VerdictRecord:
    """Return a verdict.

    :param wait: ID of the task that waits.
    """
    return VerdictRecord(
        at=at,
        verdict=verdict.kind,
        reason=verdict.reason,
        alarm=verdict.alarm,
        about=verdict.about,
        wait=wait,
        cause=cause_of(f"{verdict.reason}; {verdict.alarm}" if verdict.alarm else verdict.reason),
        **place.to_dict(),
    )


def jobs_of(report: JobReport, place: Place, at: datetime) -> JobsRecord:
    """Return the jobs of a transformation."""
    rows = tuple(JobRow(**asdict(row)) for row in report.rows)
    return JobsRecord(at=at, rows=rows, unit=report.unit, note=report.note, **place.to_dict())


def notice_of(notice: Notice, place: Place, at: datetime, to: tuple[str, ...]) -> NoticeRecord:
    """Return a notice that was sent."""
    where = replace(place, step=notice.step or place.step).to_dict()
    causes = notice.causes
    return NoticeRecord(at=at, notice=notice.kind, causes=causes, text=notice.text, to=to, **where)
