"""The list of productions: what a row says, filters, order, pages, and who may see which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page.keeper import Keeper
from tests.unit.provider.page import scenario
from tests.unit.provider.page.conftest import As
from tests.unit.provider.page.scenario import HOSTILE

Get = Callable[..., Any]


def runs(answer: Any) -> list[str]:
    return [f"{row['production']} {row['run']}" for row in answer["rows"]]


def test_a_run_that_needs_a_person_comes_first(get: Get) -> None:
    answer = get("/api/productions")
    assert [row["production"] for row in answer["rows"]] == ["bands", "rings"]
    first = answer["rows"][0]
    assert first["state"]["kind"] == "asks"
    assert first["state"]["needs_person"]
    assert first["state"]["reason"] == "2 files are MaxReset: a person must decide"
    assert first["state"]["since"] == "2026-03-01T13:38:00Z"
    assert answer["need_person"] == 1


def test_a_row_says_how_far_each_step_is(get: Get) -> None:
    row = get("/api/productions")["rows"][0]
    slices, merge = row["steps"]
    assert slices["bar"]["words"] == "14 of 14 tasks processed"
    assert [(part["name"], part["count"]) for part in merge["bar"]["parts"]] == [
        ("processed", 9),
        ("running", 3),
        ("given up", 2),
    ]
    assert sum(part["share"] for part in merge["bar"]["parts"]) == pytest.approx(1)
    assert row["steps_done"] == 1
    assert row["failed_jobs"] == 3
    assert row["failures_last_hour"] == 2


def test_a_run_that_goes_well_says_when_it_is_done(get: Get) -> None:
    row = get("/api/productions", production="rings")["rows"][0]
    assert row["state"]["kind"] == "running"
    assert row["eta"]["earliest"] < row["eta"]["expected"] < row["eta"]["latest"]
    assert row["owner"] == HOSTILE


def test_runs_that_are_over_are_counted_and_shown_when_asked(get: Get) -> None:
    answer = get("/api/productions")
    assert answer["hidden_over"] == 1
    assert "bands r0" not in runs(answer)
    all_ = get("/api/productions", over=True)
    assert runs(all_)[-1] == "bands r0"
    assert get("/api/productions", state="completed")["rows"][0]["datasets"][0]["words"] == (
        "3 files, 1.2 GB, frozen"
    )


@pytest.mark.parametrize(
    ("wishes", "found"),
    [
        ({"vo": "sim"}, 2),
        ({"vo": "other"}, 0),
        ({"campaign": "prod6", "over": True}, 3),
        ({"type": "Merging"}, 2),
        ({"state": "asks"}, 1),
        ({"text": "MAXRESET bands"}, 1),
        ({"text": "nowhere"}, 0),
        ({"production": "bands", "over": True}, 2),
    ],
)
def test_filters(get: Get, wishes: dict[str, Any], found: int) -> None:
    answer = get("/api/productions", **wishes)
    assert answer["total"] == len(answer["rows"]) == found
    assert bool(answer["empty"]) == (found == 0)


def test_a_page_holds_as_many_rows_as_wanted(get: Get) -> None:
    one, two = (get("/api/productions", over=True, per_page=2, page=n) for n in (1, 2))
    assert (one["pages"], len(one["rows"]), len(two["rows"])) == (2, 2, 1)
    assert not set(runs(one)) & set(runs(two))


@pytest.mark.parametrize(
    "sort", ["production", "state", "vo", "progress", "failures", "eta", "changed"]
)
def test_each_order_can_be_reversed(get: Get, sort: str) -> None:
    up = runs(get("/api/productions", over=True, sort=sort))
    down = runs(get("/api/productions", over=True, sort=sort, descending=True))
    assert sorted(up) == sorted(down)
    if sort in ("production", "progress", "changed"):
        assert up != down


def test_filters_offer_the_values_that_there_are(get: Get) -> None:
    filters = get("/api/productions", vo="other")["filters"]
    assert filters["vo"] == [{"value": "sim", "label": "sim", "count": 3}]
    assert {one["value"]: one["label"] for one in filters["state"]}["asks"] == "needs a person"


def test_without_a_ledger_the_list_says_why_it_is_empty(as_user: As, keeper: Keeper) -> None:
    def away() -> Ledger:
        raise LedgerUnavailable("[dirac_prodsys] ledger is off on the API server")

    scenario.empty_airflow()
    keeper._open_ledger = away
    answer = as_user("vera").get("/api/productions").json()
    assert answer["rows"] == []
    assert "ledger is off" in answer["empty"]


def test_a_run_that_has_just_been_triggered_is_there(as_user: As, ledger: Ledger) -> None:
    rows = as_user("vera").get("/api/productions").json()["rows"]
    states = {f"{row['production']} {row['run_id'][:6]}": row["state"]["kind"] for row in rows}
    assert states == {"bands r1": "not begun", "rings manual": "not begun"}
