"""People's actions: which transformations are meant, and what is done to each."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.actions.decision_table import decide
from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.actions.request import read_request
from dirac_prodsys.core.actions.selection import select
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from tests.unit.core.actions.action_words import listed, request

CANDIDATES = [
    listed(1, "p__r1__a"),
    listed(2, "p__r1__b", status="Stopped"),
    listed(3, "p__r2__a"),
    listed(4, "p__r1__b__2"),
    listed(5, "p__r1__b__fresh2"),
    listed(6, "pq__r1__a"),
    listed(7, "p__r1__a", group="General"),
    listed(8, "p__r1__a", vo="other", author_group="other_prod"),
    listed(9, "p", group="p"),
    listed(10, "p__r1__a__x", group="p"),
    listed(11, "p__Run-X-11aa22bb__a"),
]


def chosen(**given: Any) -> list[int]:
    return [
        one.id for one in select(request("stop", **given), reversed(CANDIDATES), vo="sim").listed
    ]


class TestSelecting:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, [1, 2, 3, 4, 5, 11]),
            ({"production": "p*"}, [1, 2, 3, 4, 5, 6, 11]),
            ({"production": "P"}, []),
            ({"run": "r1"}, [1, 2, 4, 5]),
            ({"run": "r?"}, [1, 2, 3, 4, 5]),
            ({"steps": ["b"]}, [2, 4, 5]),
            ({"steps": ["b", "a"], "run": "r2"}, [3]),
            ({"states": ["Stopped"]}, [2]),
            ({"states": ["Stopped", "Active"], "run": "r2"}, [3]),
            ({"force": True}, [1, 2, 3, 4, 5, 9, 11]),
            ({"force": True, "production": "p__r1__a"}, [7, 8]),
        ],
    )
    def test_what_is_meant(self, given: dict[str, Any], expected: list[int]) -> None:
        assert chosen(**given) == expected

    def test_a_run_may_be_given_by_its_id(self) -> None:
        from dirac_prodsys.core.naming import run_tag

        run_id = "manual__2026-01-02T03:04:05+00:00"
        ours = listed(1, f"p__{run_tag(run_id)}__a")
        other = listed(2, f"p__{run_tag('manual__other')}__a")
        found = select(request("stop", run=run_id), [ours, other], vo="sim").listed
        assert found == (ours,)

    def test_what_matches_and_is_not_ours_is_reported(self) -> None:
        left = select(request("stop", run="r1"), CANDIDATES, vo="sim").left_out
        assert left == (
            "7 p__r1__a: we did not create it",
            "8 p__r1__a: its author is of other_prod, not of VO sim",
            "9 p: we did not create it",
        )

    def test_without_a_vo_nothing_is_ours(self) -> None:
        assert select(request("stop"), CANDIDATES, vo="").listed == ()


#: for each action, in the order of ``STATES``: act, leave or refuse
STATES = [
    "New",
    "Idle",
    "Active",
    "Flush",
    "Stopped",
    "Completing",
    "Completed",
    "Archived",
    "Cleaning",
    "Cleaned",
    "Deleted",
    "TransformationCleaned",
    "RemovingFiles",
    "RemovedFiles",
    "ValidatingInput",
    "ValidatingOutput",
    "ValidatedOutput",
    "WaitingIntegrity",
    "Unknown",
]


TABLE = {
    "start": "alllrl llllllll rrrrr",
    "stop": "laaaar llllllll rrrrr",
    "resume": "llllal llllllll rrrrr",
    "flush": "rralrr llllllll rrrrr",
    "complete": "aaaaaa llllllll rrrrr",
    "extend": "raaaar rrrrrrrr rrrrr",
    "reopen": "llllrr aallllll rrrrr",
    "set_group_size": "aaaaar llllllll rrrrr",
    "clean": "aaaaaa arllllaa aaaar",
    "delete": "arrrrr raraaara rrrrr",
}


def answers(action: str) -> str:
    """One letter for each state."""
    letters = ""
    for state in STATES:
        kind = "MCSimulation" if action == "extend" else "Merging"
        one = listed(1, "p__r1__a", type=kind, status=state)
        files = {} if action in ("extend", "delete") else {"Unused": 2}
        seen = Snapshot(1, one.name, kind, TransformationStatus(state), files, group_size=2)
        letters += decide(request(action), one, seen).answer[0]
    return letters


class TestDeciding:
    def test_the_table_has_every_action_and_every_state(self) -> None:
        assert set(TABLE) == set(ACTIONS)
        assert set(STATES) == {str(state) for state in TransformationStatus}

    @pytest.mark.parametrize("action", TABLE)
    def test_what_is_done_in_each_state(self, action: str) -> None:
        assert answers(action) == TABLE[action].replace(" ", "")

    @pytest.mark.parametrize("action", ACTIONS)
    def test_every_answer_says_why(self, action: str) -> None:
        for state in STATES:
            one = listed(1, "p__r1__a", type="MCSimulation", status=state)
            seen = Snapshot(1, one.name, one.type, TransformationStatus(state))
            assert decide(request(action), one, seen).why, state

    def seen(self, **changes: Any) -> Snapshot:
        fields: dict[str, Any] = {"status": TransformationStatus.ACTIVE, "group_size": 2.0}
        return Snapshot(1, "p__r1__a", "Merging", **{**fields, **changes})

    def test_a_flush_needs_files_that_are_left_over(self) -> None:
        one = listed(1, "p__r1__a")
        assert decide(request("flush"), one, self.seen(files={"Processed": 4})).answer == "leave"
        decision = decide(request("flush"), one, self.seen(files={"Unused": 3, "Assigned": 1}))
        assert (decision.answer, decision.why) == ("act", "→ Flush, 3 files are Unused")

    def test_extending_says_how_many_there_are_to_be_in_the_end(self) -> None:
        one = listed(1, "p__r1__a", type="MCSimulation", events_per_task=100)
        seen = self.seen(tasks={"Done": 3, "Failed": 1, "Running": 2})
        assert decide(request("extend", tasks=5), one, seen).tasks == 11
        events = read_request({"action": "extend", "production": "p", "events": 101})
        assert decide(events, one, seen).tasks == 8
        silent = listed(1, "p__r1__a", type="MCSimulation")
        assert decide(events, silent, seen).answer == "refuse"

    def test_what_has_no_tasks_yet_is_extended_when_its_run_has_made_them(self) -> None:
        """The run makes as many as are declared, and would count these among them."""
        one = listed(1, "p__r1__a", type="MCSimulation", status="New")
        new = self.seen(status=TransformationStatus.NEW)
        decision = decide(request("extend"), one, new)
        assert (decision.answer, "has not begun" in decision.why) == ("refuse", True)
        assert decide(request("extend", force=True, reason="r"), one, new).answer == "act"
        made = self.seen(status=TransformationStatus.NEW, tasks={"Created": 4})
        assert decide(request("extend", tasks=5), one, made).tasks == 9

    def test_tasks_that_come_from_files_are_not_added(self) -> None:
        one = listed(1, "p__r1__a")
        assert decide(request("extend"), one, self.seen()).answer == "leave"
        mc = listed(1, "p__r1__a", type="MCSimulation")
        assert decide(request("extend"), mc, self.seen(files={"Unused": 1})).answer == "leave"

    def test_a_group_size_fits_the_plugin(self) -> None:
        half = request("set_group_size", group_size=0.5)
        assert decide(half, listed(1, "p__r1__a"), self.seen()).answer == "refuse"
        by_size = listed(1, "p__r1__a", plugin="BySize")
        assert decide(half, by_size, self.seen()).why == "2 → 0.5"
        some = decide(half, by_size, self.seen(files={"Unused": 1, "Processed": 4}))
        assert some.why == "2 → 0.5; 1 Unused files wait for more, or for a flush"
        assert decide(half, by_size, self.seen(group_size=0.5)).answer == "leave"
        mc = listed(1, "p__r1__a", type="MCSimulation")
        assert decide(request("set_group_size"), mc, self.seen()).answer == "leave"

    def test_a_new_one_with_tasks_is_not_just_forgotten(self) -> None:
        one = listed(1, "p__r1__a", status="New")
        new = self.seen(status=TransformationStatus.NEW)
        assert decide(request("delete"), one, new).answer == "act"
        with_tasks = self.seen(status=TransformationStatus.NEW, tasks={"Created": 1})
        assert decide(request("delete"), one, with_tasks).answer == "refuse"
