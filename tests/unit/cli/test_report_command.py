"""``dirac-prodsys report`` shows what jobs came to; here those of the in-memory grid."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.reports.ledger.made_from import Place, counts_of, jobs_of
from dirac_prodsys.core.reports.ledger.records import StepRecord
from dirac_prodsys.gateway import memory, open_gateway
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.reports import report_on
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.ledger.store import Ledger

NOW = datetime(2026, 3, 1, tzinfo=UTC)


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


def test_jobs_that_the_grid_has_forgotten_come_from_the_ledger(
    prodsys, good, grid, tmp_path, data_home
):
    """Archived, or gone altogether; with the times that they reported."""
    gateway = open_gateway(GatewaySettings(backend="memory", config=grid[-1]))
    assert isinstance(gateway, MemoryGateway)
    backend = gateway.grid
    name = "good__r1__simulate"
    before = json.loads(prodsys("report", name, "--json", *grid).stdout)["transformations"][0]
    assert (before["cpu_seconds"], before["wall_seconds"]) == (3 * 45.5, 180)
    (data_home / "dirac_prodsys").mkdir()
    ledger = Ledger.at(f"sqlite:///{data_home}/dirac_prodsys/ledger.db")
    place = Place("sim", "good", "r1", "simulate", 1, name)
    seen = gateway.snapshot([1])[1]
    ledger.write(
        [
            StepRecord(at=NOW, type="MCSimulation", **place.to_dict()),
            counts_of(seen, place, NOW, final=True),
            jobs_of(report_on(gateway, 1, name), place, NOW),
        ]
    )
    ledger.close()

    forgotten = backend.transformations[1]
    forgotten.row["Status"] = "Archived"
    forgotten.tasks.clear()
    forgotten.files.clear()

    def shown(*words: str) -> dict:
        result = prodsys("report", *words, "--json", *grid)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    (after,) = shown(name)["transformations"]
    same = ("rows", "statuses", "causes", "cpu_seconds")
    assert {word: after[word] for word in same} == {word: before[word] for word in same}
    assert "from the ledger" in after["note"]
    first = shown("--file", good, "--run", "r1")["steps"][0]
    assert (first["status"], first["tasks"]) == ("Archived", {"Done": 2, "Failed": 1})
    assert first["jobs"]["rows"] == before["rows"]

    backend.transformations.clear()
    assert shown("good")["transformations"][0]["rows"] == before["rows"]
    gone = shown("--file", good, "--run", "r1")["steps"][0]
    assert (gone["status"], gone["id"], gone["jobs"]["rows"]) == ("Completed", 1, before["rows"])
    assert "no such" in prodsys("report", "other__r1__x", *grid).stderr
