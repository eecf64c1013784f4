"""Run numbers of a step: how many there are, what the grid keeps of them, and what runs repeat."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid import run_numbers
from dirac_prodsys.core.grid.run_numbers import RUN_NUMBERS, RunRange
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.proof import read
from dirac_prodsys.errors import DefinitionErrors
from tests.unit.core.writing import make, step


def simulation(first: Any = 1, campaign: str = "MC", **more: Any) -> dict[str, Any]:
    return step("MCSimulation", run_numbers={"campaign": campaign, "first": first}, **more)


def kept(**more: Any) -> object:
    plan = compile(make(a=simulation(**more)), run="r1")
    return plan.step("a").transformation.parameters[RUN_NUMBERS]


def test_the_transformation_keeps_campaign_and_numbers() -> None:
    assert kept() == "MC:1-3"
    assert kept(campaign="MC-${{ run }}") == "MC-r1:1-3"
    assert run_numbers.read("a", "MC:1-3") == RunRange("a", "MC", 1, 3)
    assert run_numbers.read("a", "MC:1") is None


def test_tasks_that_may_be_added_have_numbers_too() -> None:
    assert kept(tasks=10, policy={"extend": {"up_to": 0.5}}) == "MC:1-15"
    assert kept(tasks=10, max_tasks=12) == "MC:1-12"


def test_a_campaign_must_fit_the_column_by_which_it_is_found() -> None:
    for name in ("a b", "x" * 65, "a:b"):
        with pytest.raises(DefinitionErrors) as caught:
            make(a=simulation(campaign=name))
        assert "cannot name a campaign" in caught.value.errors[0].reason


def test_campaigns_are_the_same_whatever_their_case() -> None:
    one, two = RunRange("a", "MC", 1, 10), RunRange("b", "mc", 10, 11)
    assert one.overlaps(two)
    assert not one.overlaps(RunRange("b", "MC", 11, 12))


def warned(first: Any, campaign: str = "MC", **top: Any) -> list[str]:
    data = {
        "version": 1,
        "production": {"name": "p", "vo": "sim"},
        "steps": {"a": simulation(first, campaign)},
        **top,
    }
    report, _ = read(json.dumps(data, indent=1), "p.yaml")
    return [f.message for f in report.findings if f.code == "run-numbers-repeat"]


def test_numbers_that_every_run_would_use_again_are_reported() -> None:
    [message] = warned(1)
    assert message.startswith("every run uses run numbers 1 to 3 of MC: the second one is refused")
    parameters = {"begin": {"type": "int", "min": 1}}
    assert warned("${{ parameters.begin }}", parameters=parameters) == []
    assert warned(1, "MC-${{ run }}") == []
    assert len(warned("${{ matrix.begin }}", matrix={"begin": [1, 4]})) == 2


def test_a_run_keeps_the_numbers_that_it_chose() -> None:
    data = {
        "version": 1,
        "production": {"name": "p", "vo": "sim"},
        "parameters": {"begin": {"type": "int", "min": 1}},
        "steps": {"a": simulation("${{ parameters.begin }}")},
    }
    production = load_production(json.dumps(data), "p.yaml")
    plan = compile(production, run="r1", parameters={"begin": 501})
    assert plan.step("a").transformation.parameters == {RUN_NUMBERS: "MC:501-503"}
