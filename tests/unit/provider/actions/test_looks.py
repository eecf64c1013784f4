"""People's actions look again right before each act, and leave alone what is not as shown."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.actions.tasks import MOST_UNSEEN
from tests.unit.provider.actions.action_runs import MAKE, MERGE, OWN, REAL, RISKY, row, words

CLEAN = {**OWN["clean"], **RISKY}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("TransformationName", "two__r1__kept"),
        ("TransformationName", "two__r2__merge"),
        ("TransformationGroup", "others"),
        ("AuthorGroup", "other_prod"),
    ],
)
@pytest.mark.parametrize("action", ["clean", "complete", "stop", "set_group_size"])
def test_what_is_renamed_or_another_s_meanwhile_is_not_touched_and_the_rest_is(
    grid: MemoryGrid, ops: Any, action: str, column: str, value: str
) -> None:
    run = ops(action, **{**OWN.get(action, {}), **RISKY})
    acts = {each["id"] for each in run.preview()["rows"] if each["answer"] == "act"}
    before = copy.deepcopy(row(grid, MERGE) | {column: value})
    row(grid, MERGE)[column] = value
    with pytest.raises(AirflowFailException, match="1 failed"):
        run.act()
    assert row(grid, MERGE) == before
    results = words(run.ti.pushed["outcome"])
    assert {number: results[number] for number in acts - {MERGE}} == dict.fromkeys(
        acts - {MERGE}, "done"
    )


@pytest.mark.parametrize("action", ["clean", "complete"])
def test_a_state_that_the_filter_does_not_name_any_more_is_not_touched(
    grid: MemoryGrid, ops: Any, action: str
) -> None:
    run = ops(action, states=["Active"], **{**OWN.get(action, {}), **RISKY})
    run.preview()
    row(grid, MERGE)["Status"] = "Stopped"
    with pytest.raises(AirflowFailException, match="1 done, 0 left, 0 refused, 1 failed"):
        run.act()
    assert row(grid, MERGE)["Status"] == "Stopped"
    assert "is not meant any more" in run.ti.pushed["table"]


def test_what_completed_since_the_preview_is_not_cleaned(grid: MemoryGrid, ops: Any) -> None:
    run = ops("clean", **CLEAN)
    run.preview()
    row(grid, MERGE)["Status"] = "Completed"
    with pytest.raises(AirflowFailException, match="1 failed"):
        run.act()
    assert [row(grid, n)["Status"] for n in (MAKE, MERGE)] == ["Cleaning", "Completed"]
    assert "it is Completed now, and the preview showed Active" in run.ti.pushed["table"]


def test_agents_that_let_it_go_to_and_fro_change_nothing(grid: MemoryGrid, ops: Any) -> None:
    run = ops("clean", **CLEAN)
    run.preview()
    row(grid, MERGE)["Status"] = "Idle"
    assert words(run.act()) == {MAKE: "done", MERGE: "done"}


@pytest.mark.parametrize("what", ["row", "answer", "total", "seal"])
def test_a_preview_that_somebody_has_changed_is_not_acted_on(
    grid: MemoryGrid, ops: Any, what: str
) -> None:
    if what == "total":
        run = ops("extend", tasks=1, **REAL)
    else:
        run = ops("complete", steps=["merge"], **RISKY)
    shown = run.preview()
    if what == "row":
        shown["rows"].append({**shown["rows"][0], "id": MAKE, "name": "two__r1__make"})
    elif what == "total":
        shown["rows"][0]["total"] = 900
    elif what == "answer":
        shown["rows"][0]["answer"] = "leave"
    else:
        del shown["seal"]
    before = copy.deepcopy([(t.row, len(t.tasks)) for t in grid.transformations.values()])
    with pytest.raises(AirflowFailException, match="is not the one that was shown"):
        run.act()
    assert [(t.row, len(t.tasks)) for t in grid.transformations.values()] == before


def test_what_a_dead_attempt_did_over_somebody_s_clean_is_put_back_and_reported(
    grid: MemoryGrid, gateway: MemoryGateway, ops: Any
) -> None:
    row(grid, MERGE)["Status"] = "Stopped"
    run = ops("resume", steps=["merge"], **REAL)
    run.preview()
    run.context["task_state_store"].set(f"before-{MERGE}", list(gateway.status_changes(MERGE)))
    for state in ("Cleaning", "Active"):  # the second by an attempt that died before it looked
        grid.serve_setTransformationParameter(MERGE, "Status", state)
    with pytest.raises(AirflowFailException, match="1 failed"):
        run.act()
    assert row(grid, MERGE)["Status"] == "Cleaning"
    assert "it is Cleaning by now" in run.ti.pushed["table"]


class TestPatterns:
    def test_force_takes_no_pattern(self, grid: MemoryGrid, ops: Any) -> None:
        grid.down = True
        for name in ("*", "by_*", "by_han?"):
            given = {"run": "r1", "steps": ["merge"], "confirm": name}
            with pytest.raises(AirflowFailException, match="force is for one whole name"):
                ops("complete", production=name, force=True, **given, **RISKY).preview()

    def test_filters_are_for_those_of_others_too(
        self, grid: MemoryGrid, gateway: MemoryGateway, ops: Any
    ) -> None:
        row(grid, MERGE).update(TransformationName="by_hand", TransformationGroup="General")
        for given in ({"run": "r1"}, {"steps": ["merge"]}, {"states": ["Stopped"]}):
            with pytest.raises(AirflowFailException, match="no transformation of ours"):
                ops("stop", production="by_hand", force=True, **given, **RISKY).preview()
        forced = ops("stop", production="by_hand", force=True, states=["Active"], **RISKY)
        assert words(forced.carry_out()) == {MERGE: "done"}

    def test_completing_by_a_pattern_needs_the_pattern_typed(
        self, grid: MemoryGrid, ops: Any
    ) -> None:
        with pytest.raises(AirflowFailException, match="is not confirmed"):
            ops("complete", production="t*", **RISKY).preview()
        done = ops("complete", production="t*", confirm="t*", **RISKY).carry_out()
        assert words(done) == {MAKE: "done", MERGE: "done"}

    @pytest.mark.parametrize("action", ["complete", "clean"])
    def test_a_pattern_that_means_many_is_looked_at_first(
        self, grid: MemoryGrid, gateway: MemoryGateway, ops: Any, action: str
    ) -> None:
        for number in range(MOST_UNSEEN):
            made = copy.deepcopy(grid.transformations[MERGE])
            made.row |= {
                "TransformationID": 100 + number,
                "TransformationName": f"two__r{number}__merge",
            }
            grid.transformations[100 + number] = made
        given = {**OWN.get(action, {}), "run": "*", **RISKY}
        with pytest.raises(AirflowFailException, match="by a pattern") as raised:
            ops(action, **given).preview()
        digest = str(raised.value).split("with digest ")[1][:16]
        assert row(grid, MERGE)["Status"] == "Active"
        outcome = ops(action, digest=digest, **given).carry_out()
        assert set(words(outcome).values()) == {"done"}
