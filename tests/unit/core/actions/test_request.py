"""What people may ask of running productions, and what is wrong with a request."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.actions.request import read_request
from dirac_prodsys.errors import DefinitionErrors
from tests.unit.core.actions.action_words import OWN, request


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
        assert request("set_group_size", group_size=0.5).values == {"group_size": 0.5}

    @pytest.mark.parametrize("number", [0, -1, 1.5, True, "3", 10**7])
    def test_a_number_of_tasks_is_a_whole_number_within_bounds(self, number: Any) -> None:
        assert "'tasks' is" in wrong(action="extend", production="p", tasks=number)

    def test_every_mistake_is_reported_at_once(self) -> None:
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
        reason = request("stop", reason="  two\nlines\x1b[31m\t" + "x" * 900).reason
        assert reason.startswith("two lines [31m xxx")
        assert len(reason) == 500

    def test_lists_may_be_written_as_words(self) -> None:
        assert request("stop", steps="a b  a").steps == ("a", "b")
        assert request("stop", steps=None, states=None, run=None).steps == ()
