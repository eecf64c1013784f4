"""Who tells a cause, when several want to: one of them, whatever dies and whoever is faster."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures import claims

BODY = JobSpec(name="b", job_type="Merging", commands=(Command(executable="b"),))


@pytest.fixture
def gateway() -> MemoryGateway:
    gateway = MemoryGateway(MemoryGrid())
    spec = TransformationSpec(name="t", description="", type="Merging", body=BODY)
    assert gateway.create_transformation(spec).id == 1
    return gateway


def claim(gateway: MemoryGateway, by: str, *keys: str) -> list[str]:
    return claims.claim(gateway, 1, keys or ("k",), by, settle=0)


def test_the_first_tells_and_nobody_after_it(gateway: MemoryGateway) -> None:
    assert claim(gateway, "a") == ["k"]
    assert claim(gateway, "b") == []
    claims.mark_sent(gateway, 1, ["k"], "a")
    assert claim(gateway, "a") == claim(gateway, "b") == []


def test_a_task_that_died_before_it_sent_a_notice_sends_it_in_its_next_try(
    gateway: MemoryGateway,
) -> None:
    gateway.grid.fault("crash_after", "setTransformationParameter")
    with pytest.raises(Crash):
        claim(gateway, "a")
    assert claim(gateway, "b") == []
    assert claim(gateway, "a") == ["k"]


def test_of_two_that_saw_nothing_one_tells(
    gateway: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells: dict[str, list[str]] = {}

    class Before(MemoryGateway):
        """Read before the other wrote."""

        stale = True

        def read_note(self, transformation: int, name: str) -> str:
            if self.stale:
                self.stale = False
                return ""
            return super().read_note(transformation, name)

    def meanwhile(seconds: float) -> None:
        tells["b"] = claims.claim(Before(gateway.grid), 1, ["k"], "b", settle=0)

    monkeypatch.setattr(claims.time, "sleep", meanwhile)
    tells["a"] = claims.claim(gateway, 1, ["k"], "a", settle=1)
    assert sorted(tells.values()) == [[], ["k"]]


def test_what_is_over_is_reported_when_it_comes_again(gateway: MemoryGateway) -> None:
    assert claims.withdraw(gateway, 1, ["k", "never"]) == []
    claim(gateway, "a")
    claims.mark_sent(gateway, 1, ["k"], "a")
    assert claims.withdraw(gateway, 1, ["k", "never"]) == ["k"]
    assert claim(gateway, "b") == ["k"]


def test_each_cause_is_claimed_by_itself(gateway: MemoryGateway) -> None:
    claim(gateway, "a", "one")
    assert claim(gateway, "b", "one", "two") == ["two"]
