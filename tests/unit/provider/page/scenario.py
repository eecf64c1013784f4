"""Two runs under way and one that is over, as ledger and Airflow know them at :data:`NOW`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.models.dag import DagModel, DagTag
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.reports.ledger.made_from import (
    Place,
    definition_of,
    digest_of,
    plan_of,
    step_of,
)
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    ActRecord,
    CommentRecord,
    CountsRecord,
    DatasetRecord,
    DriftRecord,
    JobRow,
    JobsRecord,
    NoticeRecord,
    RunRecord,
    StorageRecord,
    Stored,
    VerdictRecord,
)

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)

#: what a person or a job may write
HOSTILE = '<script>alert("x")</script> \N{RIGHT-TO-LEFT OVERRIDE}gnp.exe & \'"{{ 7*7 }}'

TEXT = """\
version: 1
production: {name: NAME, vo: sim, description: The Mandelbrot set, tags: ["campaign:prod6"]}
steps:
  slices:
    type: MCSimulation
    tasks: 14
    job: {type: script, executable: compute-band, arguments: "--task @{JOB_ID}"}
    output:
      directory: /sim/NAME/${{ run }}/slices
      se: DISK-A-SE
      metadata: {production: NAME, run: "${{ run }}", step: slices}
      files: ["slice_@{JOB_ID}.npz"]
  merge:
    type: Merging
    group_size: 4
    input: {from: slices}
    job: {type: script, executable: join-bands}
    output:
      directory: /sim/NAME/${{ run }}/merge
      se: DISK-A-SE
      metadata: {production: NAME, run: "${{ run }}", step: merge}
      files: ["merged_@{JOB_ID}.npz"]
    dataset: {name: "/sim/datasets/NAME_${{ run }}"}
"""


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


class Story:
    """Makes the records of a run.

    :param first: ID of its first transformation.
    :param begins: minutes ago.
    """

    def __init__(self, production: str, run_id: str, first: int, begins: float, **more: Any):
        from dirac_prodsys.core.naming import run_tag

        self.text = TEXT.replace("NAME", production).replace("14", str(more.pop("tasks", 14)))
        self.production = load_production(self.text, f"{production}.yaml")
        self.run_id, self.run = run_id, run_tag(run_id)
        self.plan = compile(self.production, run=self.run)
        self.first, self.begins, self.more = first, begins, more

    def place(self, step: int | None = None) -> Place:
        base = Place("sim", self.production.name, self.run, campaign="prod6")
        if step is None:
            return base
        one = self.plan.steps[step]
        return Place(
            "sim",
            self.production.name,
            self.run,
            one.name,
            self.first + step,
            one.transformation.name,
            "prod6",
        )

    def at(self, step: int | None = None) -> dict[str, Any]:
        return self.place(step).to_dict()

    def begin(self, by: str = "alice") -> Iterator[Record]:
        at = ago(self.begins)
        yield definition_of(self.production, self.place(), at, source="productions", commit="a1b2")
        digest = digest_of(self.text)
        began = {"run_id": self.run_id, "by": by, "definition": digest, "occasion": "0"}
        yield RunRecord(at=at, state="began", **began, **self.at())
        yield plan_of(self.plan, self.production, self.place(), at)
        for number, step in enumerate(self.plan.steps):
            yield step_of(step, self.place(number), at, adopted=False)

    def counts(self, step: int, minutes: float, status: str, **given: Any) -> CountsRecord:
        return CountsRecord(at=ago(minutes), status=status, **given, **self.at(step))

    def slices(self, done_at: float) -> Iterator[Record]:
        for number in range(8):
            tasks = {"Done": 2 * number, "Running": 14 - 2 * number}
            minutes = self.begins - 5 * (number + 1)
            yield self.counts(0, minutes, "Active", tasks={s: n for s, n in tasks.items() if n})
        yield self.counts(0, done_at, "Completed", tasks={"Done": 14}, final=True)

    def end(self, state: Any, minutes: float, reason: str = "") -> RunRecord:
        ended = {"run_id": self.run_id, "reason": reason, "occasion": "0"}
        return RunRecord(at=ago(minutes), state=state, **ended, **self.at())


def bands() -> Iterator[Record]:
    """A run that needs a person: two files of its second step are MaxReset."""
    run = Story("bands", "r1", 1, 90)
    yield from run.begin()
    yield from run.slices(39)
    for minutes, done, assigned, bad in (
        (38, 0, 14, 0),
        (30, 4, 10, 0),
        (24, 8, 4, 2),
        (4, 9, 3, 2),
    ):
        files = {"Processed": done, "Assigned": assigned, "MaxReset": bad}
        tasks = {"Done": done // 4, "Running": 1, "Failed": 1 + bad}
        kept = {name: number for name, number in files.items() if number}
        yield run.counts(1, minutes, "Active", files=kept, tasks=tasks)
    merge = run.at(1)
    wait = "merge.wait_for_completion"
    yield VerdictRecord(
        at=ago(38), verdict="wait", reason="14 files are Assigned", cause="a", wait=wait, **merge
    )
    yield VerdictRecord(
        at=ago(22),
        verdict="wait",
        reason="2 files are MaxReset",
        alarm="2 files are MaxReset: a person must decide",
        about="needs_person",
        cause="b",
        wait=wait,
        **merge,
    )
    rows = (
        JobRow(status="Done", site="SIM.SiteA.org", total=2),
        JobRow(
            status="Failed",
            minor="Application Finished With Errors",
            application="exit status 3",
            site="SIM.SiteA.org",
            total=2,
            samples=(1234, 1240),
        ),
        JobRow(
            status="Failed",
            minor="Application Finished With Errors",
            application="exit status 3",
            site="SIM.SiteB.org",
            total=1,
            samples=(1236,),
        ),
    )
    yield JobsRecord(at=ago(8), rows=rows, **merge)
    yield ActRecord(at=ago(30), act="flush", phase="after", reason="nothing came", **merge)
    yield NoticeRecord(
        at=ago(21),
        notice="needs_person",
        causes=("2 files are MaxReset",),
        text="merge of bands waits for a person",
        to=("shift@example.org",),
        **merge,
    )
    yield ActionRecord(
        at=ago(30),
        action="flush",
        by="alice",
        reason="before the weekend",
        phase="after",
        result="done",
        text="flushed",
        run_id="flush-1",
        **merge,
    )
    yield CommentRecord(at=ago(60), text=f"for the paper {HOSTILE}", by="bob", **run.at())
    yield DriftRecord(
        at=ago(10),
        subject="bands__r1__slices",
        what="status",
        recorded="Completed",
        found="Cleaning",
        text="bands__r1__slices is Cleaning: somebody cleans it",
        **run.at(0),
    )


def rings() -> Iterator[Record]:
    """A run that is well under way, begun by somebody with a hostile name."""
    run = Story("rings", "manual__2026-03-01T12:00:00+00:00", 11, 119)
    yield from run.begin(by=HOSTILE)
    yield from run.slices(60)
    for number in range(12):
        files = {"Processed": number, "Assigned": 12 - number, "Unused": 2}
        yield run.counts(1, 58 - 4 * number, "Active", files=files, tasks={"Running": 3})


def old() -> Iterator[Record]:
    """The run of bands before: completed two days ago, with fewer tasks."""
    run = Story("bands", "r0", 21, 3000, tasks=10)
    yield from run.begin()
    yield run.counts(0, 2960, "Completed", tasks={"Done": 10}, final=True)
    yield run.counts(1, 2950, "Completed", files={"Processed": 10}, tasks={"Done": 3}, final=True)
    dataset = "/sim/datasets/bands_r0"
    yield DatasetRecord(
        at=ago(2949), dataset=dataset, files=3, bytes=1_200_000_000, frozen=True, **run.at(1)
    )
    yield StorageRecord(
        at=ago(2949),
        files=3,
        bytes=1_200_000_000,
        elements={"DISK-A-SE": Stored(files=3, bytes=1_200_000_000)},
        **run.at(1),
    )
    yield run.end("completed", 2948)


def records() -> list[Record]:
    return [*old(), *bands(), *rings()]


#: Dag → (run ID, state) of each run that Airflow has
RUNS = {
    "bands": [("r0", DagRunState.SUCCESS), ("r1", DagRunState.RUNNING)],
    "rings": [("manual__2026-03-01T12:00:00+00:00", DagRunState.RUNNING)],
    "production_operations": [],
}


def fill_airflow() -> None:
    """Enter Dags and runs into Airflow's database."""
    with create_session() as session:
        session.merge(DagBundleModel(name="productions"))
        session.flush()
        for dag_id, runs in RUNS.items():
            tag = "operations" if dag_id == "production_operations" else "production"
            session.add(DagModel(dag_id=dag_id, bundle_name="productions", fileloc=f"{dag_id}.py"))
            session.flush()
            session.add(DagTag(name=tag, dag_id=dag_id))
            for run_id, state in runs:
                session.add(
                    DagRun(
                        dag_id=dag_id,
                        run_id=run_id,
                        state=state,
                        run_type=DagRunType.MANUAL,
                        triggered_by=DagRunTriggeredByType.UI,
                        start_date=ago(90),
                    )
                )


def empty_airflow() -> None:
    """Remove them."""
    with create_session() as session:
        for model in (DagRun, DagTag, DagModel):
            session.query(model).delete()
