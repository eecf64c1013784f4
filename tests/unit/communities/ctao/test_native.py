"""Steps of the native form whose jobs are CTAO's: what follows from what, beside other steps."""

from __future__ import annotations

import json
from typing import Any

import yaml

from dirac_prodsys.communities.ctao.form.rewriting import native_form
from dirac_prodsys.core.dialects import inspect, load_production
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.proof import read
from tests.unit.communities.ctao.ctao_files import (
    COMMON,
    MERGING,
    PROCESSING,
    ROOT,
    SIMULATION,
    step,
    text,
)

Data = dict[str, Any]


def job(config: Data, **more: Any) -> Data:
    """A native step with a job of CTAO."""
    settings = {k: v for k, v in config.items() if k not in ("type", "group_size")}
    made: Data = {"job": {"type": f"ctao:{config['type']}", **COMMON, **settings}}
    if "group_size" in config:
        made["group_size"] = config["group_size"]
    return made | more


SIMULATE = job(SIMULATION, tasks=10)


def written(**steps: Data) -> str:
    data = {"version": 1, "production": {"name": "p", "vo": "ctao"}, "steps": steps}
    return json.dumps(data, indent=1)


def plan(datasets: Data | None = None, **steps: Data) -> ProductionPlan:
    return compile(load_production(written(**steps), "p.yaml"), run="r1", datasets=datasets)


def findings_of(**steps: Data) -> list[tuple[str, str, str]]:
    """Code, reason and way out of every mistake."""
    reading = inspect(written(**steps), "p.yaml")
    return [(e.code, e.reason, e.hint) for e in reading.mistakes]


def settings(one: ProductionPlan, name: str) -> Data:
    body = one.step(name).transformation.body
    assert isinstance(body, CommunityBody)
    return dict(body.settings)


def query(one: ProductionPlan, name: str) -> Data:
    asked = one.step(name).transformation.input_query
    assert asked is not None
    return asked.to_dirac()


def test_the_output_of_a_step_is_what_its_child_selects_by() -> None:
    made = plan(
        simulate=SIMULATE,
        process=job(PROCESSING, input={"from": "simulate", "where": {"nsb": 5}}, group_size=3),
        merge=job(MERGING, input={"from": "process"}),
    )
    output = made.step("simulate").transformation.output_query
    assert output is not None
    assert query(made, "process") == output.to_dirac() | {"nsb": {"=": 5}}
    assert query(made, "merge")["analysis_prog"] == {"=": "ctapipe-process"}
    left = made.step("merge").transformation.output_query
    assert left is not None
    assert left.to_dirac()["merged"] == {"=": 1}
    kinds = [(s.transformation.type, s.transformation.group_size) for s in made.steps]
    assert kinds == [("MCSimulation", 1.0), ("DataReprocessing", 3.0), ("Merging", 5.0)]
    assert made.step("process").parents == ("simulate",)


def test_run_numbers_of_the_step_are_those_of_the_job() -> None:
    numbers = {"campaign": "PROD6", "first": 5001}
    assert settings(plan(a=SIMULATE | {"run_numbers": numbers}), "a")["start_run_number"] == 5000
    pipe = {
        "type": "SimPipe",
        "version": "v1",
        "simpipe_config": {
            "array_layout_name": "Alpha",
            "site": "North",
            "primary": "gamma",
            "azimuth_angle": 0,
            "model_version": "6",
            "grid_output_path": "/ctao/x",
        },
    }
    made = plan(a=job(pipe, tasks=2, run_numbers=numbers))
    assert settings(made, "a")["run_number_offset"] == 5000


def test_several_parents_are_joined_if_one_query_tells_their_files() -> None:
    others = job({**SIMULATION, "particle": "proton"}, tasks=5)
    training = {"type": "CtapipeTrainClassifier", "version": "v1", "particle": "gamma"}
    both = {"from": ["simulate", "others"]}
    made = plan(simulate=SIMULATE, others=others, train=job(training, input=both))
    assert query(made, "train")["particle"] == {"in": ["gamma", "proton"]}
    del training["particle"]
    assert findings_of(simulate=SIMULATE, others=others, train=job(training, input=both)) == [
        (
            "condition",
            "the output can have one particle only, and the input has {'in': ['gamma', 'proton']}",
            "select one value of it",
        )
    ]


def test_steps_of_other_types_feed_them_and_are_fed() -> None:
    carried = {**ROOT, "site": "LaPalma"}
    script = {"type": "script", "executable": "x"}
    output = {"directory": "/ctao/own/${{ run }}", "se": "SE", "metadata": carried}
    made = plan(
        own={"type": "MCSimulation", "tasks": 2, "job": script, "output": output},
        process=job(PROCESSING, input={"from": "own"}),
        copy={
            "type": "Replication",
            "plugin_parameters": {"TargetSE": "TAPE"},
            "input": {"from": "process"},
        },
        merge=job(MERGING, input={"from": "copy"}),
        count={"type": "Merging", "input": {"from": "merge"}, "job": script},
    )
    assert query(made, "process") == {field: {"=": value} for field, value in carried.items()}
    left = made.step("process").transformation.output_query
    assert left is not None
    assert query(made, "copy") == left.to_dirac() == query(made, "merge")
    merged = made.step("merge").transformation.output_query
    assert merged is not None
    assert query(made, "count") == merged.to_dirac()


def test_a_step_waits_for_files_and_models_that_it_does_not_name() -> None:
    merge = job(MERGING, input={"from": "process"})
    train = job({"type": "CtapipeTrainEnergy", "version": "v1"}, input={"from": "merge"})
    apply = {"type": "CtapipeApplyModels", "version": "v1", "options": "energy_model.pkl"}
    select = {**ROOT, "particle": "gamma", "array_layout": "Prod6-Hyperarray"}
    made = plan(
        simulate=SIMULATE,
        again=job(PROCESSING, input={"where": select}),
        process=job(PROCESSING, input={"from": "simulate", "where": {"nsb": 1}}),
        merge=merge,
        train=train,
        apply=job(apply, input={"from": "merge"}),
    )
    assert made.step("again").feeders == ("simulate",)
    assert (made.step("apply").feeders, made.step("apply").start) == (("train",), "on_complete")


def test_an_unknown_dataset_leaves_the_steps_after_it_open() -> None:
    steps = {
        "process": job(PROCESSING, input={"dataset": "Prod5b_gammas"}),
        "merge": job(MERGING, input={"from": "process"}),
        "count": {
            "type": "Merging",
            "input": {"from": "merge"},
            "job": {"type": "script", "executable": "x"},
        },
    }
    late = plan(**steps)
    assert late.unresolved == ("Prod5b_gammas",)
    assert [s.transformation.input_query for s in late.steps] == [None, None, None]
    known = plan({"Prod5b_gammas": ROOT}, **steps)
    assert known.unresolved == ()
    assert query(known, "count")["analysis_prog"] == {"=": "ctapipe-merge"}


def test_a_directory_below_those_of_ctao_must_not_say_the_same_again() -> None:
    output = {
        "directory": "/ctao/MC/PROD6/LaPalma/own",
        "se": "SE",
        "metadata": {"site": "LaPalma", "step": "own"},
    }
    script = {"type": "script", "executable": "x"}
    own = {"type": "Merging", "input": {"from": "simulate"}, "job": script, "output": output}
    [(code, reason, _)] = findings_of(simulate=SIMULATE, own=own)
    assert code == "directories"
    assert reason.startswith("the directory lies below /ctao/MC/PROD6/LaPalma, and both have site")


def test_words_of_the_catalogue_are_asked_for() -> None:
    where = {"array_layout": "Alpha", "site": "LaPalma", "pointing_dir": "East"}
    assert findings_of(a=job(PROCESSING, input={"where": where})) == [
        ("condition", "the catalogue has no pointing_dir", "write phiP: 270")
    ]
    del where["pointing_dir"]
    assert findings_of(a=job(PROCESSING, input={"where": where})) == [
        (
            "missing-key",
            "the input query does not say phiP, thetaP, which the output inherits",
            "add phiP, thetaP",
        )
    ]


def test_defaults_for_all_of_them_reach_each_with_the_keys_that_it_knows() -> None:
    bare = {k: v for k, v in SIMULATE["job"].items() if k not in COMMON}
    default = {"type": "ctao:*", **COMMON, "n_shower": 7, "options": "--fast"}
    merge = {"input": {"from": "a"}, "group_size": 2, "job": dict(job(MERGING)["job"])}
    data = {
        "version": 1,
        "production": {"name": "p", "vo": "ctao"},
        "defaults": {"job": default},
        "steps": {"a": {"tasks": 1, "job": bare}, "b": merge},
    }
    made = compile(load_production(yaml.safe_dump(data), "p.yaml"), run="r1")
    assert settings(made, "a")["n_shower"] == 10
    assert settings(made, "a")["options"] == settings(made, "b")["options"] == "--fast"
    assert "n_shower" not in settings(made, "b")
    data["defaults"] = {"job": {**default, "n_showers": 3}}
    [mistake] = inspect(yaml.safe_dump(data), "p.yaml").mistakes
    assert (mistake.code, mistake.reason) == ("unknown-key", "unknown key 'n_showers'")


def test_a_production_of_ctao_s_form_is_the_same_in_the_native_form() -> None:
    theirs = load_production(
        text(
            step(1, SIMULATION),
            step(2, PROCESSING, {"parentID": 1, "moon": "dark"}),
            step(3, MERGING, {"parentID": 2}),
        ),
        "p.yml",
    )
    data = native_form(theirs)
    assert data["parameters"]["tasks_Step1_MCSimulation"]["min"] == 1
    ours = load_production(yaml.safe_dump(data, sort_keys=False), "p.yml")
    plans = [compile(one, run="r1") for one in (theirs, ours)]
    for name in (s.name for s in plans[0].steps):
        one, two = (p.step(name).transformation for p in plans)
        assert two == one.model_copy(update={"tasks": two.tasks})
        assert two.agent_type == "Manual"


def test_lint_takes_it_without_a_warning_about_what_nobody_wrote() -> None:
    process = job(PROCESSING, input={"from": "simulate", "where": {"nsb": 5}})
    report, _ = read(written(simulate=SIMULATE, process=process), "p.yaml")
    assert {f.code for f in report.findings} == {"link", "ctao-runs-mix", "estimate"}
