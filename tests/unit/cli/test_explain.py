"""``dirac-prodsys explain`` names, for each condition of a query, the line that asks for it."""

from __future__ import annotations

import json
from pathlib import Path

INPUTS = Path(__file__).parents[2] / "productions" / "good" / "inputs.yaml"


def place(text: str, part: str, after: str = "") -> tuple[int, int]:
    start = text.index(part, text.index(after))
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


def test_conditions_of_a_parent_and_of_the_step_stand_with_their_lines(prodsys, good):
    text = good.read_text().replace("{from: simulate}", "{from: simulate, where: {step: simulate}}")
    good.write_text(text)
    result = prodsys("explain", good, "merge")
    assert result.exit_code == 0
    parent = place(text, "simulate}")
    here = place(text, "simulate}}")
    assert f"{good}:{parent[0]}:{parent[1]}: the output of simulate" in result.stdout
    assert f"{good}:{here[0]}:{here[1]}: what merge asks for" in result.stdout
    assert "run: ${{ run }}" in result.stdout


def test_the_json_has_the_same_places(prodsys, good):
    form = json.loads(prodsys("explain", good, "merge", "--json").stdout)
    assert form["parents"] == ["simulate"]
    conditions = {each["field"]: each for each in form["conditions"]}
    assert set(conditions) == {"production", "run", "step"}
    line, column = place(good.read_text(), "simulate}")
    assert conditions["step"]["origins"] == [
        {
            "kind": "output",
            "step": "simulate",
            "condition": {"=": "simulate"},
            "file": str(good),
            "line": line,
            "column": column,
        }
    ]


def test_a_dataset_is_explained_when_its_query_is_given(prodsys, tmp_path):
    assert "--datasets" in prodsys("explain", INPUTS, "by_dataset").stdout
    file = tmp_path / "datasets.json"
    file.write_text('{"/sim/datasets/gammas_r1": {"particle": "gamma"}}')
    args = ("explain", INPUTS, "by_dataset", "--run", "r1", "--datasets", file)
    line = place(INPUTS.read_text(), "/sim/datasets", "by_dataset")
    expected = f"{INPUTS}:{line[0]}:{line[1]}: the dataset that by_dataset takes"
    assert expected in prodsys(*args).stdout


def test_a_step_without_files_says_so(prodsys, good):
    assert prodsys("explain", good, "simulate").stdout == "step simulate takes no files\n"


def test_an_unknown_step_is_a_mistake_with_the_nearest_name(prodsys, good):
    result = prodsys("explain", good, "merg")
    assert result.exit_code == 2
    assert "there is no step 'merg'" in result.stderr
    assert "did you mean 'merge'?" in result.stderr


GATHER = """version: 1
production: {name: g, vo: sim}
common: {directory: "/sim/g/${{ run }}", se: A, metadata: {run: "${{ run }}", step: "${{ step }}"}}
defaults: {job: {type: script, executable: x}}
matrix: {p: [gamma, proton], z: AXIS}
steps:
  s:
    type: MCSimulation
    tasks: 2
    output:
      metadata: {particle: "${{ matrix.p }}", zen: "${{ matrix.z }}"}
      files: ["e_@{JOB_ID}"]
  m:
    type: Merging
    matrix: []
    input: {from: s}
    output: {metadata: {particle: all, zen: 0}, files: ["m_@{JOB_ID}"]}
  odd:
    type: Merging
    matrix: []
    input: {from: [s-gamma-20, s-proton-40]}
    output: {metadata: {step: m, particle: odd, zen: 0}, files: ["o_@{JOB_ID}"]}
"""


def test_explain_shows_which_fields_of_a_gather_were_chosen_and_which_are_not_needed(
    prodsys, tmp_path
):
    file = tmp_path / "g.yaml"
    file.write_text(GATHER.replace("AXIS", "[20, 40]"))
    text = prodsys("explain", file, "m").stdout
    assert "by particle, run, and no other output" in text
    assert "; not needed: step, zen" in text
    form = json.loads(prodsys("explain", file, "odd", "--json").stdout)
    assert form["gathered"] == {
        "by": ["run", "step"],
        "left_out": ["particle", "zen"],
        "added": [],
    }
    noted = prodsys("lint", "--verbose", file).stdout
    assert "step m takes the files of s-gamma-20, s-gamma-40, s-proton-20 and 1 more" in noted
    assert "note: step m takes the files" in prodsys("plan", file).stdout


def test_a_field_that_the_planner_adds_is_explained_at_the_step_that_needs_it(prodsys, tmp_path):
    file = tmp_path / "g.yaml"
    text = GATHER.replace("AXIS", "[20, 40]").replace(', step: "${{ step }}"', "")
    text = text.replace("{step: m, ", "{")
    file.write_text(text)
    shown = prodsys("explain", file, "odd").stdout
    assert "the planner adds prodsys_gather to their directories" in shown
    line, column = place(text, "[s-gamma-20")
    assert f"g.yaml:{line}:{column}: added to the outputs that odd gathers" in shown
    noted = prodsys("lint", "--verbose", file).stdout
    assert "to their directories, an integer that the catalogue must define" in noted
