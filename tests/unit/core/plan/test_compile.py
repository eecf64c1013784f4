"""What a plan holds, and what makes it impossible."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec, JobSpec, RequestSpec, TransformationSpec
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import DefinitionErrors
from tests.unit.core.writing import make, output, step

Q = MetaQuery.parse


def reasons(**steps: dict[str, Any]) -> list[str]:
    with pytest.raises(DefinitionErrors) as caught:
        make(**steps)
    return [error.reason for error in caught.value.errors]


def test_a_step_becomes_one_complete_transformation() -> None:
    files = ["a_@{JOB_ID}.txt", "b_@{PRODUCTION_ID}_@{JOB_ID}"]
    made = output(
        "${{ step }}/${{ run }}", production="${{ production }}", run="${{ run }}", phiP=0.0
    )
    job = {
        "type": "script",
        "executable": "/cvmfs/run",
        "arguments": "--vo ${{ vo }} --task @{JOB_ID}",
        "environment": {"RUN": "${{ run }}"},
        "cpu_time": 600,
        "processors": 4,
        "priority": 3,
        "sites": ["A.B.org"],
        "tags": ["MultiProcessor"],
        "platform": "el9",
        "input_data_policy": "Protocol",
    }
    production = make(
        sim=step(
            "MCSimulation",
            description="Run ${{ run }} of ${{ production }}",
            job=job,
            output={**made, "files": files},
        )
    )
    (planned,) = compile(production, run="r1").steps
    directory = "/sim/p/sim/r1"
    assert planned.transformation == TransformationSpec.model_validate(
        {
            "name": "p__r1__sim",
            "description": "Run r1 of p",
            "type": "MCSimulation",
            "plugin": "Standard",
            "agent_type": "Automatic",
            "group": "p",
            "group_size": 1,
            "tasks": 3,
            "body": {
                "kind": "job",
                "name": "p__r1__sim",
                "job_type": "MCSimulation",
                "commands": [
                    {"executable": "/cvmfs/run", "arguments": "--vo sim --task @{JOB_ID}"}
                ],
                "outputs": [
                    {"name": name, "directory": directory, "se": "DISK-A-SE"} for name in files
                ],
                "environment": {"RUN": "r1"},
                "input_data_policy": "Protocol",
                "cpu_time": 600,
                "processors": 4,
                "priority": 3,
                "sites": ["A.B.org"],
                "tags": ["MultiProcessor"],
                "platform": "el9",
            },
            "input_query": None,
            "output_query": {"production": "p", "run": "r1", "phiP": {"=": 0}},
            "directories": [
                {"path": directory, "metadata": {"production": "p", "run": "r1", "phiP": 0.0}}
            ],
            "output_directories": [directory],
        }
    )
    assert planned.rules == StepRules(needs_input=False, tasks=3)
    assert planned.parents == ()
    assert planned.dataset is None


def test_what_is_not_given_is_diracs_default_and_nothing_is_added() -> None:
    production = make(sim=step("MCSimulation", output=output("sim")), merge=step("Merging", "sim"))
    spec = compile(production, run="r1").step("merge").transformation
    assert spec.body == JobSpec.model_validate(
        {"name": "p__r1__merge", "job_type": "Merging", "commands": [{"executable": "run"}]}
    )
    assert (spec.plugin, spec.group_size, spec.tasks) == ("Standard", 1.0, None)
    assert (spec.output_query, spec.directories, spec.parameters) == (None, (), {})
    assert spec.description == "Step merge of production p"


def test_what_a_step_says_wins_over_its_type() -> None:
    production = make(
        sim=step("MCSimulation", output=output("sim")),
        copy=step(
            "Replication",
            "sim",
            plugin="BySize",
            group_size=2.5,
            job={"type": "request", "operations": [{"type": "CheckMigration", "TargetSE": "B"}]},
            policy={"flush": "never", "max_flushes": 1, "min_processed": 0.5},
        ),
        odd=step("Merging", "sim", job={"type": "script", "executable": "x", "job_type": "User"}),
    )
    plan = compile(production, run="r1")
    copy = plan.step("copy")
    assert (copy.transformation.plugin, copy.transformation.group_size) == ("BySize", 2.5)
    assert copy.transformation.body == RequestSpec.model_validate(
        {"operations": [{"type": "CheckMigration", "attributes": {"TargetSE": "B"}}]}
    )
    assert copy.rules == StepRules(True, flush="never", max_flushes=1, min_processed=0.5)
    body = plan.step("odd").transformation.body
    assert isinstance(body, JobSpec)
    assert body.job_type == "User"


def test_steps_come_in_the_order_in_which_they_can_be_created() -> None:
    production = make(
        last=step("Merging", "left", "right", start="on_complete"),
        right=step("Merging", "sim", output=output("right", side="right")),
        left=step("Merging", "sim", output=output("left", side="left")),
        sim=step("MCSimulation", output=output("sim", level=0)),
    )
    plan = compile(production, run="r1")
    assert [planned.name for planned in plan.steps] == ["sim", "right", "left", "last"]
    assert plan.step("last").parents == ("left", "right")
    assert plan.step("last").start == "on_complete"
    with pytest.raises(KeyError):
        plan.step("first")


def test_a_child_takes_its_parents_output_narrowed_by_its_own_conditions() -> None:
    production = make(
        gamma=step("MCSimulation", output=output("gamma", level=0, particle="gamma")),
        proton=step("MCSimulation", output=output("proton", level=0, particle="proton")),
        all=step("Merging", "gamma", "proton"),
        some=step("Merging", input={"from": ["gamma", "proton"], "where": {"run": {"<": 10}}}),
        one=step("Merging", input={"from": "gamma", "where": {"particle": ["gamma", "iron"]}}),
    )
    plan = compile(production, run="r1")
    queries = {s.name: s.transformation.input_query for s in plan.steps}
    assert queries["all"] == Q({"level": 0, "particle": ["gamma", "proton"]})
    assert queries["some"] == Q({"level": 0, "particle": ["gamma", "proton"], "run": {"<": 10}})
    assert queries["one"] == Q({"level": 0, "particle": "gamma"})
    assert queries["gamma"] is None


def test_a_root_with_input_takes_what_its_conditions_select() -> None:
    production = make(root=step(input={"where": {"level": 0, "night": {">=": "2026-01-01"}}}))
    query = compile(production, run="r1").step("root").transformation.input_query
    assert query == Q({"level": 0, "night": {">=": "2026-01-01"}})


def test_conditions_may_name_the_run() -> None:
    production = make(root=step(input={"where": {"campaign": "${{ production }}-${{ run }}"}}))
    query = compile(production, run="r1").step("root").transformation.input_query
    assert query == Q({"campaign": "p-r1"})


def test_a_dataset_is_the_output_narrowed() -> None:
    production = make(
        sim=step(
            "MCSimulation",
            output=output("sim", level=0),
            dataset={
                "name": "/sim/sets/${{ step }}_${{ run }}",
                "where": {"quality": {">": 3}},
                "annotation": "of ${{ run }}",
                "expect_files": 3,
                "freeze": False,
            },
        )
    )
    dataset = compile(production, run="r1").step("sim").dataset
    assert dataset is not None
    assert dataset.name == "/sim/sets/sim_r1"
    assert dataset.query == Q({"level": 0, "quality": {">": 3}})
    assert (dataset.annotation, dataset.expect_files, dataset.freeze) == ("of r1", 3, False)


def test_a_child_that_would_take_what_is_not_meant_for_it_is_refused() -> None:
    assert reasons(
        sim=step("MCSimulation", output=output("sim", level=0)),
        merge=step("Merging", "sim", output=output("merge", level=0, merged=1)),
    ) == ["step merge would take its own output: both match level 0"]
    assert reasons(
        sim=step("MCSimulation", output=output("sim", level=0)),
        other=step("MCSimulation", output=output("other", level=0, kind="other")),
        merge=step("Merging", "sim"),
    ) == ["step merge would take the output of step other too: both match level 0"]


def test_metadata_of_directories_above_count() -> None:
    above = {**output("x", campaign="c"), "directory": "/sim/p"}
    assert reasons(
        top=step("MCSimulation", output=above),
        below=step("MCSimulation", output=output("below", level=1)),
        use=step("Merging", "top"),
    ) == ["step use would take the output of step below too: both match campaign c"]


def test_an_output_that_lacks_a_field_of_the_query_is_not_taken() -> None:
    def with_output(**metadata: Any) -> dict[str, Any]:
        return {
            "raw": step(input={"where": {"particle": "gamma"}}, output=output("raw", level=1)),
            "next": step("Merging", "raw", output=output("next", level=2, **metadata)),
        }

    plan = compile(make(**with_output()), run="r1")
    assert plan.step("raw").transformation.input_query == Q({"particle": "gamma"})
    assert plan.step("next").transformation.input_query == Q({"level": 1})
    assert reasons(**with_output(particle="gamma")) == [
        "step raw would take the output of step next too: both match particle gamma"
    ]
    assert make(**with_output(particle="proton"))


def test_one_directory_may_be_shared_by_equals() -> None:
    shared = {**output("x", level=0), "directory": "/sim/p/shared"}
    production = make(
        one=step("MCSimulation", output=shared),
        two=step("MCSimulation", output=shared),
        both=step("Merging", "one", "two"),
    )
    query = compile(production, run="r1").step("both").transformation.input_query
    assert query == Q({"level": 0})


def test_the_same_production_and_run_give_the_same_plan() -> None:
    def plan(run: str, size: float = 4) -> Any:
        return compile(
            make(
                sim=step("MCSimulation", output=output("sim", run="${{ run }}")),
                merge=step("Merging", "sim", group_size=size),
            ),
            run=run,
        )

    assert plan("r1") == plan("r1")
    assert plan("r1").digest == plan("r1").digest == plan("r1", 4.0).digest
    assert len({plan("r1").digest, plan("r2").digest, plan("r1", 5).digest}) == 3
    written = json.loads(json.dumps(plan("r1").to_dict()))
    assert written["digest"] == plan("r1").digest
    for sent, planned in zip(written["steps"], plan("r1").steps, strict=True):
        assert TransformationSpec.model_validate(sent["transformation"]) == planned.transformation
        assert StepRules.from_dict(sent["rules"]) == planned.rules


def test_a_directory_keeps_the_values_as_they_were_written() -> None:
    production = make(sim=step("MCSimulation", output=output("sim", phi=20.0, level=1, label="2")))
    (directory,) = compile(production, run="r1").step("sim").transformation.directories
    assert directory == DirectorySpec(
        path="/sim/p/sim", metadata={"phi": 20.0, "level": 1, "label": "2"}
    )
    assert isinstance(directory.metadata["phi"], float)


def test_a_production_without_a_text_reports_its_mistakes_by_path() -> None:
    production = Production.model_validate(
        {
            "name": "p",
            "vo": "sim",
            "file": "made.py",
            "steps": [
                {"name": "a", "type": "Mergin", "job": {"type": "script", "executable": "x"}}
            ],
        }
    )
    with pytest.raises(DefinitionErrors) as caught:
        compile(production, run="r1")
    (error,) = caught.value.errors
    assert error.place == "made.py"
    assert error.reason == "steps.a.type: unknown transformation type 'Mergin'"
    assert "did you mean 'Merging'" in error.hint


@pytest.mark.parametrize("run_id", ["r1", "manual__2026-10-01T12:00:00+00:00", "x" * 250])
def test_what_loads_compiles_for_every_run(run_id: str) -> None:
    name = "p" * 20
    longest = "s" * (255 - len(name) - 40 - 4)
    production = make(
        name, **{longest: step("MCSimulation", output=output("sim", run="${{ run }}"))}
    )
    assert compile(production, run=run_tag(run_id)).steps
    with pytest.raises(DefinitionErrors, match="256 characters"):
        make(name, **{longest + "s": step("MCSimulation")})


def test_a_step_is_no_longer_than_the_name_of_a_group_of_tasks() -> None:
    assert make(**{"s" * 200: step("MCSimulation")})
    with pytest.raises(DefinitionErrors, match="IDs of 201 characters"):
        make(**{"s" * 201: step("MCSimulation")})


def test_a_run_that_is_no_tag_is_refused() -> None:
    with pytest.raises(DefinitionErrors, match="cannot name a run"):
        compile(make(sim=step("MCSimulation")), run="manual__2026")
