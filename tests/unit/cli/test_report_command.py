"""``dirac-prodsys report`` shows what jobs came to; here those of the in-memory grid."""

from __future__ import annotations

import json

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.gateway import memory, open_gateway
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings


def fails(task) -> bool:
    task.minor, task.application = "Application", "<exit 1>"
    return task.id == 2


@pytest.fixture
def grid(good, tmp_path):
    """Run r1 of the good production, of which one job failed; returns the options for it."""
    name = f"report-{tmp_path.name}"
    grid = memory.register(name, MemoryGrid(fails=fails))
    gateway = MemoryGateway(grid)
    for step in compile_plan(load_production(good.read_text(), str(good)), run="r1").steps:
        record = gateway.create_transformation(step.transformation)
        if step.transformation.tasks:
            gateway.ensure_tasks(record.id, step.transformation.tasks)
            gateway.start_transformation(record.id)
    grid.advance(300)
    yield ["--backend", "memory", "--config", name]
    memory.forget(name)


def test_a_transformation_shows_its_jobs_with_shares_causes_and_samples(prodsys, grid):
    result = prodsys("report", "good__r1__simulate", *grid)
    assert result.exit_code == 0, result.output
    assert "Total: Failed" in result.stdout
    assert "1 jobs: Failed: Application: <exit 1>" in result.stdout
    assert "e.g. jobs 1000002" in result.stdout
    data = json.loads(prodsys("report", "good__r1__simulate", "--json", *grid).stdout)
    assert data["transformations"][0]["statuses"]["Failed"] == 1


def test_a_run_shows_all_steps_in_one_table(prodsys, good, grid):
    result = prodsys("report", "--file", good, "--run", "r1", *grid)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "production good, run r1"
    assert [line.split()[0] for line in lines[3:6]] == ["simulate", "merge", "index"]
    assert "1 jobs of simulate: Failed: Application: <exit 1>" in result.stdout
    data = json.loads(prodsys("report", "--file", good, "--run", "r1", "--json", *grid).stdout)
    assert [step["step"] for step in data["steps"]] == ["simulate", "merge", "index"]
    assert data["steps"][0]["jobs"]["statuses"]["Failed"] == 1


def test_a_run_that_was_never_made_is_shown_as_such(prodsys, good, grid):
    result = prodsys("report", "--file", good, "--run", "r9", *grid)
    assert result.stdout.count("not made") == 4  # three transformations and a dataset


def test_a_dataset_is_shown_as_it_is_in_the_catalogue(prodsys, good, grid, tmp_path):
    args = ("report", "--file", good, "--run", "r1", *grid)
    assert "/sim/datasets/good_r1: not made" in prodsys(*args).stdout
    page = tmp_path / "report.html"
    prodsys(*args, "--html", page)
    assert "/sim/datasets/good_r1: not made" in page.read_text()
    index = json.loads(prodsys(*args, "--json").stdout)["steps"][-1]
    assert index["dataset"] == "/sim/datasets/good_r1"
    assert index["dataset_state"] == {"made": False, "files": None, "frozen": None}

    dataset = compile_plan(load_production(good.read_text(), str(good)), run="r1").steps[-1].dataset
    open_gateway(GatewaySettings(backend="memory", config=grid[-1])).create_dataset(
        dataset.model_copy(update={"freeze": False})  # an empty one cannot be frozen
    )
    assert "/sim/datasets/good_r1: 0 files, not frozen" in prodsys(*args).stdout
    index = json.loads(prodsys(*args, "--json").stdout)["steps"][-1]
    assert index["dataset_state"] == {"made": True, "files": 0, "frozen": False}


def test_a_page_shows_the_messages_of_jobs_as_text(prodsys, good, grid, tmp_path):
    page = tmp_path / "report.html"
    result = prodsys("report", "--file", good, "--run", "r1", "--html", page, *grid)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "&lt;exit 1&gt;" in text
    assert "<exit 1>" not in text


def test_an_unknown_name_is_exit_code_3(prodsys, grid):
    result = prodsys("report", "good__r7__merge", *grid)
    assert result.exit_code == 3
    assert "good__r7__merge" in result.stderr


def test_without_a_name_the_error_says_what_to_give(prodsys):
    assert prodsys("report").exit_code == 2
