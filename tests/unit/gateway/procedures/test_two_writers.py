"""Two set the state of one transformation at the same time: in every order of their calls, what
stands is what one after the other would have left, and every answer is true."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.actions.preview import PreviewRow
from dirac_prodsys.core.actions.request import read_request
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.actions import carry_out
from tests.unit.gateway.memory.small_chain import merging
from tests.unit.gateway.procedures.schedules import Act, all_schedules, played

MERGE = 1
OWN = {"clean": {"run": "r1", "confirm": "two"}}


def by_action(action: str) -> Act:
    """What a person's action does, and whether it says that it is done."""
    given = {"action": action, "production": "two", "reason": "r", "preview": False}
    request = read_request({**given, **OWN.get(action, {})})
    row = PreviewRow(MERGE, "merge", "", "act", "")

    def act(gateway: MemoryGateway) -> Any:
        carry_out(gateway, request, row, "note", gateway.status_changes(MERGE))
        return "done"

    return act


def by_verb(verb: str) -> Act:
    """What an operator does."""
    return lambda gateway: getattr(gateway, f"{verb}_transformation")(MERGE) or "done"


def by_hand(state: str) -> Act:
    """What a person does by DIRAC's own commands, with one call."""

    def act(gateway: MemoryGateway) -> str:
        service = "Transformation/TransformationManager"
        gateway.services.call(service, "setTransformationParameter", MERGE, "Status", state)
        return "done"

    return act


def plain(answer: Any) -> Any:
    return type(answer).__name__ if isinstance(answer, Exception) else answer


@pytest.fixture
def begin() -> Any:
    def begun(state: str) -> MemoryGrid:
        grid = MemoryGrid()
        MemoryGateway(grid).create_transformation(merging())
        grid.transformations[MERGE].row["Status"] = state
        return grid

    return begun


def one_after_the_other(begin: Any, state: str, acts: list[Act]) -> set[tuple[Any, ...]]:
    """The state that is left, and what each tells, in either order."""
    found = set()
    for order in ((0, 1), (1, 0)):
        grid = begin(state)
        answers: dict[int, Any] = {}
        for number in order:
            played_alone = played(grid, [acts[number]])
            assert played_alone is not None
            answers[number] = plain(played_alone[0][0])
        found.add((grid.transformations[MERGE].status, answers[0], answers[1]))
    return found


WRITERS = ("start", "resume", "stop", "flush", "complete", "clean")


@pytest.mark.parametrize("state", ["New", "Active", "Flush", "Stopped"])
@pytest.mark.parametrize("one", WRITERS)
def test_two_verbs_in_any_order_come_to_what_one_after_the_other_comes_to(
    begin: Any, state: str, one: str
) -> None:
    for other in WRITERS[WRITERS.index(one) + 1 :]:
        acts = [by_verb(one), by_verb(other)]
        right = one_after_the_other(begin, state, acts)
        seen = {
            (grid.transformations[MERGE].status, *map(plain, answers))
            for _, grid, answers in all_schedules(lambda: begin(state), acts)
        }
        assert seen <= right, (
            f"{one} and {other} from {state}: {seen - right} is neither of {right}"
        )


@pytest.mark.parametrize(
    ("state", "ours", "theirs", "stands"),
    [
        ("New", "start", "Cleaning", "Cleaning"),
        ("New", "start", "Completed", "Completed"),
        ("New", "start", "Stopped", "Stopped"),
        ("Stopped", "resume", "Cleaning", "Cleaning"),
        ("Active", "flush", "Stopped", "Stopped"),
        ("Active", "flush", "Completed", "Completed"),
        ("Active", "flush", "Cleaning", "Cleaning"),
        ("Active", "stop", "Completed", "Completed"),
        ("Active", "stop", "Cleaning", "Cleaning"),
        ("Active", "complete", "Cleaning", "Cleaning"),
        ("Active", "clean", "Completed", "Cleaning"),
        ("Active", "clean", "Stopped", "Cleaning"),
    ],
)
def test_what_a_person_does_with_dirac_s_own_commands_between_two_calls_stands(
    begin: Any, state: str, ours: str, theirs: str, stands: str
) -> None:
    alone = played(begin(state), [by_verb(ours)])
    assert alone is not None
    calls = [moment.call for moment in alone[1]]
    write = max(n for n, call in enumerate(calls) if call == "setTransformationParameter")
    grid = begin(state)
    assert played(grid, [by_verb(ours), by_hand(theirs)], (*(0,) * write, 1)) is not None
    assert grid.transformations[MERGE].status == stands
    for _, grid, _ in all_schedules(lambda: begin(state), [by_verb(ours), by_hand(theirs)]):
        ends = one_after_the_other(begin, state, [by_verb(ours), by_hand(theirs)])
        assert grid.transformations[MERGE].status in {stands, *(end for end, *_ in ends)}


@pytest.mark.parametrize("verb", WRITERS)
@pytest.mark.parametrize("state", ["New", "Active", "Stopped"])
def test_one_verb_twice_comes_to_what_it_comes_to_once(begin: Any, state: str, verb: str) -> None:
    acts = [by_verb(verb)] * 2
    right = {end for end, *_ in one_after_the_other(begin, state, acts)}
    ends = {
        grid.transformations[MERGE].status
        for _, grid, _ in all_schedules(lambda: begin(state), acts)
    }
    assert ends == right


@pytest.mark.parametrize("state", ["New", "Active", "Stopped"])
@pytest.mark.parametrize("action", WRITERS)
@pytest.mark.parametrize("theirs", ["Stopped", "Completed", "Cleaning"])
def test_an_action_says_done_of_nothing_that_was_not_or_that_does_not_stand(
    begin: Any, state: str, action: str, theirs: str
) -> None:
    acts = [by_action(action), by_hand(theirs)]
    right = one_after_the_other(begin, state, acts)
    for schedule, grid, answers in all_schedules(lambda: begin(state), acts):
        seen = (grid.transformations[MERGE].status, *map(plain, answers))
        log = [text for _, text in grid.log if text.startswith("Status updated")]
        assert seen in right | STANDS, f"{action} from {state}, {schedule}: {seen}, {log}"


#: nobody is overruled, and whoever comes too late gets an error
STANDS = {(state, "GatewayRejected", "done") for state in ("Stopped", "Completed", "Cleaning")}
