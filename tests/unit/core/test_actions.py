"""People's actions: what is asked, which transformations are meant, and what is done to each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dirac_prodsys.core.actions.deciding import decide
from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.actions.outcome import Outcome, Result, outcome_of
from dirac_prodsys.core.actions.preview import Preview, human_bytes, preview
from dirac_prodsys.core.actions.request import ActionRequest, read_request
from dirac_prodsys.core.actions.selecting import FileShare, Listed, Selection, select
from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.core.status import TransformationStatus
from dirac_prodsys.errors import DefinitionErrors

OWN: Mapping[str, Mapping[str, Any]] = {
    "extend": {"tasks": 5},
    "set_group_size": {"group_size": 3},
    "clean": {"run": "r1"},
    "delete": {"run": "r1"},
}


def request(action: str, **given: Any) -> ActionRequest:
    return read_request({"action": action, "production": "p", **OWN.get(action, {}), **given})


def wrong(**given: Any) -> str:
    with pytest.raises(DefinitionErrors) as raised:
        read_request(given)
    return str(raised.value)


class TestRequests:
    @pytest.mark.parametrize("action", ACTIONS)
    def test_every_action_previews_by_default(self, action: str) -> None:
        assert request(action).preview is True

    @pytest.mark.parametrize("action", [a for a, kind in ACTIONS.items() if kind.risky])
    def test_what_cannot_be_undone_needs_a_reason(self, action: str) -> None:
        given = {"action": action, "production": "p", **OWN.get(action, {}), "confirm": "p"}
        assert "needs a reason" in wrong(**given, preview=False)
        assert "needs a reason" in wrong(**given, preview=False, reason=" \n ")
        assert read_request({**given, "preview": False, "reason": "old"}).reason == "old"

    @pytest.mark.parametrize("action", [a for a, kind in ACTIONS.items() if not kind.risky])
    def test_what_can_be_undone_needs_none_but_with_force(self, action: str) -> None:
        assert request(action, preview=False).reason == ""
        given = {"action": action, "production": "p", **OWN.get(action, {})}
        assert "needs a reason" in wrong(**given, preview=False, force=True)

    @pytest.mark.parametrize("action", ["clean", "delete"])
    @pytest.mark.parametrize("typed", ["", "P", "p ever", "p*", "q"])
    def test_what_removes_needs_the_name_typed(self, action: str, typed: str) -> None:
        given = {"action": action, "production": "p", "run": "*", "reason": "r", "preview": False}
        assert "is not confirmed" in wrong(**given, confirm=typed)
        assert read_request({**given, "confirm": "p"}).confirm == "p"

    @pytest.mark.parametrize("action", ["clean", "delete"])
    def test_what_removes_needs_the_run_and_one_production(self, action: str) -> None:
        assert "needs the run" in wrong(action=action, production="p")
        assert "one production at a time" in wrong(action=action, production="p*", run="r1")
        assert "one production at a time" in wrong(action=action, production="?", run="r1")

    def test_numbers_belong_to_the_actions_that_take_them(self) -> None:
        assert "stop takes no tasks" in wrong(action="stop", production="p", tasks=3)
        assert "needs tasks or events" in wrong(action="extend", production="p")
        assert "needs tasks or events" in wrong(action="extend", production="p", tasks=1, events=1)
        assert "needs group_size" in wrong(action="set_group_size", production="p")
        assert request("set_group_size", group_size=0.5).group_size == 0.5

    @pytest.mark.parametrize("number", [0, -1, 1.5, True, "3", 10**7])
    def test_a_number_of_tasks_is_a_whole_number_within_bounds(self, number: Any) -> None:
        assert "'tasks' is" in wrong(action="extend", production="p", tasks=number)

    def test_every_mistake_is_told_at_once(self) -> None:
        text = wrong(action="stopp", production="a b", run=3, states=["Activ"], preview="no", x=1)
        for part in (
            "unknown parameter 'x'",
            "did you mean 'stop'?",
            "'a b'",
            "'run' is 3",
            "did you mean 'Active'?",
            "'preview' is 'no'",
        ):
            assert part in text

    @pytest.mark.parametrize("name", ["{{ 1 }}", "a;b", "a/b", "<b>", "a\nb", "x" * 300])
    def test_a_name_is_no_code(self, name: str) -> None:
        assert "which is no name" in wrong(action="stop", production=name)
        assert "which is no name" in wrong(action="stop", production="p", steps=[name])

    def test_a_reason_is_one_line_of_bounded_length(self) -> None:
        said = request("stop", reason="  two\nlines\x1b[31m\t" + "x" * 900).reason
        assert said.startswith("two lines [31m xxx")
        assert len(said) == 500

    def test_lists_may_be_written_as_words(self) -> None:
        assert request("stop", steps="a b  a").steps == ("a", "b")
        assert request("stop", steps=None, states=None, run=None).steps == ()


def listed(number: int, name: str, **changes: Any) -> Listed:
    fields = {
        "type": "Merging",
        "plugin": "Standard",
        "status": "Active",
        "group": name.partition("__")[0],
        "author_group": "sim_prod",
        "vo": "sim",
    }
    return Listed(number, name, **{**fields, **changes})


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

    def test_a_run_may_be_said_by_its_id(self) -> None:
        from dirac_prodsys.core.naming import run_tag

        run_id = "manual__2026-01-02T03:04:05+00:00"
        ours = listed(1, f"p__{run_tag(run_id)}__a")
        other = listed(2, f"p__{run_tag('manual__other')}__a")
        found = select(request("stop", run=run_id), [ours, other], vo="sim").listed
        assert found == (ours,)

    def test_what_matches_and_is_not_ours_is_told(self) -> None:
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
    "extend": "aaaaar rrrrrrrr rrrrr",
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


def a_preview(action: str = "stop", **changes: Any) -> Preview:
    chosen = (listed(1, "p__r1__a"), listed(2, "p__r1__b", status="New"))
    seen = {
        1: Snapshot(1, "p__r1__a", "Merging", TransformationStatus.ACTIVE, {"Unused": 4}, {}),
        2: Snapshot(2, "p__r1__b", "Merging", TransformationStatus.NEW),
        **changes,
    }
    shares = {1: FileShare(4, 1_500_000), 2: FileShare(0, 0)}
    return preview(request(action), Selection(chosen, ("9 x: not ours",)), seen, shares)


class TestPreviews:
    def test_it_tells_what_is_touched_with_files_and_bytes(self) -> None:
        text = a_preview().to_text()
        lines = text.splitlines()
        assert lines[0] == (
            "stop, production p, all runs, all steps: touches 1 transformations (4 files, 1.5 MB), "
            "leaves 1, refuses 0"
        )
        assert lines[2].split()[:6] == ["1", "p__r1__a", "Active", "0", "4", "1.5"]
        assert lines[3].split()[7:11] == ["leave", "it", "has", "not"]
        assert lines[4] == "not ours, left out: 9 x: not ours"
        assert lines[5].startswith("digest ")

    def test_it_survives_json(self) -> None:
        made = a_preview()
        plain = made.to_dict()
        # lists and not tuples: Airflow packs those into an XCom that others cannot read
        assert json.loads(json.dumps(plain)) == plain
        assert Preview.from_dict(plain) == made

    def test_its_digest_is_of_what_is_done_to_what(self) -> None:
        moved = Snapshot(1, "p__r1__a", "Merging", TransformationStatus.ACTIVE, {"Unused": 9}, {})
        ended = Snapshot(1, "p__r1__a", "Merging", TransformationStatus.COMPLETED)
        assert a_preview().digest == a_preview(**{"1": None}).digest
        assert preview_of(moved).digest == a_preview().digest
        assert preview_of(ended).digest != a_preview().digest
        assert a_preview("resume").digest != a_preview().digest

    def test_outputs_that_cleaning_does_not_find_are_told(self) -> None:
        one = listed(1, "p__r1__a")
        seen = {1: Snapshot(1, one.name, "Merging", TransformationStatus.ACTIVE)}
        shares = {1: FileShare(2, 20, staying=7)}
        (row,) = preview(request("clean"), Selection((one,)), seen, shares).rows
        assert row.why == "→ Cleaning; 7 output files carry no ID of it, and stay"

    def test_what_vanished_while_it_was_looked_at_is_not_in_it(self) -> None:
        chosen = (listed(1, "p__r1__a"),)
        assert preview(request("stop"), Selection(chosen), {}, {}).rows == ()

    @pytest.mark.parametrize(
        ("number", "text"),
        [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2 * 10**12, "2.0 TB"), (10**16, "10.0 PB")],
    )
    def test_bytes_in_words(self, number: int, text: str) -> None:
        assert human_bytes(number) == text


def preview_of(snapshot: Snapshot) -> Preview:
    chosen = (listed(1, "p__r1__a"), listed(2, "p__r1__b", status="New"))
    seen = {
        1: snapshot,
        2: Snapshot(2, "p__r1__b", "Merging", TransformationStatus.NEW),
    }
    return preview(request("stop"), Selection(chosen), seen, {})


class TestOutcomes:
    def test_nothing_is_passed_over(self) -> None:
        done = [Result(1, "p__r1__a", "Active", "done", "stopped")]
        outcome = outcome_of(a_preview(), done, by="eve", reason="why not", run="r")
        assert [(r.id, r.word) for r in outcome.results] == [(1, "done"), (2, "left")]
        assert outcome.good
        assert outcome.summary().endswith("by eve (why not): 1 done, 1 left, 0 refused, 0 failed")
        plain = outcome.to_dict()
        assert json.loads(json.dumps(plain)) == plain
        assert Outcome.from_dict(plain) == outcome

    def test_one_failure_is_not_good(self) -> None:
        done = [Result(1, "p__r1__a", "Active", "failed", "no")]
        assert not outcome_of(a_preview(), done, by="", reason="", run="r").good
