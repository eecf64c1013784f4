"""SimPipe in CTAO's form: a configuration that stands beside the file, and a ledger."""

from __future__ import annotations

import pytest
import yaml

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from tests.unit.communities.ctao.ctao_files import (
    PROCESSING,
    SIMULATION,
    mistakes_of,
    plan,
    step,
    text,
)

UNSELECTABLE = (
    "only the jobs of Step1_MCSimulation know what it simulates: its files cannot be selected"
)

SIMPIPE = {"type": "SimPipe", "version": "v0.21.0", "simpipe_config": "simpipe/south.yml"}
SOUTH = """\
array_layout_name: CTAO-South-Alpha
site: South
primary: Gamma
azimuth_angle: 12.5
model_version: "6.10"
grid_output_path: out
"""


def test_a_configuration_beside_the_file_becomes_part_of_the_production():
    source = text(step(2, SIMPIPE), step(1, SIMULATION))
    others = {"simpipe/south.yml": SOUTH}
    production = load_production(source, "p.yml", read_sibling=others.get)
    again = load_production(production.source, "p.yml")
    assert compile(again, run="r1") == compile(production, run="r1")
    assert compile(again, run="r1").steps[1].transformation.output_query.to_dirac() == {
        "MCCampaign": {"=": "PROD6"},
        "array_layout": {"=": "CTAO-South-Alpha"},
        "configuration_id": {"=": 16},
        "data_level": {"=": -1},
        "outputType": {"=": "Data"},
        "particle": {"=": "gamma"},
        "phiP": {"=": 192.5},
        "sct": {"=": "False"},
        "site": {"=": "Paranal"},
        "tel_sim_prog": {"=": "simpipe"},
        "tel_sim_prog_version": {"=": "v0.21.0"},
        "thetaP": {"=": 20},
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"simpipe_config": "../south.yml"}, "'../south.yml' cannot be read here"),
        ({"simpipe_config": "none.yml"}, "'none.yml' cannot be read here"),
        ({"simpipe_config": {"site": "South"}}, "key 'primary' is missing"),
        (
            {"simpipe_config": {**yaml.safe_load(SOUTH), "run_number": 3}},
            "run_number does not belong here",
        ),
        ({"simpipe_config": {**yaml.safe_load(SOUTH), "site": "Mars"}}, "'Mars' is no site"),
        ({"simpipe_config": {**yaml.safe_load(SOUTH), "azimuth_angle": "up"}}, "'up' is no az"),
    ],
)
def test_a_configuration_that_lacks_something_is_reported(changed, reason):
    assert any(reason in found for _, found in mistakes_of(step(1, {**SIMPIPE, **changed})))


def test_nobody_can_take_files_of_a_ledger():
    ledger = {**SIMPIPE, "simpipe_config": {"job_grid_file": "a.ecsv", "grid_output_path": "out"}}
    assert plan(step(1, ledger)).steps[0].transformation.output_query is None
    assert mistakes_of(step(1, ledger), step(2, PROCESSING, {"parentID": 1})) == [
        (
            "parentID: 1",
            UNSELECTABLE,
        )
    ]
