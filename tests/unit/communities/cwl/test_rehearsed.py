"""A workflow is rehearsed like any production: fewer tasks, and stand-ins that leave its files."""

from __future__ import annotations

from pathlib import Path

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.communities.cwl.document.validity import nobody_asked
from dirac_prodsys.core.grid.specs import JobSpec
from dirac_prodsys.core.rehearsal.stand_in import PROGRAM, stand_in
from sandbox.rehearsal.site import Part

PI = Path(__file__).parents[3] / "cwl" / "pi" / "pi.cwl"


def test_a_workflow_is_rehearsed_with_fewer_tasks_and_the_same_files() -> None:
    with nobody_asked():
        written = read_production(PI)
        part = Part.of(written, 2)
    assert part.plan.step("simulate").transformation.tasks == 2
    names = {}
    for step in part.plan.steps:
        body = stand_in(step.transformation, "DISK-A-SE").body
        assert isinstance(body, JobSpec)
        assert body.commands[0].executable == PROGRAM
        names[step.name] = [output.name for output in body.outputs]
    assert names == {
        "simulate": ["simulate_counts_@{JOB_ID}.json"],
        "join": ["join_joined_@{JOB_ID}.json"],
        "gather": ["gather_pi_@{JOB_ID}.json"],
    }
