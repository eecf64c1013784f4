"""Telling people: once for each cause, by the notifier of the deployment, and never at a price."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.policy import History
from dirac_prodsys.core.policy.job_reports import looked_at
from dirac_prodsys.core.policy.notices import Notice, parameter
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.people.notify import (
    NoticeSender,
    first_transformation,
    rules_for,
    wanted,
)
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from dirac_prodsys.provider.tasks import run_report, wait_report
from dirac_prodsys.provider.tasks.run_report import DiracProductionReportOperator
from dirac_prodsys.provider.triggers import DiracTransformationTrigger
from tests.unit.provider.conftest import TWO_STEPS
from tests.unit.provider.waits import Begun, events

Context = dict[str, Any]

REPOSITORY = Path(__file__).parents[4]
EXAMPLES = sorted((REPOSITORY / "include" / "productions" / "examples").glob("w*.yaml"))

SENT: list[dict[str, Any]] = []


class Recorder(BaseNotifier):
    """A site's own notifier."""

    template_fields = ("text",)

    def __init__(
        self, *, text: str, subject: str = "", to: Any = None, fails: bool = False
    ) -> None:
        super().__init__()
        self.text, self.subject, self.to, self.fails = text, subject, to, fails

    def notify(self, context: Any) -> None:
        if self.fails:
            raise ConnectionRefusedError("no mail today")
        SENT.append({"subject": self.subject, "text": self.text, "to": self.to})


@dataclass
class TaskInstance:
    """The task that tells, as far as it matters here."""

    dag_id: str = "two"
    run_id: str = "r1"
    task_id: str = "merge.wait_for_completion"
    map_index: int = -1

    def xcom_push(self, key: str, value: Any) -> None:
        """Nobody reads it."""

    def xcom_pull(self, task_ids: str, key: str) -> None:
        """Nobody wrote any."""

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {"r1": {"merge.wait_for_completion": "failed", "prepare.register": "failed"}}


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A deployment that tells everything to a recorder."""
    SENT.clear()

    def configure(**kwargs: Any) -> None:
        words = {"subject": "{subject}", "text": "{text}", "to": "{to}", **kwargs}
        notifier = {"class": f"{__name__}.Recorder", "kwargs": words}
        monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFIER", json.dumps(notifier))

    configure()
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFY_TO", "shift@x.org, boss@x.org")
    monkeypatch.setenv(
        "AIRFLOW__DIRAC_PRODSYS__NOTIFY_ON",
        "stalled,recovered,flushed,given_up,needs_person,completed,failed,jobs",
    )
    return configure


@pytest.fixture
def started(grid: MemoryGrid, production: Production, context: Context) -> MemoryGrid:
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        for step in ("make", "merge"):
            act(task_id="t", production=production, step=step).work(context, {})
    grid.advance(200)
    context["ti"] = TaskInstance()
    return grid


@pytest.fixture
def sender(started: MemoryGrid, production: Production, context: Context) -> NoticeSender:
    return NoticeSender(context, "dirac_default", production)  # type: ignore[arg-type]


def sensor_of(production: Production, step: str = "merge") -> DiracTransformationSensor:
    return DiracTransformationSensor(
        task_id="merge.wait_for_completion", production=production, step=step
    )


def notice(about: str, *causes: str, reported: tuple[str, ...] = ()) -> dict[str, Any]:
    snapshot = {"id": 2, "name": "two__r1__merge", "type": "Merging", "status": "Active"}
    history = History(reported=reported).to_dict()
    return {
        "kind": "notice",
        "reason": "because {{ ds }}",
        "snapshot": snapshot,
        "history": history,
        "about": about,
        "causes": list(causes),
    }


def resumed(sensor: DiracTransformationSensor, context: Context, event: Any) -> History:
    with pytest.raises(TaskDeferred) as caught:
        sensor.resume(context, event)  # type: ignore[arg-type]
    trigger = caught.value.trigger
    assert isinstance(trigger, DiracTransformationTrigger)
    assert trigger.tell
    return History.from_dict(trigger.history or {})


def test_a_cause_is_reported_once_in_a_run_whoever_reports_it(
    sender: NoticeSender, context: Context
) -> None:
    first = Notice("stalled", ("agent",), "{{ it }} stands", "merge")
    assert sender.send(first) == "sent"
    assert SENT == [
        {
            "subject": "[two: merge] stalled (run r1)",
            "text": "{{ it }} stands",
            "to": ["shift@x.org", "boss@x.org"],
        }
    ]
    other = NoticeSender(
        {**context, "ti": TaskInstance(task_id="x")}, "dirac_default", sender.production
    )
    assert other.send(first) == "known"
    assert sender.send(first) == "known"
    assert other.send(Notice("stalled", ("agent", "another"), "more")) == "sent"


def test_a_notifier_that_fails_costs_nothing_and_the_same_task_may_try_again(
    sender: NoticeSender, context: Context, deployment: Any
) -> None:
    deployment(fails=True)
    notice = Notice("stalled", ("agent",), "it stands")
    assert sender.send(notice) == "failed"
    deployment()
    other = NoticeSender(
        {**context, "ti": TaskInstance(task_id="x")}, "dirac_default", sender.production
    )
    assert other.send(notice) == "known"
    assert sender.send(notice) == "sent"


@pytest.mark.parametrize(
    "broken",
    ["{oops", '{"class": "no.such.Notifier"}', '{"kwargs": {}}', '{"class": "json.dumps"}'],
)
def test_a_wrong_configuration_fails_no_task(
    sender: NoticeSender, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFIER", broken)
    assert sender.send(Notice("stalled", ("agent",), "it stands")) == "failed"


def test_during_an_outage_nobody_is_notified_and_nothing_fails(
    sender: NoticeSender, started: MemoryGrid
) -> None:
    started.down = True
    assert sender.send(Notice("stalled", ("agent",), "it stands")) == "failed"
    assert sender.send_recovered(["agent"], "merge", "it goes") == "failed"


def test_a_kind_that_is_unknown_in_the_configuration_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFY_ON", "stalled, stuck")
    with pytest.raises(ValueError, match="notify_on: stuck: known are stalled"):
        rules_for(None)
    assert not wanted(None)


def test_a_production_may_tell_others_or_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def production(text: str) -> Production:
        return load_production(TWO_STEPS.replace("vo: sim,", f"vo: sim, notify: {text},"), "f")

    assert rules_for(production("{to: [me@x.org]}")).to == ("me@x.org",)
    assert not wanted(production("{on: []}"))
    monkeypatch.delenv("AIRFLOW__DIRAC_PRODSYS__NOTIFIER")
    monkeypatch.delenv("AIRFLOW__DIRAC_PRODSYS__NOTIFY_TO")
    assert not wanted(None)
    assert wanted(production("{to: me@x.org}"))


def test_a_stall_reaches_a_worker_once_and_the_wait_goes_on(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    sensor = sensor_of(production)
    seen = resumed(sensor, context, notice("stalled", "the agent"))
    assert seen.reported == ("the agent",)
    assert [sent["subject"] for sent in SENT] == ["[two: merge] stalled (run r1)"]
    assert SENT[0]["text"] == "merge: because {{ ds }}"
    resumed(sensor_of(production, "make"), context, notice("stalled", "the agent"))
    assert len(SENT) == 1
    seen = resumed(sensor, context, notice("recovered", "the agent", reported=("the agent",)))
    assert seen.reported == ()
    assert SENT[-1]["subject"] == "[two: merge] recovered (run r1)"
    resumed(sensor, context, notice("recovered", "the agent", reported=("the agent",)))
    assert len(SENT) == 2
    resumed(sensor, context, notice("stalled", "the agent"))
    assert len(SENT) == 3


def test_a_stall_that_could_not_be_sent_is_sent_later(
    started: MemoryGrid, production: Production, context: Context, deployment: Any
) -> None:
    sensor = sensor_of(production)
    deployment(fails=True)
    before = time.time()
    seen = resumed(sensor, context, notice("stalled", "the agent"))
    assert seen.reported == ()
    assert seen.tell_after > before + 60
    deployment()
    assert resumed(sensor, context, notice("stalled", "the agent")).reported == ("the agent",)
    assert len(SENT) == 1


def test_giving_up_is_reported_once_however_often_the_task_is_cleared(
    started: MemoryGrid, production: Production, context: Context
) -> None:
    event = {**notice(""), "kind": "fail", "reason": "given up after 30 s"}
    for seconds in ("30", "31"):
        event["reason"] = f"given up after {seconds} s"
        with pytest.raises(AirflowFailException):
            sensor_of(production).resume(context, event)  # type: ignore[arg-type]
    assert [sent["text"] for sent in SENT] == ["given up after 30 s"]


def test_a_flush_is_reported(started: MemoryGrid, production: Production, context: Context) -> None:
    flush = DiracFlushTransformationOperator(task_id="f", production=production, step="merge")
    flush.work(context, {})
    assert [sent["text"] for sent in SENT] == ["2 files were flushed"]


def test_the_end_is_reported_with_the_report_and_the_tasks_that_failed(
    started: MemoryGrid,
    production: Production,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context["dag"] = SimpleNamespace(dag_id="two")
    states = context["ti"].get_task_states("two", ["r1"])["r1"]
    monkeypatch.setattr(run_report, "task_states", lambda *_: states)
    report = DiracProductionReportOperator(
        task_id="report", production=production, optional=("prepare.register",)
    )
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="the run did not complete"):
            report.work(context, {})
    assert [sent["subject"] for sent in SENT] == ["[two] failed (run r1)"]
    assert SENT[0]["text"].startswith(
        "failed tasks: merge.wait_for_completion\nnot complete: make Active"
    )


def test_lateness_is_reported_once_whichever_step_sees_it(
    started: MemoryGrid, context: Context, monkeypatch: pytest.MonkeyPatch, deployment: Any
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFY_ON", "late")
    begun = datetime.fromtimestamp(1000.0, UTC)
    context["dag_run"] = SimpleNamespace(start_date=begun)
    text = TWO_STEPS.replace("vo: sim,", "vo: sim, notify: {deadline: 2},")
    with_deadline = load_production(text, "two.yaml")
    sensor = sensor_of(with_deadline)
    with pytest.raises(TaskDeferred) as caught:
        sensor.work(context, {})  # type: ignore[arg-type]
    assert caught.value.trigger.due == 1000.0 + 2 * 3600  # type: ignore[attr-defined]
    deployment(fails=True)
    seen = resumed(sensor, context, notice("late", "the deadline"))
    assert (seen.late, seen.tell_after > time.time()) == (False, True)
    deployment()
    assert resumed(sensor, context, notice("late", "the deadline")).late
    assert resumed(sensor_of(with_deadline, "make"), context, notice("late", "the deadline")).late
    assert [sent["subject"] for sent in SENT] == ["[two: merge] late (run r1)"]


async def test_a_trigger_says_once_that_the_run_misses_its_deadline(begun: Begun) -> None:
    trigger = begun.making(tell=True, due=time.time() - 60)
    trigger.rules["tasks"] = 99
    (event,) = await events(trigger, lambda: begun.grid.advance(1))
    assert (event["kind"], event["about"], event["causes"]) == ("notice", "late", ["the deadline"])
    assert event["reason"].startswith("its deadline was ")
    told = {**event["history"], "late": True}
    again = begun.making(tell=True, due=time.time() - 60, history=told, deadline=time.time() + 0.3)
    again.rules["tasks"] = 99
    (event,) = await events(again, lambda: begun.grid.advance(1))
    assert event["kind"] == "timeout"
    early = begun.making(tell=True, due=time.time() + 9999, deadline=time.time() + 0.3)
    early.rules["tasks"] = 99
    (event,) = await events(early, lambda: begun.grid.advance(1))
    assert event["kind"] == "timeout"


async def test_a_trigger_that_is_to_tell_brings_a_stall_and_only_then(begun: Begun) -> None:
    begun.grid.advance(200)
    trigger = begun.merging(tell=True)
    trigger.rules["flush"] = "manual"
    (event,) = await events(trigger, lambda: begun.grid.advance(1))
    assert (event["kind"], event["about"]) == ("notice", "needs_person")
    cause = "# of # files are Unused, and the policy leaves the flush to a person"
    assert event["causes"] == [cause]

    soon = {**event["history"], "tell_after": time.time() + 0.2}
    early = begun.merging(tell=True, history=soon)
    early.rules["flush"] = "manual"
    (event,) = await events(early)
    assert (event["kind"], time.time() >= soon["tell_after"]) == ("notice", True)

    history = {**event["history"], "told": [cause]}
    again = begun.merging(tell=True, history=history)
    again.rules["flush"] = "manual"
    begun.gateway.flush_transformation(begun.merge)
    (event,) = await events(again, lambda: begun.grid.advance(5))
    assert (event["kind"], event["about"], event["causes"]) == ("notice", "recovered", [cause])


def test_a_wait_that_an_older_version_began_tells_nobody() -> None:
    _, kwargs = DiracTransformationTrigger(1).serialize()
    old = {key: value for key, value in kwargs.items() if key != "tell"}
    assert not DiracTransformationTrigger(**old).tell


def test_the_record_of_notices_is_kept_with_the_first_transformation(
    sender: NoticeSender, started: MemoryGrid
) -> None:
    sender.send(Notice("stalled", ("agent",), "it stands"))
    assert parameter("stalled agent") in started.transformations[1].parameters


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_first_transformation_is_that_of_the_plan(path: Path) -> None:
    production = load_production(
        path.read_text(), path.name, read_sibling=lambda name: path.with_name(name).read_text()
    )
    first = compile(production, run="r1").steps[0].transformation.name
    assert first_transformation(production, "r1") == first


def with_tables(every: float) -> Production:
    """The production with a table of the jobs of its first step, every so many hours."""
    first = f"make:\n    policy: {{report_every: {every:g}}}"
    return load_production(TWO_STEPS.replace("make:", first, 1), "two.yaml")


def jobs_of(grid: MemoryGrid, number: int = 1) -> dict[str, Any]:
    """The event of a wait of which jobs ended."""
    seen = MemoryGateway(grid).snapshot([number])[number].to_dict()
    return {"kind": "jobs", "reason": "jobs ended", "snapshot": seen, "history": {}}


def test_a_table_of_jobs_is_sent_when_it_changed_and_not_more_often_than_wanted(
    started: MemoryGrid, context: Context, deployment: Any
) -> None:
    sensor = sensor_of(with_tables(1e-9), "make")
    deployment(fails=True)
    seen = resumed(sensor, context, jobs_of(started))
    assert seen.jobs_at > 0
    assert seen.jobs_seen
    deployment()
    resumed(sensor, context, jobs_of(started))  # as after a clear: its history is lost
    assert [sent["subject"] for sent in SENT] == ["[two: make] jobs (run r1)"]
    resumed(sensor, context, jobs_of(started))
    assert len(SENT) == 1
    MemoryGateway(started).ensure_tasks(1, 9)
    started.advance(200)
    resumed(sensor_of(with_tables(1000), "make"), context, jobs_of(started))
    assert len(SENT) == 1
    resumed(sensor, context, jobs_of(started))
    assert len(SENT) == 2


def test_a_table_that_cannot_be_read_holds_up_no_wait(
    started: MemoryGrid, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise GatewayUnavailable("JobMonitoring is down", "wait")

    monkeypatch.setattr(wait_report, "report_on", broken)
    resumed(sensor_of(with_tables(1), "make"), context, jobs_of(started))
    assert SENT == []


async def test_a_trigger_that_is_to_tell_wakes_a_worker_for_a_table(begun: Begun) -> None:
    trigger = begun.making(tell=True)
    trigger.rules["report_every"] = 3600.0
    trigger.rules["tasks"] = 99
    (event,) = await events(trigger, lambda: begun.grid.advance(20))
    assert event["kind"] == "jobs"
    seen = looked_at(Snapshot.from_dict(event["snapshot"]), History(), time.time())
    again = begun.making(tell=True, history=seen.to_dict(), deadline=time.time() + 0.5)
    again.rules |= {"report_every": 3600.0, "tasks": 99}
    (event,) = await events(again, lambda: begun.grid.advance(20))
    assert event["kind"] == "timeout"
