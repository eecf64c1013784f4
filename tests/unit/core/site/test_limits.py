"""What an author may do is the site's to say: whatever reaches the grid keeps to its limits."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.site.file import Limits
from dirac_prodsys.core.site.limits import MOST_REPORTED, check, demand
from dirac_prodsys.errors import DefinitionErrors
from tests.unit.communities.ctao import ctao_files

FILE = """\
version: 1
production: {name: p, vo: sim, connection: grid, on_cancel: ON_CANCEL}
parameters:
  where: {type: choice, choices: [scratch, raw], default: scratch}
types:
  Harmless: {tasks: requests}
steps:
  make:
    type: MCSimulation
    tasks: 10
    job: {type: script, executable: run, sandbox: ["LFN:/sim/models/a.h5"]}
    output:
      directory: /sim/${{ parameters.where }}/${{ run }}
      se: DISK-A-SE
      metadata: {production: p, run: "${{ run }}", step: make}
      files: ["a_@{JOB_ID}.dat", "b_@{JOB_ID}.dat"]
      file_metadata: {kind: [kept, scratch]}
    wait_for: [{file: /sim/models/b.h5}]
    dataset: {name: "/sim/datasets/p_${{ run }}", where: {kind: kept}}
  tidy:
    type: Harmless
    start: on_complete
    input: {from: make, where: {kind: scratch}}
    job: {type: request, operations: [{type: PhysicalRemoval, TargetSE: DISK-A-SE}]}
  old:
    type: Removal
    input: {lfns: [/sim/old/x.dat]}
    job: {type: request, operations: [{type: RemoveFile}]}
"""

#: what removes files waits for what copies them
AFTER = "    after: move\n    input: {from: make, where"

#: what the file does, and no more
ENOUGH: dict[str, Any] = {
    "connections": ("grid",),
    "vos": ("sim",),
    "types": ("MCSimulation", "Harmless", "Removal"),
    "operations": ("PhysicalRemoval", "RemoveFile"),
    "outputs": ("/sim/scratch",),
    "removals": ("/sim/scratch", "/sim/old"),
    "datasets": ("/sim/datasets",),
    "reads": ("/sim/models",),
    "unbounded_removals": False,
    "tasks_per_run": 21,
    "tasks_per_production": 21,
}


def production(on_cancel: str = "stop") -> Production:
    return load_production(FILE.replace("ON_CANCEL", on_cancel), "p.yaml")


def reasons(one: Production, **limits: Any) -> list[str]:
    """Everything that a bundle with these limits says to a production."""
    plan = compile(one, run="r1")
    found = list(check(one, plan, Limits.model_validate(limits)))
    assert {problem.code for problem in found} <= {"not-allowed"}
    return [f"{one.at_place(problem).place}: {problem.reason}" for problem in found]


def test_no_limit_allows_what_is_allowed_without_a_site() -> None:
    assert reasons(production()) == []


def test_a_production_that_keeps_to_every_limit_is_allowed() -> None:
    assert reasons(production("{action: clean, confirm: true}"), **ENOUGH) == []


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("connections", ["other"], "p.yaml:2:44: the site does not allow connection 'grid' here"),
        ("connections", [], "connection 'grid'"),
        ("vos", ["ctao"], "does not allow VO 'sim'"),
        ("types", ["MCSimulation", "Removal"], "transformation type 'Harmless'"),
        ("operations", ["RemoveFile"], "p.yaml:24:10: the site does not allow operation 'Physical"),
        ("outputs", ["/sim/prod"], "p.yaml:13:18: files are made in /sim/scratch/r1"),
        ("outputs", ["/sim/scr"], "files are made in /sim/scratch/r1"),
        ("removals", ["/sim/old"], "step tidy removes files in /sim/scratch/r1"),
        ("removals", ["/sim/scratch"], "p.yaml:27:20: step old removes /sim/old/x.dat"),
        ("removals", [], "step tidy removes files (PhysicalRemoval), and the site allows no"),
        ("datasets", ["/sim/other"], "a dataset is made as /sim/datasets/p_r1"),
        ("reads", ["/sim/models/b.h5"], "the step reads /sim/models/a.h5"),
        ("reads", ["/sim/models/a.h5"], "p.yaml:18:16: the step reads"),
        ("tasks_per_run", 5, "a run asks for"),
        ("tasks_per_production", 5, "(tasks_per_production)"),
    ],
)
def test_each_limit_is_reported_at_its_place(limit: str, value: Any, words: str) -> None:
    found = reasons(production(), **{**ENOUGH, limit: value})
    assert any(words in line for line in found), found


def test_clean_on_cancel_is_a_removal_of_what_the_step_has_made() -> None:
    clean = production("{action: clean, confirm: true}")
    assert reasons(clean, removals=["/sim/scratch", "/sim/old"]) == []
    (line, *_rest) = reasons(clean, removals=["/sim/old"])
    assert "on_cancel: clean of step make removes files in /sim/scratch/r1" in line
    # one that only stops removes nothing
    assert not any("clean" in line for line in reasons(production(), removals=["/sim/old"]))


def test_a_run_whose_parameter_leads_elsewhere_is_reported() -> None:
    one, limits = production(), Limits.model_validate(ENOUGH)
    chosen = one.bind({"where": "raw"})
    demand(one, compile(one, run="r1"), limits)
    with pytest.raises(DefinitionErrors, match="files are made in /sim/raw/r1"):
        demand(chosen, compile(one, run="r1", parameters={"where": "raw"}), limits)


@pytest.mark.parametrize("conditions", ["{run: Any}", "{run: {'!=': r1}, step: {nin: [a, b]}}"])
def test_a_removal_without_a_bound_is_reported_where_the_site_forbids_it(conditions: str) -> None:
    text = (
        "version: 1\nproduction: {name: p, vo: sim}\nsteps:\n  rm:\n    type: Removal\n"
        f"    input: {{where: {conditions}}}\n"
        "    job: {type: request, operations: [{type: RemoveFile}]}\n"
        "    confirm: true\n"
    )
    one = load_production(text, "p.yaml")
    assert reasons(one) == []
    assert "p.yaml:6:12: step rm removes files (RemoveFile) that no condition bounds" in " ".join(
        reasons(one, unbounded_removals=False)
    )
    bounded = load_production(text.replace(conditions, "{run: r1}"), "p.yaml")
    assert reasons(bounded, unbounded_removals=False) == []


def test_the_second_step_of_a_moving_is_a_removal_of_the_files_that_were_copied() -> None:
    text = FILE.replace("ON_CANCEL", "stop").replace("    input: {from: make, where", AFTER)
    text += (
        "  move:\n    type: Moving\n    input: {from: make}\n"
        "    plugin_parameters: {SourceSE: DISK-A-SE, TargetSE: DISK-B-SE}\n"
    )
    one = load_production(text, "p.yaml")
    words = reasons(one, removals=["/sim/old"], operations=["PhysicalRemoval", "RemoveFile"])
    assert any("step move.remove removes files in /sim/scratch/r1" in line for line in words)
    assert any("operation 'ReplicateAndRegister'" in line for line in words)
    assert any("operation 'RemoveReplica'" in line for line in words)


def test_what_a_form_of_ctao_derives_is_checked_too() -> None:
    one = load_production(ctao_files.text(ctao_files.step(1, ctao_files.SIMULATION)), "prod.yml")
    assert reasons(one, outputs=["/ctao/MC"]) == []
    assert any(
        "files are made in /ctao/MC" in line for line in reasons(one, outputs=["/ctao/user"])
    )


def test_what_depends_on_a_dataset_that_is_not_read_is_reported_by_its_base() -> None:
    entry = ctao_files.step(1, ctao_files.PROCESSING, {"dataset": "/ctao/some_dataset"})
    one = load_production(ctao_files.text(entry), "prod.yml")
    assert compile(one, run="r1").unresolved
    assert reasons(one, outputs=["/ctao/MC"]) == []
    assert reasons(one, outputs=["/ctao/user"]) != []


def test_a_thousand_mistakes_of_a_kind_are_reported_in_a_few_lines() -> None:
    lfns = "[" + ", ".join(f"/sim/other/{number}.dat" for number in range(1000)) + "]"
    text = FILE.replace("ON_CANCEL", "stop").replace("[/sim/old/x.dat]", lfns)
    found = reasons(load_production(text, "p.yaml"), removals=["/sim/scratch"])
    assert len(found) == MOST_REPORTED + 1
    assert "and 979 more of the kind" in found[-1]


def test_what_is_one_mistake_of_many_branches_is_reported_once() -> None:
    text = (
        "version: 1\nproduction: {name: p, vo: sim}\n"
        f"matrix: {{seed: {list(range(60))}}}\nsteps:\n  make:\n    type: MCSimulation\n"
        "    tasks: 1\n    job: {type: script, executable: run}\n"
    )
    one = load_production(text, "p.yaml")
    assert len(compile(one, run="r1").steps) == 60
    words = "p.yaml:6:11: the site does not allow transformation type 'MCSimulation' here"
    assert reasons(one, types=[]) == [words]


def test_a_hint_names_ten_of_a_long_list() -> None:
    plan = compile(production(), run="r1")
    limits = Limits(connections=tuple(f"grid{number}" for number in range(40)))
    (problem,) = check(production(), plan, limits)
    assert problem.hint.endswith("and 30 more")
