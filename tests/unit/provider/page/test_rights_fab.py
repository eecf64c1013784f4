"""Who may do what where FAB manages the users: its own roles, its tokens, its rights of one Dag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page.app import PREFIX
from tests.unit.provider.page.conftest import USERS
from tests.unit.provider.page.scenario import Story
from tests.unit.provider.page.test_rights import DOES, READS, RUN, routes

PASSWORD = "only here"

#: team → its Dag
TEAMS = {"north": "bands", "south": "rings"}
#: what a production's `access_control` gives its team
_RIGHTS = {"DAGs": {"can_read", "can_edit"}, "DAG Runs": {"can_create", "can_read"}}


@pytest.fixture(scope="module")
def fab(airflow_database: Path) -> Iterator[FastAPI]:
    """FAB as Airflow's API server mounts it, with a user of each role and one of each team."""
    from airflow import settings
    from airflow.api_fastapi.app import _AuthManagerState, init_auth_manager
    from airflow.providers.fab.auth_manager.models.db import FABDBManager

    before, _AuthManagerState.instance = _AuthManagerState.instance, None
    change = pytest.MonkeyPatch()
    change.setenv(
        "AIRFLOW__CORE__AUTH_MANAGER",
        "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    )
    try:
        FABDBManager(session=settings.Session()).initdb()
        api = FastAPI()
        manager: Any = init_auth_manager(api)
        with manager.flask_app.app_context():
            security = manager.security_manager
            for name, role in USERS.items():
                _add(security, name, role.capitalize())
            for team, dag_id in TEAMS.items():
                security.add_role(team)
                security.sync_perm_for_dag(dag_id, {team: _RIGHTS})
                _add(security, f"tom of {team}", team)
        yield api
    finally:
        change.undo()
        _AuthManagerState.instance = before
        settings.Session.remove()


def _add(security: Any, name: str, role: str) -> None:
    mail = f"{name.replace(' ', '.')}@example.org"
    assert security.add_user(name, name, "Test", mail, security.find_role(role), PASSWORD)


@pytest.fixture
def log_in(fab: FastAPI, server: FastAPI, airflow: None) -> Callable[[str], TestClient]:
    """Returns a client of a user, with a token that FAB gave for name and password."""

    def make(name: str) -> TestClient:
        with TestClient(fab) as login:
            answer = login.post("/auth/token", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return TestClient(server, base_url=f"http://airflow{PREFIX}", headers=headers)

    return make


def test_no_route_answers_without_a_login(fab: FastAPI, server: FastAPI, airflow: None) -> None:
    nobody = TestClient(server, base_url=f"http://airflow{PREFIX}")
    for method, path in routes(server):
        answer = nobody.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 401, (method, path, answer.text)


@pytest.mark.parametrize("name", USERS)
def test_who_may_do_what(log_in: Callable[[str], TestClient], told: Ledger, name: str) -> None:
    client = log_in(name)
    for path in READS:
        assert client.get(path).status_code == 200, path
    for path, body, allowed in DOES:
        answer = client.get(path) if body is None else client.post(path, json=body)
        assert (answer.status_code == 403) == (name not in allowed), (path, answer.text)
        assert answer.status_code < 500
    rights = client.get(RUN).json()["rights"]
    assert (rights["act"], rights["comment"]) == (name != "vera", name != "vera")


def test_a_comment_has_the_name_of_its_user(
    log_in: Callable[[str], TestClient], told: Ledger
) -> None:
    ulf = log_in("ulf")
    written = ulf.post("/api/dags/bands/comments", json={"run": "r1", "text": "seen by ulf"})
    assert written.status_code == 201
    found = ulf.get(RUN).json()["comments"]
    assert ("ulf", "seen by ulf") in {(one["by"], one["text"]) for one in found}


@pytest.mark.parametrize("team", TEAMS)
def test_a_team_sees_its_own_runs(
    log_in: Callable[[str], TestClient], told: Ledger, ledger: Ledger, team: str
) -> None:
    ledger.write(list(Story("gone", "r7", 31, 50).begin()))
    own, (other,) = TEAMS[team], [dag for name, dag in TEAMS.items() if name != team]
    tom = log_in(f"tom of {team}")
    answer = tom.get("/api/productions?over=true").json()
    assert {row["production"] for row in answer["rows"]} == {own}
    assert tom.get(f"/api/dags/{own}/runs/~").status_code == 200
    for path in (f"/api/dags/{other}/runs/~", f"/productions/{other}/~"):
        assert tom.get(path).status_code == 403
    comment = {"text": "x"}
    assert tom.post(f"/api/dags/{other}/comments", json=comment).status_code == 403
    preview = {"action": "stop", "run": "~"}
    assert tom.post(f"/api/dags/{own}/actions/preview", json=preview).status_code == 403


def test_who_may_read_the_only_dag_there_is_may_not_read_those_that_are_gone(
    log_in: Callable[[str], TestClient], told: Ledger, ledger: Ledger
) -> None:
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        for table in (DagRun, DagTag, DagModel):
            session.execute(delete(table).where(table.dag_id == "rings"))

    def listed(name: str) -> set[str]:
        rows = log_in(name).get("/api/productions?over=true").json()["rows"]
        return {row["production"] for row in rows}

    assert listed("tom of north") == {"bands"}
    assert listed("vera") == {"bands", "rings"}
