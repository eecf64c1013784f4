"""``dirac-prodsys check`` tells what does not fit, and repairs what is certain when asked to."""

from __future__ import annotations

import json

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid


@pytest.fixture
def at(good, tmp_path):
    """Run r1 of the good production, done but for its last step; the grid, and what leads to it."""
    name = f"check-{tmp_path.name}"
    grid = memory.register(name, MemoryGrid())
    gateway = MemoryGateway(grid)
    for step in compile_plan(load_production(good.read_text(), str(good)), run="r1").steps:
        record = gateway.create_transformation(step.transformation)
        gateway.prepare_directories([d.of(record.id) for d in step.transformation.directories])
        if step.transformation.tasks:
            gateway.ensure_tasks(record.id, step.transformation.tasks)
        gateway.start_transformation(record.id)
    grid.advance(300)
    yield grid, ["--backend", "memory", "--config", name]
    memory.forget(name)


def test_what_fits_is_reported_to_fit(prodsys, good, at):
    _, options = at
    result = prodsys("check", "--file", good, "--run", "r1", *options)
    assert result.exit_code == 0, result.output
    assert "good__r1__simulate: all fits" in result.stdout
    assert "good__r1__merge: all fits" in result.stdout


def test_an_output_that_is_gone_is_reported_with_its_task_or_file(prodsys, good, at):
    grid, options = at
    for lfn in [lfn for lfn in grid.catalogue.files if "simulate" in lfn][:1]:
        del grid.catalogue.files[lfn]
    result = prodsys("check", "--file", good, "--run", "r1", *options)
    assert result.exit_code == 1
    assert "1 tasks are Done, and their outputs are missing: task 1 (Done, none" in result.stdout


def test_repair_does_only_what_is_certain_and_reports_it(prodsys, good, at):
    grid, options = at
    merge = grid.transformations[2]
    lfn = next(lfn for lfn, file in merge.files.items() if file.status == "Processed")
    merge.files[lfn].status = "Unused"
    checked = prodsys("check", "--file", good, "--run", "r1", "--json", *options)
    assert checked.exit_code == 1
    (found,) = json.loads(checked.stdout)["good__r1__merge"]["inconsistencies"]
    assert (found["kind"], found["what"], found["certain"]) == (
        "output_without_processed",
        lfn,
        True,
    )
    assert merge.files[lfn].status == "Unused"
    done = prodsys("check", "--file", good, "--run", "r1", "--repair", *options)
    assert "1 of these files were set Processed" in done.stdout
    assert merge.files[lfn].status == "Processed"
    assert prodsys("check", "--file", good, "--run", "r1", *options).exit_code == 0


def test_by_name_alone_check_reports_what_it_cannot_know(prodsys, at):
    _, options = at
    result = prodsys("check", "good__r1__merge", *options)
    assert result.exit_code == 0
    assert "give the production file" in result.stdout


def test_without_a_name_the_error_says_what_to_give(prodsys):
    assert prodsys("check").exit_code == 2
