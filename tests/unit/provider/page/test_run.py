"""One run and one step: graph, datasets, story, definition, why, failures, queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dirac_prodsys.ledger.store import Ledger
from tests.unit.provider.page.conftest import As
from tests.unit.provider.page.scenario import HOSTILE

Get = Callable[..., Any]

RUN = "/api/dags/bands/runs/r1"


def test_the_graph_has_the_steps_and_what_links_them(get: Get) -> None:
    page = get(RUN)
    assert [(node["step"], node["level"]) for node in page["nodes"]] == [
        ("slices", 0),
        ("merge", 1),
    ]
    (edge,) = page["edges"]
    assert (edge["parent"], edge["child"], edge["kind"]) == ("slices", "merge", "files")
    assert "step = slices" in edge["conditions"]
    assert edge["streaming"]
    assert edge["label"]


def test_the_definition_is_compared_with_that_of_the_run_before(get: Get) -> None:
    found = get(RUN)["definition"]
    assert found["file"] == "bands.yaml"
    assert found["before"] == "r0"
    assert found["same_as_before"] is False
    changed = [(one["sign"], one["text"].strip()) for one in found["changes"]]
    assert ("-", "tasks: 10") in changed
    assert ("+", "tasks: 14") in changed


def test_what_happened_is_told_the_newest_first(get: Get) -> None:
    story = get(RUN)["story"]
    kinds = [line["kind"] for line in story]
    assert {"run", "act", "verdict", "action", "notice", "comment", "drift"} <= set(kinds)
    assert [line["at"] for line in story] == sorted((line["at"] for line in story), reverse=True)


def test_words_of_people_stay_as_they_are(get: Get) -> None:
    (comment,) = get(RUN)["comments"]
    assert comment["text"] == f"for the paper {HOSTILE}"
    assert (comment["about"], comment["by"]) == ("run", "bob")


def test_where_a_dataset_is(get: Get) -> None:
    (dataset,) = get("/api/dags/bands/runs/r0")["datasets"]
    assert dataset["words"] == "3 files, 1.2 GB, frozen"
    assert dataset["places"]["DISK-A-SE"]["words"] == "3 files, 1.2 GB"


def test_the_other_runs_are_named(get: Get) -> None:
    assert [one["run"] for one in get(RUN)["runs"]] == ["r0"]


@pytest.mark.parametrize("run", ["~", "r1"])
def test_a_run_is_found_by_tag_and_as_the_newest(get: Get, run: str) -> None:
    assert get(f"/api/dags/bands/runs/{run}")["row"]["run"] == "r1"


def test_a_run_is_found_by_its_id_in_airflow(get: Get) -> None:
    row = get("/api/dags/rings/runs/manual__2026-03-01T12:00:00+00:00")["row"]
    assert row["run_id"] == "manual__2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize("path", ["bands/runs/r9", "nothing/runs/~", "bands/runs/r1/steps/cut"])
def test_what_is_not_there_is_404(vera: TestClient, path: str) -> None:
    assert vera.get(f"/api/dags/{path}").status_code == 404


def test_a_step_says_why_it_waits_and_since_when(get: Get) -> None:
    why = get(f"{RUN}/steps/merge")["why"]
    assert "waits for a person" in why["line"]
    assert why["verdict"]["alarm"] == "2 files are MaxReset: a person must decide"
    assert why["since"] == "2026-03-01T13:38:00Z"
    assert [one["reason"] for one in why["history"]] == ["14 files are Assigned"]
    assert why["may"]


def test_failures_stand_by_cause_and_site(get: Get) -> None:
    failures = get(f"{RUN}/steps/merge")["failures"]
    assert failures["total"] == 3
    assert failures["sites"] == ["SIM.SiteA.org", "SIM.SiteB.org"]
    first = failures["cells"][0]
    assert (first["site"], first["count"]) == ("SIM.SiteA.org", 2)
    assert [sample["job"] for sample in first["samples"]] == [1234, 1240]
    assert "ended with an error of its own" in failures["advice"]


def test_each_condition_says_where_it_comes_from(get: Get) -> None:
    conditions = get(f"{RUN}/steps/merge")["input"]["conditions"]
    assert {(one["field"], one["origin"]) for one in conditions} == {
        ("production", "output of step slices"),
        ("run", "output of step slices"),
        ("step", "output of step slices"),
    }


def test_counts_over_time_end_with_the_last_ones(get: Get) -> None:
    course = get(f"{RUN}/steps/merge")["course"]
    assert course["unit"] == "files"
    assert [(one["done"], one["total"]) for one in course["points"]][-1] == (9, 14)


def test_a_comment_is_seen_at_once(as_user: As, told: Ledger) -> None:
    ulf = as_user("ulf")
    body = {"about": "merge", "run": "r1", "text": HOSTILE}
    answer = ulf.post("/api/dags/bands/comments", json=body)
    assert answer.status_code == 201
    assert answer.json()["comment"]["by"] == "ulf"
    comments = ulf.get(f"{RUN}/steps/merge").json()["comments"]
    assert [one["text"] for one in comments] == [HOSTILE]


@pytest.mark.parametrize("about", ["cut", "/sim/datasets/of_others"])
def test_a_comment_is_about_something_that_is_there(as_user: As, told: Ledger, about: str) -> None:
    body = {"about": about, "run": "r1", "text": "x"}
    answer = as_user("ulf").post("/api/dags/bands/comments", json=body)
    assert answer.status_code == 404
    assert answer.json()["hint"]
