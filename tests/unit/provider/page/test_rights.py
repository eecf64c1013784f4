"""Who may do what: nobody without a login, and each role as Airflow's own rights say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.page.keeper import Keeper
from tests.unit.provider.page.conftest import USERS, As, page_of

RUN = "/api/dags/bands/runs/r1"
COMPARE = "/api/compare?dag_id=bands&run=r0&with_dag_id=bands&with_run=r1"
PREVIEW = {"action": "stop", "run": "r1"}

#: path → body of what a user asks; None: GET
READS = (
    "/api/productions",
    RUN,
    f"{RUN}/steps/merge",
    "/api/campaign",
    "/api/campaign/export?form=csv",
    COMPARE,
    "/api/openapi.json",
    "/",
    "/productions",
)


def routes(server: FastAPI) -> list[tuple[str, str]]:
    """Method and path of each route, parameters filled in."""
    found = []
    for route in page_of(server).routes:
        assert isinstance(route, APIRoute), route
        path = route.path
        for name in ("dag_id", "run", "step", "run_id", "path:path"):
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


@pytest.mark.parametrize(
    ("path", "body", "allowed"),
    [
        ("/api/dags/bands/comments", {"text": "x"}, {"ulf", "olga", "ada"}),
        ("/api/dags/bands/actions/preview", PREVIEW, {"ulf", "olga", "ada"}),
        ("/api/dags/bands/actions", {**PREVIEW, "digest": "0" * 16}, {"ulf", "olga", "ada"}),
        ("/api/grid", None, {"vera", "ulf", "olga", "ada"}),
        ("/api/errors", None, {"vera", "ulf", "olga", "ada"}),
    ],
)
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
