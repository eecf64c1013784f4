"""A transient output is removed by a step of its own, after everything that takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.errors import DefinitionErrors

LOOP = (Path(__file__).parents[3] / "productions" / "good" / "loop.yaml").read_text()
MATRIX = """\
version: 1
production: {name: axes, vo: sim}
matrix: {zenith: [20, 40], particle: [gamma, proton]}
steps:
  make:
    type: MCSimulation
    matrix: [zenith]
    tasks: 4
    job: {type: script, executable: make-it}
    output:
      directory: /sim/axes/${{ run }}/${{ step }}
      se: DISK-A-SE
      metadata: {production: axes, run: "${{ run }}", step: "${{ step }}"}
      transient: true
  merge:
    type: Merging
    input: {from: make}
    job: {type: script, executable: "merge-${{ matrix.particle }}"}
"""


def planned(text: str) -> ProductionPlan:
    return compile(load_production(text, "file.yaml"), run="r1")


def transient(step: str, text: str = LOOP) -> str:
    """The text with that step's output transient."""
    before, name, after = text.partition(f"\n  {step}:\n")
    return (
        before + name + after.replace("      se: DISK", "      transient: true\n      se: DISK", 1)
    )


def test_each_branch_is_removed_after_the_branches_that_take_it() -> None:
    plan = planned(MATRIX)
    assert plan.step("make-20").transient
    removal = plan.step("make.remove-20")
    assert removal.parents == ("make-20",)
    assert set(removal.after) == {"merge-20-gamma", "merge-20-proton"}
    query = removal.transformation.input_query
    assert query == plan.step("make-20").transformation.output_query


def test_what_a_loop_takes_is_removed_after_its_last_pass() -> None:
    plan = planned(transient("simulate"))
    removal = plan.step("simulate.remove")
    assert removal.parents == ("simulate",)
    assert removal.start == "on_complete"
    passes = {step.name for step in plan.steps if step.name.startswith("train")}
    assert len(passes) == 3
    assert removal.after == ("train.3",)


def test_the_output_of_a_pass_is_not_transient() -> None:
    with pytest.raises(DefinitionErrors, match="step train is in loop tune"):
        planned(transient("train"))


def test_without_the_word_nothing_is_removed() -> None:
    plan = planned(MATRIX.replace("transient: true", "transient: false"))
    assert [step.name for step in plan.steps if "remove" in step.name] == []
    assert not any(step.transient for step in plan.steps)
    assert "transient" not in plan.step("make-20").to_dict()
