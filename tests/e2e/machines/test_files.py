"""The demo, and files that change while runs of them wait, where no disk is shared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox.airflow.machines.stack import WORKERS
from sandbox.configuration.environment import REPOSITORY
from sandbox.demo.run import DemoRun
from tests.e2e.machines.runs import MachinesSite
from tests.patience import until

#: seconds for one accident; the first also waits for all machines
pytestmark = pytest.mark.timeout(1800)


def import_errors(site: MachinesSite, name: str) -> list[str]:
    """The import errors of a production's file."""
    errors = site.rest.import_errors()
    return [text for file, text in errors.items() if Path(file).name.startswith(name)]


def test_the_demo_ends_with_its_dataset(site: MachinesSite, tmp_path: Path) -> None:
    file = site.productions / "mandelbrot.yaml"
    shutil.copy(REPOSITORY / "include" / "productions" / file.name, file)
    run = DemoRun(site.grid, site.stack, file, "demo")
    site.known(run.dag_id)
    site.rest.trigger(run.dag_id, run.run_id)
    site.succeeds(run.dag_id, run.run_id, seconds=400)
    outcome = run.outcome(run.look(), tmp_path)
    assert outcome.problems == []
    assert outcome.picture is not None
    assert site.workers(run.dag_id, run.run_id) == {*WORKERS}
    assert not (site.stack.place / WORKERS[0] / "no-productions").exists()


def test_a_file_that_is_edited(site: MachinesSite) -> None:
    site.produce("edited")
    site.at_work("edited", "before")
    site.produce("edited", site.quick("third"))
    site.known("edited", "third.complete")
    site.open_gate("edited", "after")
    site.begin("edited", "after")
    site.ends_well("edited", "after")
    site.open_gate("edited", "before")
    site.ends_well("edited", "before")
    assert "third.complete" in site.states("edited", "after")
    assert not any(task.startswith("third") for task in site.states("edited", "before"))


def test_a_file_that_breaks(site: MachinesSite) -> None:
    path = site.produce("broken")
    site.at_work("broken", "before")
    path.write_text(path.read_text().replace("tasks: 1", "tusks: 1"))
    until("the import error", 60, lambda: import_errors(site, "broken"))
    site.open_gate("broken", "while")
    site.begin("broken", "while")
    site.ends_well("broken", "while")
    site.open_gate("broken", "before")
    site.ends_well("broken", "before")
    site.produce("broken")
    until("the error is gone", 60, lambda: not import_errors(site, "broken"))


def test_a_file_that_is_deleted(site: MachinesSite) -> None:
    path = site.produce("deleted")
    site.at_work("deleted", "run")
    path.unlink()
    until("it is retired", 60, lambda: "retired" in tags(site, "deleted"))
    site.open_gate("deleted", "run")
    site.ends_well("deleted", "run")


def tags(site: MachinesSite, name: str) -> set[str]:
    return {tag["name"] for tag in site.rest.dags()[name]["tags"]}


def test_workers_whose_disks_are_wiped(site: MachinesSite) -> None:
    path = site.produce("wiped")
    site.at_work("wiped", "run")
    path.unlink()
    until("it is retired", 60, lambda: "retired" in tags(site, "wiped"))
    for worker in WORKERS:
        shutil.rmtree(site.stack.storage(worker))
    site.open_gate("wiped", "run")
    site.ends_well("wiped", "run")
    assert any(site.stack.storage(worker).exists() for worker in WORKERS)
