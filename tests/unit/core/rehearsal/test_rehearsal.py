"""Stand-ins, examples, smaller productions and reports of rehearsals, as pure values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.gates.condition import read_condition
from dirac_prodsys.core.grid.specs import JobSpec, RequestSpec
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.rehearsal.examples import examples_of
from dirac_prodsys.core.rehearsal.fields import fields_of
from dirac_prodsys.core.rehearsal.openers import numbers_for, openers
from dirac_prodsys.core.rehearsal.report import SeenDataset, SeenStep, report
from dirac_prodsys.core.rehearsal.report_text import as_text
from dirac_prodsys.core.rehearsal.smaller import smaller
from dirac_prodsys.core.rehearsal.stand_in import PROGRAM, left_out, stand_in, storage_of
from dirac_prodsys.errors import MetaQueryError

TEXT = """\
version: 1
production: {name: p, vo: sim}
common:
  directory: /sim/p/${{ run }}
  se: FAR-SE
  metadata: {run: "${{ run }}", kind: x}
steps:
  make:
    type: MCSimulation
    tasks: 1000
    job: {type: script, executable: simulate, sites: [LCG.Far.org], tags: [GPU]}
    output:
      metadata: {level: 0}
      file_metadata: {nsb: [1, 5]}
      files: ["a_@{JOB_ID}", "b_@{JOB_ID}"]
  take:
    type: Merging
    group_size: 5
    input: {from: make, where: {nsb: 5}}
    job: {type: script, executable: merge}
    output: {metadata: {level: 1}, file_metadata: {part: [p, q]}}
    dataset: {name: "/sim/datasets/p_${{ run }}", expect_files: 200}
  copy:
    type: Replication
    plugin_parameters: {SourceSE: DISK-A-SE, TargetSE: DISK-B-SE}
    input: {where: {angle: {">=": 19.5, "<": 20.5}, site: [A, B]}}
"""


CTAO = """\
ProdSteps:
  - ID: 1
    input_meta_query: {}
    job_config:
      type: MCSimulation
      version: 2020-06-29b
      array_layout: Advanced-Baseline
      site: LaPalma
      particle: gamma
      pointing_dir: North
      zenith_angle: 20
      n_shower: 10
      moon: dark, half
      start_run_number: 0
Common: {MCCampaign: Test, configuration_id: 15, base_path: /ctao/MC}
"""


def plan_of(text: str = TEXT) -> ProductionPlan:
    return compile(load_production(text, "p.yaml"), run="r1")


def test_a_stand_in_is_the_same_transformation_with_another_program() -> None:
    make, copy = (plan_of().step(name).transformation for name in ("make", "copy"))
    stood = stand_in(make, "DISK-A-SE")
    assert stood.model_copy(update={"body": make.body}) == make
    assert isinstance(stood.body, JobSpec)
    (command,) = stood.body.commands
    assert command.executable == PROGRAM
    assert command.arguments == "--task @{JOB_ID} a_@{JOB_ID} b_@{JOB_ID}"
    assert stood.body.outputs == make.body.outputs
    assert (stood.body.sites, stood.body.tags) == ((), ())
    assert left_out(make) == ["sites", "tags"]
    assert isinstance(copy.body, RequestSpec)
    assert stand_in(copy, "DISK-A-SE") == copy
    assert storage_of(make) == ["FAR-SE"]
    assert storage_of(copy) == ["DISK-A-SE", "DISK-B-SE"]
    listed = copy.model_copy(update={"parameters": {"TargetSE": "['X-SE', 'Y-SE']"}})
    assert storage_of(listed) == ["X-SE", "Y-SE", "DISK-A-SE"]


def test_a_program_that_registers_its_files_is_stood_in_for_by_one_file_per_combination() -> None:
    body = stand_in(plan_of().step("take").transformation, "DISK-A-SE").body
    assert isinstance(body, JobSpec)
    assert [(o.se, o.metadata) for o in body.outputs] == [
        ("DISK-A-SE", ({"part": "p"},)),
        ("DISK-A-SE", ({"part": "q"},)),
    ]
    assert {o.directory for o in body.outputs} == {"/sim/p/r1/take"}


def test_a_job_of_ctao_leaves_data_and_a_log_where_ctadirac_puts_them() -> None:
    plan = compile(load_production(smaller(load_production(CTAO, "c.yml"), 4), "c.yml"), run="r1")
    (step,) = plan.steps
    assert step.rules.tasks == 4
    body = stand_in(step.transformation, "DISK-A-SE").body
    assert isinstance(body, JobSpec)
    base = "/ctao/MC/Test/LaPalma/gamma/sim_telarray/@{TransformationID}"
    assert [(o.directory, o.metadata) for o in body.outputs] == [
        (f"{base}/Data/000xxx", ({"nsb": 1},)),
        (f"{base}/Data/000xxx", ({"nsb": 5},)),
        (f"{base}/Log/000xxx", ()),
    ]
    assert len({o.name for o in body.outputs}) == 3


VALUES = st.sampled_from([0, 1, 5, 20.5, -3, "a", "b", "zz", "gamma"])
CONDITIONS = st.one_of(
    VALUES,
    st.lists(VALUES, min_size=1, max_size=3),
    st.just("Any"),
    st.just("Missing"),
    st.dictionaries(st.sampled_from(["<", "<=", ">", ">=", "!="]), VALUES, min_size=1, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["f", "g"]), CONDITIONS, min_size=1))
def test_every_example_matches_its_query(form: dict[str, object]) -> None:
    try:
        query = MetaQuery.parse(form)
    except MetaQueryError:
        return
    found = examples_of(query)
    assert found
    assert all(query.matches(one) for one in found)
    for field, values in query.listed.items():
        assert {one[field] for one in found} == values


def test_fields_have_the_type_and_the_place_that_the_production_gives_them() -> None:
    directories, files = fields_of([plan_of()])
    assert directories == {
        "run": "VARCHAR(128)",
        "kind": "VARCHAR(128)",
        "level": "int",
        "angle": "float",
        "site": "VARCHAR(128)",
    }
    assert files == {"nsb": "int", "part": "VARCHAR(128)"}


@pytest.mark.parametrize("tasks", [6, 1000])
def test_a_smaller_production_differs_in_its_tasks_alone(tasks: int) -> None:
    text = smaller(load_production(TEXT, "p.yaml"), tasks)
    assert (text == TEXT) == (tasks == 1000)
    small, full = plan_of(text), plan_of()
    assert small.step("make").transformation.tasks == tasks
    for one, other in zip(small.steps, full.steps, strict=True):
        same = one.transformation.model_copy(update={"tasks": other.transformation.tasks})
        assert same == other.transformation


def test_a_rehearsal_tells_nobody() -> None:
    text = TEXT.replace("vo: sim}", "vo: sim, notify: {to: shift@example.org}}")
    for tasks in (6, 1000):
        small = load_production(smaller(load_production(text, "p.yaml"), tasks), "p.yaml")
        assert small.notify is None
        assert small.step("make").tasks == tasks


def test_nothing_but_the_rehearsal_begins_its_run() -> None:
    text = TEXT + '\nschedule: {cron: "@daily"}\n'
    for tasks in (6, 1000):
        small = load_production(smaller(load_production(text, "p.yaml"), tasks), "p.yaml")
        assert small.schedule is None
        assert small.step("make").tasks == tasks


def test_target_events_become_tasks() -> None:
    text = TEXT.replace("tasks: 1000", "target_events: 1000000\n    events_per_task: 10")
    assert plan_of(smaller(load_production(text, "p.yaml"), 6)).step("make").rules.tasks == 6


def seen() -> dict[str, SeenStep]:
    a, b = frozenset({"a1", "a2"}), frozenset({"b1", "b2"})
    return {
        "make": SeenStep(
            1, "Completed", {"Done": 2}, made=a | b, carried={("nsb", 1): a, ("nsb", 5): b}
        ),
        "take": SeenStep(2, "Completed", {"Done": 1}, {"Processed": 2}, b, frozenset({"m"})),
        "copy": SeenStep(3, "Completed", {"Done": 1}, {"Processed": 1}, frozenset({"x"})),
    }


def test_a_good_rehearsal_has_no_findings_and_tells_what_nobody_used() -> None:
    made = report(
        plan_of(),
        seen(),
        {"/sim/datasets/p_r1": SeenDataset(1, True)},
        state="success",
        seconds=40,
        scaled=True,
    )
    assert made.findings == ()
    assert [(k.parent, k.child, k.files, k.of) for k in made.links] == [("make", "take", 2, 4)]
    (unused,) = made.unused
    # nsb alone tells the two outputs apart, and run is the run's own
    assert (unused.step, unused.fields) == ("make", ("kind", "level"))
    assert (unused.files, unused.values) == (2, ("nsb=1",))
    text = as_text(made)
    assert "make → take  2 of 4 files" in text
    assert "1 files, frozen, expected: 200" in text
    assert "make: 2 files that nobody took (nsb=1)" in text


def test_what_is_wrong_is_found() -> None:
    looks = seen()
    looks["take"] = SeenStep(2, "Active")
    looks["copy"] = SeenStep(3, "Completed")
    made = report(plan_of(), looks, {}, state="failed", seconds=1, failures=["task x failed"])
    assert made.findings == (
        "the run is failed",
        "task x failed",
        "step take did not end: its transformation is Active",
        "link make → take fed nothing: none of 4 files",
        "step copy took no files: none match its query",
        "there is no dataset /sim/datasets/p_r1",
    )
    assert "FED NOTHING" in as_text(made)


def test_a_dataset_of_another_number_is_a_finding_where_nothing_was_made_smaller() -> None:
    datasets = {"/sim/datasets/p_r1": SeenDataset(1, True)}
    made = report(plan_of(), seen(), datasets, state="success", seconds=1)
    assert made.findings == ("dataset /sim/datasets/p_r1 would hold 1 files, expected: 200",)


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        (["auc >= 0.8"], {"auc": 0.8}),
        (
            ["test.auc > 0.5 and test.auc < 1", "n != 0"],
            {"test": {"auc": 0.75}, "n": 1},
        ),
        (["a == 3 or (b < 1 and b > 2)"], {"a": 3, "b": 1}),
        (["a > 1", "a < 1"], None),
    ],
)
def test_numbers_that_open_a_gate(conditions: list[str], numbers: dict[str, object] | None) -> None:
    read = [read_condition(text) for text in conditions]
    found = numbers_for(read)
    assert json.dumps(found) == json.dumps(numbers)


def test_what_opens_gates_is_made_unless_the_production_makes_it_itself() -> None:
    waits = """\
    wait_for:
      - {file: /sim/given/table.txt}
      - {value: {file: "/sim/p/r1/make/score.json", when: "auc >= 0.8"}}
      - {value: {file: /sim/given/score.json, when: "n > 5"}}
      - {dataset: /sim/datasets/model}
      - {production: models, step: train}
"""
    text = TEXT.replace("  copy:\n", waits + "  copy:\n")
    text = text.replace("/sim/p/r1/make", "/sim/p/${{ run }}/make")
    found = openers(plan_of(text))
    assert found.files == {"/sim/given/table.txt": {}, "/sim/given/score.json": {"n": 6}}
    assert found.written == {"score.json": {"auc": 0.8}}
    assert found.datasets == ("/sim/datasets/model",)
    assert found.productions == (("models", "train"),)
    assert found.closed == ()
