"""Events of a step: exact, or not given."""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.reports.events import events_of, events_wanted, steps_before
from dirac_prodsys.core.reports.ledger.made_from import events_declared, events_per_file
from dirac_prodsys.core.steps.step_plan import StepPlan
from tests.unit.core.writing import make, output, step


def planned(**merge: Any) -> ProductionPlan:
    production = make(
        sim=step("MCSimulation", tasks=4, events_per_task=500, output=output("sim")),
        more=step("MCSimulation", tasks=1, events_per_task=7, output=output("more")),
        merge=step("Merging", "sim", output=output("merge"), **merge),
    )
    return compile(production, run="r1")


def seen(plan: ProductionPlan, **counts: dict[str, dict[str, int]]) -> dict[str, Snapshot]:
    found = {}
    for name, each in counts.items():
        full = plan.step(name).transformation.name
        found[full] = Snapshot(1, full, "Merging", TransformationStatus("Active"), **each)
    return found


SIM = {"tasks": {"Done": 3, "Failed": 1}}
MERGED = {"files": {"Processed": 3}, "tasks": {"Done": 2}}


def test_a_simulation_has_the_events_of_its_good_tasks() -> None:
    plan = planned()
    assert events_of(plan, "sim", seen(plan, sim=SIM)) == 1500


def test_a_step_that_processed_all_files_of_its_parents_has_their_events() -> None:
    plan = planned()
    assert events_of(plan, "merge", seen(plan, sim=SIM, merge=MERGED)) == 1500
    assert steps_before(plan, "merge") == ("merge", "sim")


def test_what_is_not_certain_has_no_number() -> None:
    plan = planned()
    left = {**MERGED, "files": {"Processed": 2, "MaxReset": 1}}
    assert events_of(plan, "merge", seen(plan, sim=SIM, merge=left)) is None
    assert events_of(plan, "merge", seen(plan, merge=MERGED)) is None
    assert events_of(plan, "sim", seen(plan, sim={"tasks": {}})) is None  # archived
    assert events_of(plan, "sim", {}) is None


def test_a_step_that_takes_only_some_files_has_no_number() -> None:
    some = {"from": "sim", "where": {"split": "train"}}
    plan = planned(input=some)
    assert events_of(plan, "merge", seen(plan, sim=SIM, merge=MERGED)) is None


def test_a_step_is_wanted_to_have_what_its_parents_simulate() -> None:
    plan = planned()
    assert events_wanted(plan, "sim", declared) == 2000
    assert events_wanted(plan, "merge", declared) == 2000
    part = planned(input={"from": "sim", "where": {"split": "train"}})
    assert events_wanted(part, "merge", declared) is None
    assert events_wanted(plan, "sim", lambda step: None) is None


def test_what_an_author_wants_is_the_target_though_its_tasks_make_more() -> None:
    wants = step("MCSimulation", events_per_task=500, target_events=1300, output=output("sim"))
    del wants["tasks"]
    production = make(sim=wants)
    plan = compile(production, run="r1")
    assert plan.step("sim").transformation.tasks == 3
    assert events_declared(production, plan.step("sim")) == 1300


def declared(one: StepPlan) -> int | None:
    """As a production without ``target_events`` declares it."""
    each, tasks = events_per_file(one), one.transformation.tasks
    return None if each is None or tasks is None else each * tasks
