"""Whole productions, YAML to dataset: ``dag.test()`` through the bundle on a grid in memory."""

from __future__ import annotations

import threading

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from tests.integration.dag_runs import DATASET, Run, completed, result, states, text, tries


def test_a_sequence_comes_to_its_dataset(run: Run, grid: MemoryGrid) -> None:
    yaml = text(
        "seq",
        ("make", "tasks: 7"),
        ("merge", "input: {from: make}"),
        ("join", "input: {from: merge}\n    start: on_complete"),
        tail=DATASET % ("seq", 1),
    )
    dag_run = run(yaml)
    assert dag_run.state == "success"
    assert completed(dag_run)
    assert tries(dag_run) <= {0, 1}
    assert [t.status for t in grid.transformations.values()] == ["Completed"] * 3
    assert result(dag_run, "merge.flush")["flushed"] is True
    assert result(dag_run, "merge.complete")["files"] == {"Processed": 7}
    assert result(dag_run, "join.create_dataset")["files"] == 1
    assert result(dag_run, "join.wait_for_input", "_link_TransformationLink") == "https://portal/3"


def test_airflows_own_dag_test_comes_to_the_end_of_it(run: Run, grid: MemoryGrid) -> None:
    """It runs one task after the other, and tells no wait whose it is."""
    yaml = text(
        "inline",
        ("make", "tasks: 2"),
        ("merge", "input: {from: make}"),
        ("join", "input: {from: merge}"),
    )
    dag_run = run(yaml, by=lambda dag: dag.test())
    assert completed(dag_run)
    assert [len(t.files) for t in grid.transformations.values()] == [0, 2, 1]
    assert [t.status for t in grid.transformations.values()] == ["Completed"] * 3


def test_a_split_and_a_merge_come_to_their_end(run: Run, grid: MemoryGrid) -> None:
    """Two branches of one parent, joined: their outputs differ in one field of the metadata."""
    dag_run = run(
        text(
            "fork",
            ("make", "tasks: 5"),
            ("left", "input: {from: make}"),
            ("right", "input: {from: make}"),
            ("both", "input: {from: [left, right]}"),
        )
    )
    assert dag_run.state == "success"
    by_name = {
        t.row["TransformationName"].rsplit("__")[-1]: t for t in grid.transformations.values()
    }
    assert {name: len(t.files) for name, t in by_name.items()} == {
        "make": 0,
        "left": 5,
        "right": 5,
        "both": 4,
    }


def test_files_of_a_failed_task_are_flushed_again(run: Run, grid: MemoryGrid) -> None:
    failed: list[Task] = []

    def fails(task: Task) -> bool:
        # the smaller group, which exists after the flush only, fails at its first attempt
        first = len(task.lfns) == 1 and not failed
        failed.extend([task] if first else [])
        return first

    grid.fails = fails
    dag_run = run(text("again", ("make", "tasks: 4"), ("merge", "input: {from: make}")))
    assert dag_run.state == "success"
    assert len(failed) == 1
    assert result(dag_run, "merge.wait_for_completion")["files"] == {"Processed": 4}
    assert tries(dag_run) <= {0, 1}


def test_a_person_who_cleans_a_transformation_ends_the_run_at_once(
    run: Run, grid: MemoryGrid
) -> None:
    grid.stopped_agents.add("transformation")

    def clean() -> None:
        while not (t := grid.transformations.get(2)) or t.status != "Active":
            if done.wait(0.01):
                return
        grid.serve_setTransformationParameter(2, "Status", "Cleaned")

    done = threading.Event()
    person = threading.Thread(target=clean)
    person.start()
    dag_run = run(text("cleaned", ("make", "tasks: 2"), ("merge", "input: {from: make}")))
    done.set()
    person.join()
    assert dag_run.state == "failed"
    found = states(dag_run)
    failed = {task for task, state in found.items() if state == "failed"}
    assert failed
    waits = {"merge.wait_for_input", "merge.flush", "merge.wait_for_completion"}
    assert failed & waits
    assert failed <= waits | {"finish.report"}
    assert found["make.complete"] == "success"
    assert tries(dag_run) <= {0, 1}


def test_an_outage_during_a_wait_fails_no_task_and_spends_no_retry(
    run: Run, grid: MemoryGrid
) -> None:
    grid.fault("unavailable", "getCounters", after=4, times=4)
    dag_run = run(text("outage", ("make", "tasks: 3"), ("merge", "input: {from: make}")))
    assert dag_run.state == "success"
    assert tries(dag_run) <= {0, 1}
    assert not [fault for fault in grid.faults if fault.times]


def test_an_outage_that_a_worker_meets_fails_no_task_and_spends_no_retry(
    run: Run, grid: MemoryGrid
) -> None:
    fault = grid.fault("unavailable", "addTransformation", times=3)
    dag_run = run(text("worker", ("make", "tasks: 3")), patience=0.0)
    assert dag_run.state == "success"
    assert tries(dag_run) <= {0, 1}
    assert fault.times == 0
    assert len(grid.transformations) == 1


def test_an_answer_that_is_lost_does_not_make_a_second_transformation(
    run: Run, grid: MemoryGrid
) -> None:
    grid.fault("lost", "addTransformation")
    dag_run = run(text("lost", ("make", "tasks: 3")))
    assert dag_run.state == "success"
    assert len(grid.transformations) == 1


def test_a_second_run_is_a_production_of_its_own(run: Run, grid: MemoryGrid) -> None:
    yaml = text("twice", ("make", "tasks: 2"), tail=DATASET % ("twice", 2))
    first, second = run(yaml), run(yaml)
    assert (first.state, second.state) == ("success", "success")
    assert len(grid.transformations) == 2
    names = {result(dag_run, "make.create_dataset")["dataset"] for dag_run in (first, second)}
    assert len(names) == 2


def test_jinja_in_a_production_reaches_the_grid_as_it_was_written(
    run: Run, grid: MemoryGrid
) -> None:
    template = "{{ run_id }} {% raw %} {{ ds"
    dag_run = run(text("jinja", ("make", "tasks: 1"), arguments=template))
    assert dag_run.state == "success"
    assert template in grid.transformations[1].row["Body"]


def test_a_dataset_makes_one_asset_event_with_all_about_it(run: Run, grid: MemoryGrid) -> None:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    run(text("asset", ("make", "tasks: 2"), tail=DATASET % ("asset", 2)))
    with create_session() as session:
        query = select(AssetEvent).join(AssetModel, AssetEvent.asset_id == AssetModel.id)
        found = session.scalars(query.where(AssetModel.uri == "dirac://sim/asset/make")).all()
        (event,) = found
        extra = dict(event.extra)
    assert extra["dataset"].startswith("/sim/datasets/asset_")
    assert (extra["files"], extra["frozen"], extra["production"]) == (2, True, "asset")
    assert set(extra["query"]) == {"production", "run", "step"}
    (dataset,) = grid.catalogue.datasets.values()
    assert extra["list_checksum"] == dataset.checksum
    assert extra["bytes"] == dataset.size > 0
    assert extra["step"] == "make"


def test_a_transient_output_is_gone_when_all_that_takes_it_is_complete(
    run: Run, grid: MemoryGrid
) -> None:
    yaml = text("passing", ("make", "tasks: 4"), ("merge", "input: {from: make}"))
    files = '      files: ["make_@{JOB_ID}.dat"]\n'
    assert files in yaml
    yaml = yaml.replace(files, f"{files}      transient: true\n") + DATASET % ("passing", 2)
    dag_run = run(yaml)
    assert dag_run.state == "success"
    assert completed(dag_run)
    left = [lfn.rsplit("/", 2)[1] for lfn in grid.catalogue.files]
    assert left == ["merge", "merge"]
    assert result(dag_run, "merge.create_dataset")["files"] == 2
    removal = states(dag_run)["make__remove.complete"]
    assert removal == "success"
    report = result(dag_run, "finish.report", "production_report")
    assert "missing" not in str(report["steps"][0])


def test_a_run_is_reported_and_entered_in_diracs_registry(run: Run, grid: MemoryGrid) -> None:
    dag_run = run(text("names", ("make", "tasks: 4"), ("merge", "input: {from: make}")))
    assert dag_run.state == "success"
    report = result(dag_run, "finish.report", "production_report")
    assert [(s["step"], s["status"]) for s in report["steps"]] == [
        ("make", "Completed"),
        ("merge", "Completed"),
    ]
    assert report["steps"][0]["jobs"]["statuses"] == {"Done": 4}
    (entry,) = grid.productions.values()
    assert entry.row["Status"] == "Completed"
    assert entry.links == [(1, -1), (2, 1)]


def test_a_run_that_fails_is_reported_all_the_same_and_stays_failed(
    run: Run, grid: MemoryGrid
) -> None:
    grid.fails = lambda task: task.transformation == 1
    dag_run = run(text("bad", ("make", "tasks: 2"), ("merge", "input: {from: make}")))
    assert dag_run.state == "failed"
    assert states(dag_run)["make.wait_for_completion"] == "failed"
    assert states(dag_run)["finish.report"] == "failed"
    report = result(dag_run, "finish.report", "production_report")
    assert report["causes"] == ["2 jobs of make: Failed: Application Finished With Errors: Unknown"]
    assert result(dag_run, "make.wait_for_completion", "job_report")["statuses"] == {"Failed": 2}


def test_without_the_production_system_a_run_goes_on(run: Run, grid: MemoryGrid) -> None:
    fault = grid.fault("unavailable", "getProduction", times=100)
    dag_run = run(text("alone", ("make", "tasks: 2")))
    assert dag_run.state == "success"
    assert states(dag_run)["prepare.register"] == "skipped"
    assert states(dag_run)["prepare.verify"] == "success"
    assert fault.times < 100
    assert grid.productions == {}
