"""Actions from the page: runs of ``production_operations`` in the name of the user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from fastapi.testclient import TestClient

from dirac_prodsys.core.actions.outcome import ActionOutcome, Result
from dirac_prodsys.core.actions.preview import Preview, PreviewRow
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.actions.dag import actions_dag
from tests.unit.provider.page.conftest import As

ACTIONS = "/api/dags/bands/actions"


@pytest.fixture
def served(airflow: None) -> Iterator[None]:
    """Airflow has the Dag of actions, as its DAG processor stores it."""
    from airflow.models.dag_version import DagVersion
    from airflow.models.dagcode import DagCode
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    dag = actions_dag()
    dag.fileloc = __file__
    lazy = LazyDeserializedDAG.from_dag(dag)
    with create_session() as session:
        SerializedDAG.bulk_write_to_db("productions", None, [lazy], session=session)
    with create_session() as session:
        SerializedDagModel.write_dag(lazy, bundle_name="productions", session=session)
    yield
    with create_session() as session:
        for model in (DagRun, SerializedDagModel, DagCode, DagVersion):
            session.query(model).delete()


@pytest.fixture
def ulf(as_user: As, told: Ledger, served: None) -> TestClient:
    return as_user("ulf")


def run_of(run_id: str) -> dict[str, Any]:
    with create_session() as session:
        run = session.query(DagRun).filter(DagRun.run_id == run_id).one()
        return {
            "conf": dict(run.conf),
            "by": run.triggering_user_name,
            "state": str(run.state),
            "note": run.note,
        }


def leave(run_id: str, task: str, key: str, value: Any, state: str) -> None:
    """What the tasks of a run leave behind."""
    with create_session() as session:
        run = session.query(DagRun).filter(DagRun.run_id == run_id).one()
        run.state = state
        session.flush()
        session.add(
            XComModel(
                dag_run_id=run.id,
                task_id=task,
                map_index=-1,
                key=key,
                dag_id=run.dag_id,
                run_id=run_id,
                value=value,
            )
        )


def preview_of(action: str) -> dict[str, Any]:
    row = PreviewRow(2, "bands__r1__merge", "Active", "act", "why", tasks=4, files=2, bytes=5000)
    found = Preview(action, "production bands, run r1, all steps", (row,), (), "0123456789abcdef")
    return {**found.to_dict(), "by": "ulf", "reason": "", "run": "x", "seal": "", "commands": []}


def test_a_preview_is_a_run_in_the_name_of_the_user(ulf: TestClient) -> None:
    answer = ulf.post(
        f"{ACTIONS}/preview", json={"action": "flush", "run": "r1", "steps": ["merge"]}
    )
    assert answer.status_code == 202, answer.text
    run = run_of(answer.json()["run_id"])
    assert run["by"] == "ulf"
    assert run["state"] == "queued"
    assert run["conf"]["preview"] is True
    wanted = {"action": "flush", "production": "bands", "run": "r1", "steps": ["merge"]}
    assert wanted.items() <= run["conf"].items()
    assert not run["conf"].get("offer")
    assert run["note"] == "preview of flush, production bands, run r1, steps merge"


def test_a_preview_is_followed_to_what_it_shows(ulf: TestClient) -> None:
    body = {"action": "clean", "run": "r1"}
    started = ulf.post(f"{ACTIONS}/preview", json=body).json()
    under_way = ulf.get(started["follow"]).json()
    assert (under_way["over"], under_way["preview"]) == (False, None)
    leave(started["run_id"], "preview", "return_value", preview_of("clean"), "success")
    found = ulf.get(started["follow"]).json()
    assert found["over"]
    preview = found["preview"]
    assert (preview["touches"], preview["files"], preview["rows"][0]["step"]) == (1, 2, "merge")
    assert preview["needs_reason"] is True
    assert preview["type_to_confirm"] == "bands"
    assert preview["after"]
    assert found["outcome"] is None


@pytest.mark.parametrize(
    ("more", "lacks"),
    [
        ({}, "needs a reason"),
        ({"reason": "wrong calibration"}, "not confirmed"),
        ({"reason": "wrong calibration", "confirm": "rings"}, "not confirmed"),
    ],
)
def test_what_cannot_be_undone_needs_a_reason_and_the_name(
    ulf: TestClient, more: dict[str, str], lacks: str
) -> None:
    body = {"action": "clean", "run": "r1", "digest": "0123456789abcdef", **more}
    answer = ulf.post(ACTIONS, json=body)
    assert answer.status_code == 422
    assert lacks in answer.json()["detail"]
    with create_session() as session:
        assert session.query(DagRun).filter(DagRun.dag_id == "production_operations").count() == 0


def test_nothing_is_carried_out_without_a_preview(ulf: TestClient) -> None:
    assert ulf.post(ACTIONS, json={"action": "stop", "run": "r1"}).status_code == 422


def test_what_was_previewed_is_carried_out_and_its_outcome_shown(ulf: TestClient) -> None:
    body = {
        "action": "clean",
        "run": "r1",
        "digest": "0123456789abcdef",
        "reason": "wrong calibration",
        "confirm": "bands",
    }
    started = ulf.post(ACTIONS, json=body).json()
    conf = run_of(started["run_id"])["conf"]
    assert conf["preview"] is False
    assert conf["digest"] == "0123456789abcdef"
    outcome = ActionOutcome(
        "clean",
        "production bands",
        "ulf",
        "wrong calibration",
        started["run_id"],
        (Result(2, "bands__r1__merge", "Active", "done", "cleaning"),),
    )
    leave(started["run_id"], "act", "return_value", outcome.to_dict(), "success")
    found = ulf.get(started["follow"]).json()
    assert found["outcome"]["good"] is True
    assert found["outcome"]["rows"][0]["result"] == "done"
    shown = ulf.get("/api/dags/bands/runs/r1").json()["action_runs"][0]
    assert (shown["action"], shown["by"], shown["preview"]) == ("clean", "ulf", False)


def test_an_action_that_fails_says_why(ulf: TestClient) -> None:
    started = ulf.post(f"{ACTIONS}/preview", json={"action": "stop", "run": "r1"}).json()
    leave(started["run_id"], "preview", "problem", "the proxy has expired", "failed")
    found = ulf.get(started["follow"]).json()
    assert (found["state"], found["over"], found["problem"]) == (
        "failed",
        True,
        "the proxy has expired",
    )


def test_an_action_on_another_production_is_not_found_here(ulf: TestClient) -> None:
    started = ulf.post(f"{ACTIONS}/preview", json={"action": "stop", "run": "r1"}).json()
    path = started["follow"].replace("/bands/", "/rings/")
    assert ulf.get(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"action": "explode", "run": "r1"},
        {"action": "stop", "run": "r1", "steps": ["; rm -rf /"]},
        {"action": "extend", "run": "r1"},
        {"action": "stop", "run": "r1", "connection": "another"},
    ],
)
def test_a_wrong_request_begins_nothing(ulf: TestClient, body: dict[str, Any]) -> None:
    answer = ulf.post(f"{ACTIONS}/preview", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_offers_say_why_an_action_can_do_nothing(ulf: TestClient) -> None:
    offers = {one["action"]: one for one in ulf.get("/api/dags/bands/runs/r1").json()["actions"]}
    assert offers["stop"]["why_not"] == ""
    assert offers["flush"]["why_not"]
    assert offers["resume"]["why_not"]
    assert offers["clean"]["typed"] is True
    assert [one["name"] for one in offers["extend"]["takes"]] == ["tasks", "events"]
