"""What waiting tasks say, and what they ask, as Airflow's database has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session

from dirac_prodsys.core.reports.state_line import State
from tests.unit.provider.page.scenario import ago

Get = Callable[..., Any]
RING = "/api/dags/rings/runs/~"


def wait(task_id: str, state: str, said: State | None = None, asks: str = "") -> None:
    """Enter a task of the run of ``rings``."""
    with create_session() as session:
        run = session.query(DagRun).filter(DagRun.dag_id == "rings").one()
        place = {"dag_id": "rings", "run_id": run.run_id, "task_id": task_id, "map_index": -1}
        number = uuid4()
        values = {"id": number, "state": state, "pool": "default_pool", "pool_slots": 1}
        session.execute(TaskInstance.__table__.insert().values(**place, **values))
        if said is not None:
            session.add(XComModel(dag_run_id=run.id, key="state", value=said.to_dict(), **place))
        if asks:
            session.add(
                HITLDetail(
                    ti_id=number,
                    options=["Flush", "Wait on"],
                    subject=asks,
                    body="**Why**: nothing came",
                    defaults=["Wait on"],
                    params={},
                    created_at=ago(3),
                )
            )


@pytest.fixture
def tasks(airflow: None) -> Iterator[None]:
    yield
    with create_session() as session:
        for model in (HITLDetail, XComModel, TaskInstance):
            session.query(model).delete()


def test_a_line_of_a_waiting_task_is_the_line_of_its_step(tasks: None, get: Get) -> None:
    line = "merge waits for the grid since 13:30 UTC: connection refused"
    said = State("outage", line, since=ago(30).timestamp())
    wait("merge.wait_for_completion", "deferred", said)
    state = get("/api/productions", production="rings")["rows"][0]["state"]
    assert (state["kind"], state["since"]) == ("outage", "2026-03-01T13:30:00Z")
    assert state["words"].startswith(line)


def test_a_task_that_waits_no_more_says_nothing(tasks: None, get: Get) -> None:
    said = State("outage", "merge waits for the grid", since=ago(30).timestamp())
    wait("merge.wait_for_completion", "success", said)
    assert get("/api/productions", production="rings")["rows"][0]["state"]["kind"] == "running"


def test_a_gate_of_a_step_that_was_not_made_counts_as_well(tasks: None, get: Get) -> None:
    line = "plot failed: /sim/datasets/masks did not come in time"
    wait("plot.wait_for", "deferred", State("failed", line, since=ago(9).timestamp()))
    state = get("/api/productions", production="rings")["rows"][0]["state"]
    assert (state["kind"], state["words"]) == ("failed", f"{line}, since 13:51 UTC")


def test_a_question_comes_first_and_says_how_it_is_answered(
    tasks: None, get: Get, as_user: Callable[[str], Any]
) -> None:
    wait("merge.wait_for_completion", "awaiting_input", asks="Flush merge?")
    row = get("/api/productions")["rows"][0]
    assert row["production"] in ("bands", "rings")
    page = get(RING)
    assert page["row"]["state"]["kind"] == "asks"
    assert page["row"]["state"]["reason"] == "Flush merge?"
    (question,) = page["questions"]
    assert question["options"] == ["Flush", "Wait on"]
    assert question["step"] == "merge"
    assert question["may_answer"] is False  # a viewer
    assert question["answer_with"]["href"].startswith("/api/v2/dags/rings/dagRuns/manual__2026")
    assert question["answer_with"]["href"].endswith(
        "/taskInstances/merge.wait_for_completion/-1/hitlDetails"
    )
    assert as_user("ulf").get(RING).json()["questions"][0]["may_answer"] is True
