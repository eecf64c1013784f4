"""Short forms that stand for many: extends, common, defaults, matrix, parameters."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.language.matrix import label
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import DefinitionErrors
from tests.productions.regenerate import HERE, load

GOOD = HERE / "good"

SIMPLE = """version: 1
production: {name: simple, vo: sim}
parameters:
  zenith: {type: int, default: 20}
  tasks: {type: int, default: 1}
steps:
  make:
    type: MCSimulation
    tasks: ${{ parameters.tasks }}
    job: {type: script, executable: make}
    output: {directory: /sim/made, se: SE, metadata: {step: make, thetaP: "${{parameters.zenith}}"}}
  merge:
    type: Merging
    input: {from: make, where: {thetaP: {"<": 30}}}
    job: {type: script, executable: merge}
"""


def steps(production: Production) -> list[str]:
    return [step.name for step in production.steps]


def test_a_clone_is_complete_in_itself_and_says_of_what_it_was_made() -> None:
    clone = load(GOOD / "clone.yaml")
    assert clone.source.startswith("# clone.yaml over _chain_base.yaml, resolved\n")
    assert "extends" not in clone.source
    again = load_production(clone.source, "clone.yaml")
    assert compile(again, run="r1") == compile(clone, run="r1")
    assert again.source == clone.source


def test_a_production_of_one_file_keeps_its_text_to_the_letter() -> None:
    file = GOOD / "matrix.yaml"
    assert load(file).source == file.read_text("utf-8")


def test_what_looks_like_something_else_is_quoted_in_the_resolved_text() -> None:
    base = SIMPLE.replace("executable: make", 'executable: make, environment: {A: "1e3", B: "no"}')
    text = 'extends: base.yaml\nproduction: {name: child, description: "007"}\n'
    child = load_production(text, "child.yaml", read_sibling={"base.yaml": base}.get)
    again = load_production(child.source, "child.yaml")
    assert again.step("make").job["environment"] == {"A": "1e3", "B": "no"}
    assert again.description == "007"


def test_null_takes_away_what_the_base_has() -> None:
    clone = load(GOOD / "clone.yaml")
    assert steps(clone) == ["simulate", "process", "merge"]
    assert clone.step("process").job["environment"] == {"VERSION": "1.10", "LEVEL": "2"}


def test_branches_keep_their_names_when_others_are_added() -> None:
    text = (GOOD / "matrix.yaml").read_text("utf-8")
    more = text.replace("[gamma, proton, electron]", "[iron, gamma, proton, electron]")
    more = more.replace("  include:\n", "  include:\n    - {particle: iron, tasks: 1}\n")
    before, after = steps(load_production(text, "a")), steps(load_production(more, "a"))
    assert set(before) < set(after)
    assert set(after) - set(before) == {"simulate-iron-20", "simulate-iron-52.5", "merge-iron"}


def test_a_step_with_fewer_axes_gathers_the_branches_that_share_its_values() -> None:
    production = load(GOOD / "matrix.yaml")
    source = production.step("merge-gamma").input
    assert source is not None
    assert source.steps == ("simulate-gamma-20", "simulate-gamma-52.5", "simulate-gamma-m5")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("gamma", "gamma"),
        (20, "20"),
        (52.5, "52.5"),
        (-5, "m5"),
        ("a b/c", "a-b-c"),
        ("train_en", "train_en"),
        ("_x__y-", "x-y"),
    ],
)
def test_a_value_becomes_part_of_a_name(value: str | float, text: str) -> None:
    assert label(value) == text


def test_a_mistake_in_many_branches_is_reported_once() -> None:
    text = SIMPLE.replace("steps:", "matrix: {k: [1, 2, 3]}\nsteps:", 1)
    text = text.replace("/sim/made", '"/sim/${{ step }}"').replace(
        "step: make", 'step: "${{ step }}"'
    )
    assert len(load_production(text, "f").steps) == 6
    with pytest.raises(DefinitionErrors) as caught:
        load_production(text.replace('{"<": 30}', '{">": 30}'), "f")
    assert len(caught.value.errors) == 1


def test_a_run_may_choose_and_the_whole_production_is_proved_again() -> None:
    production = load_production(SIMPLE, "simple.yaml")
    plan = compile(production, run="r1", parameters={"tasks": 4})
    assert plan.step("make").transformation.tasks == 4
    with pytest.raises(DefinitionErrors) as caught:
        compile(production, run="r1", parameters={"zenith": 40})
    (error,) = caught.value.errors
    assert error.place == "simple.yaml:14:41"
    assert "takes nothing from make" in error.reason


def test_a_value_of_the_wrong_type_is_refused() -> None:
    production = load_production(SIMPLE, "simple.yaml")
    with pytest.raises(DefinitionErrors, match="'4' is not a whole number"):
        compile(production, run="r1", parameters={"tasks": "4"})


def test_values_for_a_production_without_parameters_are_refused() -> None:
    production = load(GOOD / "chain.yaml")
    assert compile(production, run="r1", parameters={}).steps
    with pytest.raises(DefinitionErrors, match="there is no parameter 'tasks'"):
        compile(production, run="r1", parameters={"tasks": 4})


def test_a_number_of_a_parameter_is_text_where_text_is_wanted() -> None:
    text = SIMPLE.replace(
        "executable: make", 'executable: make, arguments: "${{parameters.tasks}}"'
    )
    body = compile(load_production(text, "f"), run="r1").step("make").transformation.body
    assert body.kind == "job"
    assert body.commands[0].arguments == "1"


def test_an_example_stands_for_a_parameter_without_default_until_a_run_says() -> None:
    text = SIMPLE.replace("{type: int, default: 1}", "{type: int, min: 5}")
    production = load_production(text, "f")
    assert compile(production, run="r1").step("make").transformation.tasks == 5
    with pytest.raises(DefinitionErrors, match="parameter 'tasks' has no default"):
        compile(production, run="r1", parameters={})


def test_who_takes_from_a_copy_waits_for_the_dataset_that_it_copies() -> None:
    text = """version: 1
production: {name: p, vo: sim}
steps:
  copy:
    type: Replication
    plugin_parameters: {TargetSE: B}
    input: {dataset: /sim/d/gammas}
  work:
    type: Merging
    input: {from: copy, where: {particle: gamma}}
    job: {type: script, executable: x}
"""
    production = load_production(text, "f")
    plan = compile(production, run="r1")
    assert plan.unresolved == ("/sim/d/gammas",)
    assert plan.step("work").transformation.input_query is None
    plan = compile(production, run="r1", datasets={"/sim/d/gammas": {"data_level": {"=": 1}}})
    assert plan.unresolved == ()
    query = plan.step("work").transformation.input_query
    assert query is not None
    assert query.to_dirac() == {"data_level": {"=": 1}, "particle": {"=": "gamma"}}
    assert plan.step("work").parents == ("copy",)


def test_defaults_may_hold_values_of_the_matrix() -> None:
    text = """version: 1
production: {name: p, vo: sim}
matrix: {size: [2, 3], include: [{size: 2, tag: a}, {size: 3, tag: b}]}
defaults: {group_size: "${{ matrix.size }}", job: {type: script, tags: ["${{ matrix.tag }}"]}}
steps:
  merge:
    type: Merging
    input: {where: {particle: gamma}}
    job: {executable: merge}
"""
    plan = compile(load_production(text, "f"), run="r1")
    found = {
        step.name: (step.transformation.group_size, step.transformation.body.model_dump()["tags"])
        for step in plan.steps
    }
    assert found == {"merge-2": (2.0, ("a",)), "merge-3": (3.0, ("b",))}
