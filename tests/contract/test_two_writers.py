"""Two set one state: the log that tells, and what stands; the same in memory and on DIRAC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dirac_prodsys.errors import GatewayUnavailable, TransformationFailed
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS, Services
from dirac_prodsys.gateway.verbs.tasks import CLAIM
from tests.contract.systems import Gateway, Interrupted, by_hand, lost, spec, status_of, unique


class Between:
    """Services of which a person takes the turn right before a call."""

    def __init__(self, services: Services, value: object, act: Callable[[], None]) -> None:
        self.services, self.calls = services, services.calls
        self.value, self.act = value, act

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        if method == "setTransformationParameter" and arguments[-1] == self.value:
            self.value = None
            self.act()
        return self.services.call(service, method, *arguments)


def messages(gateway: Gateway, number: int) -> list[str]:
    rows = gateway.services.call(TRANSFORMATIONS, "getTransformationLogging", number)
    return [str(row["Message"]) for row in rows]


def test_the_log_tells_all_that_was_set_also_what_was_so_already(
    gateway: Gateway,
) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    begun = Counter(messages(gateway, made.id))
    for parameter, value in (
        ("Status", "Active"),
        ("Status", "Active"),
        ("LastAction", "a note"),
        ("Body", "another"),
        ("GroupSize", 3),
    ):
        by_hand(gateway, made.id, parameter, value)
    gateway.services.call(TRANSFORMATIONS, "extendTransformation", made.id, 2)
    gateway.services.call(TRANSFORMATIONS, "deleteTransformationParameter", made.id, "LastAction")
    # it has no order within a second
    assert Counter(messages(gateway, made.id)) - begun == Counter(
        [
            "Status updated to Active",
            "Status updated to Active",
            "Added additional parameter LastAction",
            "Body updated",
            "GroupSize updated to 3",
            "Transformation extended by 2 tasks",
            "Removed additional parameter LastAction",
        ]
    )
    assert gateway.status_changes(made.id) == ("Active", "Active")


@pytest.mark.parametrize(
    ("state", "verb", "sets", "theirs"),
    [
        ("New", "start", "Active", "Cleaning"),
        ("Active", "complete", "Completed", "Cleaning"),
        ("Active", "flush", "Flush", "Completed"),
        ("Active", "stop", "Stopped", "Completed"),
    ],
)
def test_what_a_person_sets_between_our_look_and_our_write_stands(
    gateway: Gateway, state: str, verb: str, sets: str, theirs: str
) -> None:
    made = gateway.create_transformation(spec(unique()))
    if state != "New":
        by_hand(gateway, made.id, "Status", state)
    real: Any = gateway.services
    gateway.services = Between(  # type: ignore[assignment]
        real, sets, lambda: real.call(*_set(made.id, theirs))
    )
    if theirs == "Cleaning":
        with pytest.raises(TransformationFailed, match="is Cleaning"):
            getattr(gateway, f"{verb}_transformation")(made.id)
    else:
        assert not getattr(gateway, f"{verb}_transformation")(made.id)
    gateway.services = real
    assert status_of(gateway, made.id) == theirs
    changes = gateway.status_changes(made.id)
    assert sorted(changes)[-3:] == sorted([theirs, sets, theirs])


def _set(number: int, state: str) -> tuple[Any, ...]:
    return (TRANSFORMATIONS, "setTransformationParameter", number, "Status", state)


def test_what_a_dead_attempt_overwrote_is_put_back_once(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    for state in ("Cleaning", "Active"):  # the second was decided on before the first
        by_hand(gateway, made.id, "Status", state)
    assert gateway.put_back(made.id, "Active", []) == "Cleaning"
    assert gateway.put_back(made.id, "Active", []) == "Cleaning"
    assert len(gateway.status_changes(made.id)) == 3


def test_a_stop_that_somebody_ended_is_not_put_back(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    for state in ("Active", "Stopped", "Active"):
        by_hand(gateway, made.id, "Status", state)
    assert gateway.put_back(made.id, "Active", []) == "Active"


def test_one_transformation_is_listed_by_its_id(gateway: Gateway) -> None:
    made = [gateway.create_transformation(spec(unique())).id for _ in range(2)]
    assert [one.id for one in gateway.list_transformations(ids=[made[1]])] == [made[1]]
    assert gateway.list_transformations(ids=[999_999_999]) == []


def test_who_makes_tasks_leaves_no_claim_behind(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    gateway.ensure_tasks(made.id, 3)
    real = gateway.services
    gateway.services = Interrupted(real, "extendTransformation", lost())
    with pytest.raises(GatewayUnavailable):
        gateway.ensure_tasks(made.id, 5)
    gateway.services = real
    assert gateway.ensure_tasks(made.id, 5) == 0
    kept = gateway.services.call(TRANSFORMATIONS, "getAdditionalParameters", made.id)
    assert not [name for name in kept if name.startswith(CLAIM)]
    assert gateway.snapshot([made.id])[made.id].tasks == {"Created": 5}
