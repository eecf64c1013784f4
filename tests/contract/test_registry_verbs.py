"""The contract of DIRAC's registry of productions, on every production system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.run.registry import Member
from dirac_prodsys.errors import NotFound
from tests.contract.systems import Gateway, Interrupted, lost, spec, unique

PRODUCTIONS = Path(__file__).parents[1] / "productions"


def made(gateway: Gateway, mark: str, **queries: Any) -> int:
    forms = {name: MetaQuery.parse(form) for name, form in queries.items()}
    return gateway.create_transformation(spec(unique(mark), **forms)).id


def family(gateway: Gateway) -> tuple[str, list[Member]]:
    """A parent and a child that the ProductionSystem takes for linked."""
    name = unique("p__")
    output = {"run": name}
    parent = made(gateway, "parent", output_query=output)
    child = made(gateway, "child", input_query=output)
    return name, [Member(parent), Member(child, (parent,))]


def statuses(gateway: Gateway, members: list[Member]) -> list[str]:
    found = gateway.snapshot([member.transformation for member in members])
    return [str(found[member.transformation].status) for member in members]


def test_a_production_is_entered_once_with_its_members(gateway: Gateway) -> None:
    name, members = family(gateway)
    assert gateway.find_production(name) is None
    first = gateway.register_production(name, "{}", members)
    assert (first.name, first.status, first.notes) == (name, "New", ())
    assert first.members == {member.transformation for member in members}
    again = gateway.register_production(name, "{}", members)
    assert (again.id, again.members, again.adopted) == (first.id, first.members, True)
    assert gateway.find_production(name) is not None
    assert statuses(gateway, members) == ["New", "New"]


def test_a_status_is_written_and_no_member_is_touched(gateway: Gateway) -> None:
    name, members = family(gateway)
    gateway.register_production(name, "{}", members)
    assert gateway.mark_production(name, "Active") == "Active"
    assert statuses(gateway, members) == ["New", "New"]
    gateway.start_transformation(members[0].transformation)
    gateway.complete_transformation(members[0].transformation)
    assert gateway.mark_production(name, "Stopped") == "Stopped"
    assert gateway.mark_production(name, "Active") == "Active"
    assert statuses(gateway, members) == ["Completed", "New"]
    assert gateway.mark_production(name, "Completed") == "Completed"
    assert statuses(gateway, members) == ["Completed", "New"]


def test_what_is_completed_stays_so(gateway: Gateway) -> None:
    name, members = family(gateway)
    gateway.register_production(name, "{}", members[:1])
    gateway.mark_production(name, "Active")
    gateway.mark_production(name, "Completed")
    assert gateway.mark_production(name, "Active") == "Completed"
    late = gateway.register_production(name, "{}", members)
    assert len(late.members) == 1
    assert "nothing was added" in late.notes[0]


def test_members_that_come_later_are_added_and_nothing_is_started(gateway: Gateway) -> None:
    name, members = family(gateway)
    gateway.register_production(name, "{}", members[:1])
    gateway.mark_production(name, "Active")
    found = gateway.register_production(name, "{}", members)
    assert len(found.members) == 2
    assert statuses(gateway, members) == ["New", "New"]


def test_a_link_that_is_refused_does_not_keep_a_member_out(gateway: Gateway) -> None:
    name = unique("p__")
    parent = made(gateway, "parent", output_query={"run": name})
    child = made(gateway, "child", input_query={"run": "another"})
    found = gateway.register_production(name, "{}", [Member(parent), Member(child, (parent,))])
    assert found.members == {parent, child}
    assert "without its parents" in found.notes[0]


def test_a_member_that_is_not_new_is_reported_and_the_others_are_entered(gateway: Gateway) -> None:
    name, members = family(gateway)
    gateway.start_transformation(members[0].transformation)
    found = gateway.register_production(name, "{}", members)
    assert found.members == {members[1].transformation}
    assert any("was not entered" in note for note in found.notes)
    assert statuses(gateway, members) == ["Active", "New"]


@pytest.mark.parametrize("method", ["addProduction", "addTransformationsToProduction"])
def test_a_lost_answer_leaves_one_of_everything(gateway: Gateway, method: str) -> None:
    name, members = family(gateway)
    services = gateway.services
    gateway.services = Interrupted(services, method, lost())  # type: ignore[assignment]
    with pytest.raises(type(lost())):
        gateway.register_production(name, "{}", members)
    gateway.services = services
    found = gateway.register_production(name, "{}", members)
    assert found.adopted
    assert found.members == {member.transformation for member in members}


def test_a_production_that_is_not_there_cannot_be_marked(gateway: Gateway) -> None:
    with pytest.raises(NotFound):
        gateway.mark_production(unique("p__"), "Active")


def test_a_step_that_is_created_under_way_is_entered_and_nothing_else_moves(
    gateway: Gateway,
) -> None:
    # the other tests run where there is no Airflow, too
    from dirac_prodsys.provider.tasks.registry import enter

    name = unique("late")
    text = (PRODUCTIONS / "good" / "loop.yaml").read_text().replace("tuning", name)
    plan = compile(load_production(text, "loop.yaml"), run="r1")

    def create(*steps: str) -> list[int]:
        specs = (plan.step(step).transformation for step in steps)
        return [gateway.create_transformation(spec).id for spec in specs]

    simulate, train, test = create("simulate", "train.1", "test.1")
    members = [Member(simulate), Member(train, (simulate,)), Member(test, (train,))]
    gateway.register_production(f"{name}__r1", "{}", members)
    gateway.mark_production(f"{name}__r1", "Active")
    gateway.start_transformation(train)
    gateway.complete_transformation(simulate)
    (late,) = create("train.2")
    before = statuses(gateway, [*members, Member(late)])
    for _ in range(2):
        found = enter(gateway, plan, "train.2", "a task")
        assert found == {"id": late, "status": "Active", "notes": []}
    entered = gateway.find_production(f"{name}__r1")
    assert entered is not None
    assert entered.members == {simulate, train, test, late}
    assert statuses(gateway, [*members, Member(late)]) == before
