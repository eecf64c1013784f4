"""``dirac-prodsys plan`` shows what the operators would send, and nothing else."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from dirac_prodsys.cli.plan import plan_tree
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.plan_words import query_words

GOOD_FILES = Path(__file__).parents[2] / "productions" / "good"


def test_the_json_is_the_plan_that_the_operators_compile(prodsys, good):
    result = prodsys("plan", good, "--run", "r1", "--json")
    assert result.exit_code == 0
    plan = compile_plan(load_production(good.read_text(), str(good)), run="r1")
    assert json.loads(result.stdout) == json.loads(json.dumps(plan.to_dict()))


def test_the_tree_names_each_transformation_query_body_directory_and_dataset(prodsys, good):
    result = prodsys("plan", good, "--run", "r1")
    assert result.exit_code == 0
    plan = compile_plan(load_production(good.read_text(), str(good)), run="r1")
    specs = [step.transformation for step in plan.steps]
    assert all(spec.body.commands for spec in specs)
    assert any(spec.directories for spec in specs)
    assert any(spec.input_query for spec in specs)
    for spec in specs:
        assert spec.name in result.stdout
        assert all(command.executable in result.stdout for command in spec.body.commands)
        assert all(directory.path in result.stdout for directory in spec.directories)
    assert "input query: production = good, run = r1, step = simulate\n" in result.stdout
    assert "input from: simulate, as its files appear\n" in result.stdout
    assert "group size: 2 files per task (plugin Standard)\n" in result.stdout
    assert "dataset: /sim/datasets/good_r1, frozen: the output\n" in result.stdout
    assert plan.digest in result.stdout


def test_the_tree_has_words_and_verbose_adds_what_is_sent_to_the_letter(prodsys, good):
    for file in (good, *sorted(GOOD_FILES.glob("[a-z]*.yaml"))):
        words = prodsys("plan", file, "--run", "r1").stdout
        assert '"=":' not in words
        assert '": ' not in words
        full = prodsys("plan", file, "--run", "r1", "--verbose").stdout
        plan = json.loads(prodsys("plan", file, "--run", "r1", "--json").stdout)
        for step in plan["steps"]:
            body = json.dumps(step["transformation"]["body"], sort_keys=True)
            assert f"body in full: {body}\n" in full
            for directory in step["transformation"]["directories"]:
                assert directory["path"] in words


def test_a_job_of_ctao_is_described_by_its_program_version_and_settings(prodsys):
    shown = prodsys("plan", GOOD_FILES / "ctao_jobs.yaml", "--run", "r1").stdout
    assert "runs: sim_telarray 2024-02-05 (CTADIRAC's MCPipeJob)\n" in shown
    assert "options: " in shown
    assert "settings: MCCampaign = PROD6, configuration_id = 16, " in shown
    assert "output directory: /ctao/MC/PROD6/LaPalma\n" not in shown  # those above are made, too


def test_metadata_of_files_are_shown_by_turns(prodsys, good):
    metadata = "      files: ['a_@{JOB_ID}.dat']\n      file_metadata: {split: [train, test]}\n"
    good.write_text(
        good.read_text().replace('      files: ["events_@{JOB_ID}.dat"]\n', metadata, 1)
    )
    shown = prodsys("plan", good).stdout
    assert "output files: a_@{JOB_ID}.dat on DISK-A-SE\n" in shown
    assert "file metadata, by turns: split = train; split = test\n" in shown


def test_a_pipe_gets_unbroken_lines_and_a_terminal_folded_ones(prodsys, good):
    lines = prodsys("plan", GOOD_FILES / "ctao_jobs.yaml").stdout.splitlines()
    assert max(map(len, lines)) > 120
    compiled = compile_plan(load_production(good.read_text(), str(good)), run="r1")
    for width in (80, 120):
        text = io.StringIO()
        Console(file=text, width=width).print(plan_tree(compiled, verbose=True))
        shown = [line.rstrip() for line in text.getvalue().splitlines()]
        assert max(map(len, shown)) <= width
        assert "…" not in text.getvalue()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"a": "x", "b": 1}, "a = x, b = 1"),
        ({"a": ["x", "y z"]}, 'a in (x, "y z")'),
        ({"a": {">": 1, "<=": 5}}, "a > 1, a <= 5"),
        ({"a": "1"}, 'a = "1"'),
        ({"a": "2024-02-05", "b": "v1.2"}, "a = 2024-02-05, b = v1.2"),
        ({"a": "Any"}, "a is Any"),
    ],
)
def test_a_query_is_shown_as_conditions_and_text_is_not_taken_for_numbers(query, words):
    assert query_words(MetaQuery.parse(query)) == words


def test_text_in_brackets_is_shown_as_it_is(prodsys, good):
    assert "simulate [seed] @{JOB_ID}" in prodsys("plan", good).stdout


def test_a_wrong_file_is_refused_at_its_place_with_exit_code_2(prodsys, good):
    good.write_text(good.read_text().replace("tasks: 3", "tasks: three"))
    result = prodsys("plan", good)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{good}:6:" in result.stderr


def test_the_short_form_has_every_transformation_in_the_order_of_creation(prodsys, good):
    found = json.loads(prodsys("plan", good, "--format", "json").stdout)
    assert set(found) == {"production", "digest", "transformations"}
    assert [each["step"] for each in found["transformations"]] == ["simulate", "merge", "index"]
    merge = found["transformations"][1]
    assert merge["parents"] == ["simulate"]
    assert merge["input_query"]["step"] == {"=": "simulate"}
    assert (merge["type"], merge["plugin"], merge["agent_type"]) == (
        "Merging",
        "Standard",
        "Automatic",
    )
    assert len(merge["body_sha256"]) == 64


def test_values_of_parameters_are_read_by_their_type(prodsys):
    values = ("-p", "tasks=7", "-p", "zenith=60", "-p", "label=abc", "-p", "fraction=1")
    result = prodsys(
        "plan", GOOD_FILES / "parameters.yaml", "--json", *values, "-p", "particle=proton"
    )
    steps = {step["name"]: step for step in json.loads(result.stdout)["steps"]}
    made = steps["simulate"]["transformation"]
    assert made["tasks"] == 7
    assert made["directories"][0]["path"].endswith("/sim_abc")
    assert made["directories"][0]["metadata"]["thetaP"] == 60
    assert steps["process"]["rules"]["min_processed"] == 1


def test_a_value_that_is_not_allowed_is_refused(prodsys):
    result = prodsys(
        "plan", GOOD_FILES / "parameters.yaml", "-p", "tasks=0", "-p", "particle=gamma"
    )
    assert result.exit_code == 2
    assert "parameter 'tasks': 0 is below 1" in result.output
    assert "says no value" in prodsys("plan", GOOD_FILES / "parameters.yaml", "-p", "x").output


def test_the_query_of_a_dataset_can_be_given(prodsys, tmp_path):
    file = tmp_path / "datasets.json"
    file.write_text('{"/sim/datasets/gammas_r1": {"particle": "gamma"}}')
    args = ("plan", GOOD_FILES / "inputs.yaml", "--run", "r1", "--format", "json")
    found = json.loads(prodsys(*args, "--datasets", file).stdout)["transformations"][1]
    assert found["input_query"] == {"particle": {"=": "gamma"}, "split": {"=": "train"}}
    assert json.loads(prodsys(*args).stdout)["transformations"][1]["input_query"] is None
    file.write_text("[]")
    assert "no mapping of datasets" in prodsys(*args, "--datasets", file).output


def test_the_number_of_branches_is_shown(prodsys):
    assert "10 steps, 6 branches" in prodsys("plan", GOOD_FILES / "matrix.yaml").stdout


def test_below_the_tree_stands_what_each_link_takes_and_what_to_expect(prodsys, good):
    lines = prodsys("plan", good, "--run", "r1").stdout.splitlines()
    notes = [line for line in lines if line.startswith("note: ")]
    assert lines[-len(notes) :] == notes
    assert "note: step merge takes all files of simulate" in notes
    assert any(line.startswith("note: step simulate: 3 jobs") for line in notes)
    assert "note: " not in prodsys("plan", good, "--json").stdout


def test_the_notes_are_those_of_this_run(prodsys):
    chosen = ("-p", "tasks=7", "-p", "zenith=60", "-p", "particle=proton")
    shown = prodsys("plan", GOOD_FILES / "parameters.yaml", *chosen).stdout
    assert "note: step simulate: 7 jobs" in shown
