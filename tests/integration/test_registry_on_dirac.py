"""A run in DIRAC's own ProductionSystem, as DIRAC's own commands show it."""

from __future__ import annotations

import subprocess

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.run.registry import description, members_of
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.provider.tasks.registry import follow_run
from sandbox import Grid
from tests.contract.systems import OnDirac, unique
from tests.patience import patience

TEXT = """
version: 1
production: {name: NAME, vo: sim, description: registered}
steps:
  make:
    type: MCSimulation
    tasks: 2
    job: {type: script, executable: /bin/true}
    output:
      directory: /sim/NAME/${{ run }}/make
      se: DISK-A-SE
      metadata: {production: NAME, run: "${{ run }}", step: make}
      files: ["made_@{JOB_ID}.dat"]
  merge:
    type: Merging
    group_size: 2
    input: {from: make}
    job: {type: script, executable: /bin/true}
"""


@pytest.fixture
def gateway(light_grid: Grid) -> DiracGateway:
    found = OnDirac(light_grid).gateway()
    assert isinstance(found, DiracGateway)
    return found


def command(grid: Grid, *words: str) -> str:
    done = subprocess.run(
        words, env=grid.env(), capture_output=True, text=True, timeout=patience(120), check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_diracs_commands_show_a_run_its_members_and_its_status(
    light_grid: Grid, gateway: DiracGateway
) -> None:
    name = unique("reg")
    plan = compile(load_production(TEXT.replace("NAME", name), "p.yaml"), run="r1")
    made = [gateway.create_transformation(step.transformation) for step in plan.steps]
    ids = {record.name: record.id for record in made}
    gateway.register_production(
        f"{name}__r1", description(plan, "dirac_prodsys"), members_of(plan, ids)
    )
    assert gateway.mark_production(f"{name}__r1", "Active") == "Active"

    shown = command(light_grid, "dirac-prod-get", f"{name}__r1")
    assert f"{name}__r1" in shown
    assert " Active " in shown
    members = command(light_grid, "dirac-prod-get-trans", f"{name}__r1")
    for record in made:
        assert record.name in members
    assert members.count(" New ") == 2  # being Active has started nothing
    assert "registered" in command(light_grid, "dirac-prod-get-description", f"{name}__r1")

    for record in made:
        gateway.complete_transformation(record.id)
    assert follow_run(gateway, plan) == "Completed"
    assert " Completed " in command(light_grid, "dirac-prod-get", f"{name}__r1")


def test_starting_the_entry_in_dirac_makes_no_transformations(gateway: DiracGateway) -> None:
    from dirac_prodsys.errors import GatewayRejected
    from dirac_prodsys.gateway.verbs.services import PRODUCTIONS, TRANSFORMATIONS

    name = unique("reg")
    plan = compile(load_production(TEXT.replace("NAME", name), "p.yaml"), run="r1")
    entry = gateway.register_production(f"{name}__r1", description(plan, "dirac_prodsys"), [])
    columns = (["TransformationID"],)
    before = gateway.services.call(
        TRANSFORMATIONS, "getTransformations", {}, None, None, "", None, None, False, None, *columns
    )
    with pytest.raises(GatewayRejected, match="stepID"):
        gateway.services.call(PRODUCTIONS, "startProduction", entry.id)
    after = gateway.services.call(
        TRANSFORMATIONS, "getTransformations", {}, None, None, "", None, None, False, None, *columns
    )
    assert before == after
