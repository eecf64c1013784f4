"""CTAO's form: how steps are named and found, what is a mistake, and where it stands."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, judge
from dirac_prodsys.errors import DefinitionErrors
from tests.unit.communities.ctao.ctao_files import (
    COMMON,
    MERGING,
    PROCESSING,
    ROOT,
    SIMULATION,
    mistakes_of,
    plan,
    remarks,
    step,
    text,
)

OUTSIDE = "the directory '/sim/MC' does not lie below /ctao, the virtual organisation's own tree"
NO_PATH = "'/ctao/MC/PROD6/La Palma/proton/ctapipe-process/0/Log' is no logical path of a directory"


def test_the_file_names_the_production_and_base_path_the_vo():
    production = load_production(text(step(1, SIMULATION)), "some/where/az180.merge.yml")
    assert (production.name, production.vo, production.dialect) == ("az180.merge", "ctao", "ctao")


def test_steps_are_counted_in_the_order_of_their_ids_and_parents_found_by_id():
    made = plan(
        step(30, MERGING, {"parentID": 20}),
        step(7, SIMULATION, name="Gammas"),
        step(20, PROCESSING, {"parentID": 7, "moon": "dark"}),
    )
    assert [(s.name, s.parents) for s in made.steps] == [
        ("Step1_Gammas", ()),
        ("Step2_CtapipeProcessing", ("Step1_Gammas",)),
        ("Step3_Merging", ("Step2_CtapipeProcessing",)),
    ]


def test_a_simulation_without_a_number_of_tasks_waits_for_a_person():
    rules = plan(step(1, SIMULATION)).steps[0].rules
    assert (rules.needs_input, rules.tasks, rules.by_hand) == (False, None, True)
    for status, tasks, verdict in (
        ("Active", {}, "wait"),
        ("Active", {"Done": 10}, "wait"),
        ("Active", {"Done": 9, "Failed": 1}, "wait"),
        ("Completed", {"Done": 9, "Failed": 1}, "complete"),
    ):
        seen = Snapshot(1, "n", "MCSimulation", TransformationStatus(status), {}, tasks)
        now = {"now": 0.0, "quiet_seconds": 0.0, "inputs_final": True}
        assert judge(seen, rules, History(), **now)[0].kind == verdict


def test_a_key_of_our_own_says_what_cta_prod_submit_takes_from_elsewhere():
    made = plan(
        step(1, SIMULATION),
        step(2, PROCESSING, {"parentID": 1, "moon": "dark"}),
        prodsys={
            "name": "gammas",
            "vo": "ctao",
            "connection": "other",
            "steps": {
                "1": {"tasks": 100},
                "2": {
                    "start": "on_complete",
                    "policy": {"max_flushes": 3},
                    "dataset": {"name": "/ctao/datasets/gammas_${{ run }}"},
                },
            },
        },
    )
    first, second = made.steps
    assert (made.production, made.vo, made.connection) == ("gammas", "ctao", "other")
    assert (first.transformation.tasks, first.rules.tasks) == (100, 100)
    assert (second.start, second.rules.max_flushes) == ("on_complete", 3)
    assert second.dataset.name == "/ctao/datasets/gammas_r1"
    assert second.dataset.query == second.transformation.output_query


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([step(1, SIMULATION), step(1, SIMULATION)], ("- ID: 1", "2 steps have the ID 1")),
        (
            [step(1, PROCESSING, {"parentID": 3})],
            ("parentID: 3", "there is no step with the ID 3"),
        ),
        (
            [step(1, PROCESSING, {"parentID": 2}), step(2, SIMULATION)],
            ("parentID: 2", "step 1 cannot be fed by step 2"),
        ),
        (
            [step(1, PROCESSING, {"parentID": [2]})],
            ("- 2", "should be the ID of one step"),
        ),
        (
            [step(1, SIMULATION), step(2, PROCESSING, {"parentID": 1, "dataset": "d"})],
            ("dataset: d", "a step takes files from a parent or from a dataset, not both"),
        ),
        (
            [step(1, {**PROCESSING, "type": "CtapipeProcesing"}, ROOT)],
            ("type: CtapipeProcesing", "unknown job type 'CtapipeProcesing'"),
        ),
        (
            [step(1, SIMULATION, {"moon": "dark"})],
            (
                "input_meta_query:",
                "a simulation takes no files, and its input_meta_query would be ignored",
            ),
        ),
        ([step(1, PROCESSING)], ("input_meta_query: {}", "nothing is selected")),
        (
            [step(1, {**SIMULATION, "sct": True})],
            ("sct: true", "should be text, not true"),
        ),
        (
            [step(1, {**SIMULATION, "moon": "half"})],
            ("moon: half", "half is no moonlight that can be simulated"),
        ),
        (
            [step(1, {**SIMULATION, "site": "Mars"})],
            ("site: Mars", "'Mars' is not a word known here"),
        ),
        (
            [step(1, {**PROCESSING, "input_sandbox": "a.py"}, ROOT)],
            ("input_sandbox: a.py", "no sandbox travels with the jobs of a production"),
        ),
        (
            [step(1, {**PROCESSING, "grop_size": 3}, ROOT)],
            ("grop_size: 3", "unknown key 'grop_size'"),
        ),
        (
            [step(1, PROCESSING, {**ROOT, "pointing_dir": "Up"})],
            ("pointing_dir: Up", "'Up' is no pointing direction known here"),
        ),
        (
            [step(1, {**PROCESSING, "base_path": "/sim/MC"}, ROOT)],
            (
                "base_path: /sim/MC",
                OUTSIDE,
            ),
        ),
        (
            [step(1, PROCESSING, {**ROOT, "site": "La Palma"})],
            (
                "job_config:",
                NO_PATH,
            ),
        ),
        (
            [step(1, PROCESSING, {**ROOT, "moon": "dark, half"})],
            ("moon: dark, half", "'dark, half' is no moonlight known here"),
        ),
    ],
)
def test_a_mistake_is_reported_at_its_line(steps, expected):
    assert expected in mistakes_of(*steps)


@pytest.mark.parametrize("key", ["version", "n_shower", "site", "particle", "moon"])
def test_what_a_simulation_cannot_do_without_is_missed(key):
    config = {k: v for k, v in SIMULATION.items() if k != key}
    assert mistakes_of(step(1, config)) == [("job_config:", f"key {key!r} is missing")]


@pytest.mark.parametrize("key", ["MCCampaign", "configuration_id", "base_path"])
def test_what_all_steps_need_is_missed_once_whether_left_out_or_null(key):
    steps = [step(1, SIMULATION), step(2, SIMULATION)]
    without = {k: v for k, v in COMMON.items() if k != key}
    assert mistakes_of(*steps, Common=without) == [("Common:", f"key {key!r} is missing")]
    assert [r for _, r in mistakes_of(*steps, Common={**COMMON, key: None})] == [
        f"key {key!r} is missing"
    ]


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("ProdSteps: []\nCommon: {}\n", 1, "ProdSteps"),
        ("Common: {MCCampaign: A}\n", 1, "key 'ProdSteps' is missing"),
        (
            "ProdSteps:\n- ID: one\n  input_meta_query: {}\n  job_config: {}\nCommon: {}\n",
            2,
            "whole number",
        ),
        (
            "ProdSteps:\n- ID: 1\n  input_meta_query:\n  job_config: {}\nCommon: {}\n",
            3,
            "should be a mapping",
        ),
        (f"{text(step(1, SIMULATION))}prodsys: {{stepps: {{}}}}\n", None, "unknown key 'stepps'"),
        (f"{text(step(1, SIMULATION))}prodsys: {{steps: {{4: {{}}}}}}\n", None, "the ID 4"),
        (text(step(1, SIMULATION), Common={**COMMON, "MCCampain": "x"}), None, "'MCCampain'"),
    ],
)
def test_a_file_of_another_shape_is_reported_where(source, line, reason):
    with pytest.raises(DefinitionErrors) as raised:
        load_production(source, "p.yml")
    error = raised.value.errors[0]
    assert reason in str(error)
    assert error.hint or "ProdSteps" in str(error)
    assert line in (None, error.line)


def test_mistakes_of_all_steps_are_reported_at_once():
    first = {**SIMULATION, "n_shower": 0}
    second = {**PROCESSING, "data_level": "two"}
    mistakes = mistakes_of(step(1, first), step(2, second, ROOT), step(3, MERGING, {"parentID": 2}))
    assert [line for line, _ in mistakes] == ["n_shower: 0", "data_level: two"]


def test_a_trial_with_a_few_files_is_for_roots():
    config = {**PROCESSING, "input_limit": 2}
    made = plan(step(1, config, ROOT)).steps[0]
    assert made.transformation.input_query is None
    assert (made.sample.limit, made.sample.query.matches(ROOT)) == (2, True)
    assert mistakes_of(step(1, SIMULATION), step(2, config, {"parentID": 1, "moon": "dark"})) == [
        ("input_limit: 2", "only a step without parents can take a few of its files")
    ]


def test_where_ctadirac_does_otherwise_is_remarked():
    east = {**SIMULATION, "pointing_dir": "East"}
    scts = {"sct": "all", **SIMULATION}
    child = {**PROCESSING, "tag": "processing"}
    found = remarks(step(1, east), step(2, scts), step(3, child, {"parentID": 1, "moon": "dark"}))
    assert [code for code, _ in found] == ["ctadirac-differs"] * 3
    assert "East" in found[0][1]
    assert "2024-02-05-sc" in found[1][1]
    assert "tag" in found[2][1]
    gaps = remarks(step(2, SIMULATION), Common={**COMMON, "tag": "simulation", "compiler": "gcc"})
    assert [reason for _, reason in gaps] == [
        "parents are found by their ID",
        "tag means here what it means in job_config",
    ]


def test_a_step_of_which_something_is_not_known_hides_no_mistake_of_its_children():
    files = (
        step(1, {**SIMULATION, "version": None}),
        step(2, {**PROCESSING, "nonsense": 1}, {"parentID": 1, "split": "train"}),
        step(3, MERGING, {"parentID": 2, "moon": "half"}),
    )
    assert {reason for _, reason in mistakes_of(*files)} == {
        "key 'version' is missing",
        "no file of Step1_MCSimulation has split, so nothing would be taken",
        "unknown key 'nonsense'",
    }
    files = (files[0], step(2, PROCESSING, {"parentID": 1}), step(3, MERGING, {"parentID": 2}))
    assert [reason for _, reason in mistakes_of(*files)] == ["key 'version' is missing"]
