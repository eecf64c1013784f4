"""The contract of live tasks with their files, and of sent notices, on every production system."""

from __future__ import annotations

from dirac_prodsys.gateway.procedures import claims
from tests.contract.systems import Gateway, System, spec, unique
from tests.contract.test_recovery_verbs import attached


def test_live_tasks_have_no_files_where_there_is_no_input(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation", group_size=1))
    gateway.ensure_tasks(made.id, 3)
    found = gateway.live_tasks(made.id, 10)
    assert [(one.task.id, one.task.status, one.lfns) for one in found] == [
        (1, "Created", ()),
        (2, "Created", ()),
        (3, "Created", ()),
    ]
    assert all(0 <= one.age < 600 for one in found)
    assert [one.task.id for one in gateway.live_tasks(made.id, 2)] == [1, 2]


def test_live_tasks_have_the_files_that_they_were_made_with(
    system: System, gateway: Gateway
) -> None:
    made, lfns = attached(system, gateway)
    assert gateway.live_tasks(made, 10) == []
    gateway.resume_transformation(made)
    assert gateway.flush_transformation(made)
    system.until(lambda: not gateway.snapshot([made])[made].files.get("Unused"))
    gateway.stop_transformation(made)
    for one in gateway.live_tasks(made, 10):  # none, if its job was quick
        assert sorted(one.lfns) == lfns


def test_a_cause_is_claimed_by_one(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique())).id

    def claim(by: str) -> list[str]:
        return claims.claim(gateway, made, ["stalled agent"], by, settle=0)

    assert claim("a") == ["stalled agent"]
    assert claim("b") == []
    claims.mark_sent(gateway, made, ["stalled agent"], "a")
    assert claim("a") == []
    assert claims.withdraw(gateway, made, ["stalled agent", "another"]) == ["stalled agent"]
    assert claim("b") == ["stalled agent"]
