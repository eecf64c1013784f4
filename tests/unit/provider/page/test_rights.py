"""Who may do what: nobody without a login, and each role as Airflow's own rights say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.page.app import PREFIX
from dirac_prodsys.provider.page.keeper import Keeper
from tests.unit.provider.page.conftest import USERS, As, page_of

RUN = "/api/dags/bands/runs/r1"
COMPARE = "/api/compare?dag_id=bands&run=r0&with_dag_id=bands&with_run=r1"
PREVIEW = {"action": "stop", "run": "r1"}

#: what whoever is logged in may read
READS = (
    "/api/productions",
    RUN,
    f"{RUN}/steps/merge",
    "/api/campaign",
    "/api/campaign/export?form=csv",
    COMPARE,
    "/api/openapi.json",
    "/api/new",
    "/api/runbooks/stalled",
    "/",
    "/productions",
)

#: path, body of what a user asks (None: GET), who may
DOES: tuple[tuple[str, Any, set[str]], ...] = (
    ("/api/dags/bands/comments", {"text": "x"}, {"ulf", "olga", "ada"}),
    ("/api/dags/bands/actions/preview", PREVIEW, {"ulf", "olga", "ada"}),
    ("/api/dags/bands/actions", {**PREVIEW, "digest": "0" * 16}, {"ulf", "olga", "ada"}),
    ("/api/new/check", {"text": "x"}, {"vera", "ulf", "olga", "ada"}),
    ("/api/new/files", {"name": "x", "text": "x"}, {"ulf", "olga", "ada"}),
    ("/api/grid", None, {"vera", "ulf", "olga", "ada"}),
    ("/api/errors", None, {"vera", "ulf", "olga", "ada"}),
)


def routes(server: FastAPI) -> list[tuple[str, str]]:
    """Method and path of each route, parameters filled in."""
    found = []
    for route in page_of(server).routes:
        assert isinstance(route, APIRoute), route
        path = route.path
        for name in ("dag_id", "run", "step", "run_id", "path:path", "name"):
            path = path.replace("{" + name + "}", "bands")
        found += [(method, path) for method in sorted(route.methods)]
    return found


def test_no_route_answers_without_a_login(anonymous: TestClient, server: FastAPI) -> None:
    asked = routes(server)
    assert len(asked) > 14
    for method, path in asked:
        answer = anonymous.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 401, (method, path, answer.text)


def test_a_token_that_is_none_is_refused(anonymous: TestClient) -> None:
    headers = {"Authorization": "Bearer nonsense"}
    assert anonymous.get("/api/productions", headers=headers).status_code in (401, 403)


@pytest.mark.parametrize("name", USERS)
@pytest.mark.parametrize("path", READS)
def test_everybody_who_is_logged_in_may_read(
    as_user: As, told: Ledger, name: str, path: str
) -> None:
    assert as_user(name).get(path).status_code == 200


@pytest.mark.parametrize(("path", "body", "allowed"), DOES)
@pytest.mark.parametrize("name", USERS)
def test_who_may_do_what(
    as_user: As, told: Ledger, name: str, path: str, body: Any, allowed: set[str]
) -> None:
    client = as_user(name)
    answer = client.get(path) if body is None else client.post(path, json=body)
    # no Dag of actions is served here: whoever may act learns just that
    refused = answer.status_code == 403
    assert refused == (name not in allowed), answer.text
    assert answer.status_code < 500


def test_the_page_says_what_the_user_may_do(as_user: As, told: Ledger) -> None:
    rights = {name: as_user(name).get(RUN).json()["rights"] for name in ("vera", "ulf")}
    assert rights["vera"]["act"] is False
    assert "production_operations" in rights["vera"]["why_not"]
    assert rights["ulf"] == {"act": True, "comment": True, "why_not": ""}


def test_a_cookie_alone_changes_nothing(
    anonymous: TestClient, token: Callable[[str], str], told: Ledger, ledger: Ledger
) -> None:
    anonymous.cookies.set("_token", token("ulf"))
    assert anonymous.get("/api/productions").status_code == 200
    comment = {"text": "from another site"}
    assert anonymous.post("/api/dags/bands/comments", json=comment).status_code == 403
    before = ledger.count(Search(("comment",)))
    ours = {"X-Requested-With": "dirac-prodsys"}
    answer = anonymous.post("/api/dags/bands/comments", json=comment, headers=ours)
    assert answer.status_code == 201
    assert ledger.count(Search(("comment",))) == before + 1


def test_rows_of_dags_that_a_user_may_not_read_are_not_there(
    as_user: As, told: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    manager = type(get_auth_manager())
    whole = manager.is_authorized_dag

    def only_rings(self: Any, *, details: Any = None, **given: Any) -> bool:
        named = details is not None and details.id in ("rings", "production_operations")
        return named and whole(self, details=details, **given)

    monkeypatch.setattr(manager, "is_authorized_dag", only_rings)
    vera = as_user("vera")
    answer = vera.get("/api/productions?over=true").json()
    assert {row["production"] for row in answer["rows"]} == {"rings"}
    assert [one["count"] for one in answer["filters"]["vo"]] == [1]
    for path in (RUN, f"{RUN}/steps/merge", COMPARE):
        assert vera.get(path).status_code == 403
    summary = vera.get("/api/campaign").json()
    assert {name for row in summary["rows"] for name in row["productions"]} <= {"rings"}
    assert summary["productions"] == ["rings"]
    page = vera.get("/productions").text
    assert "rings" in page
    assert "bands" not in page


def test_runs_that_airflow_forgot_are_for_those_who_may_read_all(
    as_user: As, told: Ledger, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    from tests.unit.provider.page import scenario

    scenario.empty_airflow()
    vera = as_user("vera")
    assert len(vera.get("/api/productions?over=true").json()["rows"]) == 3
    manager = type(get_auth_manager())
    monkeypatch.setattr(
        manager, "is_authorized_dag", lambda *_, details=None, **__: details is not None
    )
    assert vera.get("/api/productions?over=true").json()["rows"] == []


def test_answers_are_what_they_say_and_nothing_else(as_user: As, told: Ledger) -> None:
    answer = as_user("vera").get("/api/productions")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.fixture
def two_teams(airflow: None, told: Ledger) -> Iterator[None]:
    """The Dag ``bands`` is of team north, ``rings`` of team south."""
    from airflow.models.dag import DagModel, clear_team_name_cache
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.team import Team
    from airflow.utils.session import create_session

    with create_session() as session:
        for team, dag_id in (("north", "bands"), ("south", "rings")):
            bundle = DagBundleModel(name=f"of {team}")
            bundle.teams = [Team(name=team)]
            session.add(bundle)
            session.flush()
            session.get(DagModel, dag_id).bundle_name = bundle.name
    clear_team_name_cache()
    yield
    clear_team_name_cache()
    with create_session() as session:
        for dag_id in ("bands", "rings"):
            session.get(DagModel, dag_id).bundle_name = "productions"
        session.flush()
        for team in ("north", "south"):
            session.delete(session.get(DagBundleModel, f"of {team}"))
            session.flush()
            session.delete(session.get(Team, team))


@pytest.mark.parametrize(
    ("team", "own", "other"), [("north", "bands", "rings"), ("south", "rings", "bands")]
)
def test_a_team_sees_its_own_runs(
    server: FastAPI,
    two_teams: None,
    token_of: Callable[..., str],
    team: str,
    own: str,
    other: str,
) -> None:
    headers = {"Authorization": f"Bearer {token_of('tom', 'user', [team])}"}
    client = TestClient(server, base_url=f"http://airflow{PREFIX}", headers=headers)
    answer = client.get("/api/productions?over=true").json()
    assert {row["production"] for row in answer["rows"]} == {own}
    assert client.get(f"/api/dags/{own}/runs/~").status_code == 200
    assert client.get(f"/api/dags/{other}/runs/~").status_code == 403
    comment = {"text": "x"}
    assert client.post(f"/api/dags/{other}/comments", json=comment).status_code == 403
    assert client.get(f"/productions/{other}/~").status_code == 403


def test_a_run_whose_dag_is_gone_belongs_to_no_team(
    server: FastAPI, two_teams: None, token_of: Callable[..., str], ledger: Ledger
) -> None:
    from tests.unit.provider.page.scenario import Story

    ledger.write(list(Story("gone", "r7", 31, 50).begin()))

    def statuses(*user: Any) -> tuple[bool, int]:
        headers = {"Authorization": f"Bearer {token_of(*user)}"}
        client = TestClient(server, base_url=f"http://airflow{PREFIX}", headers=headers)
        rows = client.get("/api/productions?over=true").json()["rows"]
        listed = "gone" in {row["production"] for row in rows}
        return listed, client.get("/api/dags/gone/runs/r7").status_code

    assert statuses("tom", "user", ["north"]) == (False, 404)
    assert statuses("ada", "admin") == (True, 200)
