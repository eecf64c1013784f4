"""Machines that do not reach each other for a minute."""

from __future__ import annotations

import time

import pytest

from sandbox.airflow.machines.stack import GRID, TRIGGERERS
from tests.e2e.machines.runs import MachinesSite

#: seconds for one accident; the first also waits for all machines
pytestmark = pytest.mark.timeout(1800)

#: seconds
CUT = 60.0


@pytest.mark.parametrize("machine", ["broker", "db"])
def test_a_server_that_is_cut_from_all(site: MachinesSite, machine: str) -> None:
    name = f"{machine}_cut"
    site.produce(name)
    site.at_work(name, "waits")
    site.begin(name, "begins")
    with site.stack.network.cut(machine):
        # what a wait is for happens while nobody can hear of it
        site.open_gate(name, "waits")
        site.open_gate(name, "begins")
        time.sleep(CUT)
    site.ends_well(name, "waits", seconds=300)
    site.ends_well(name, "begins", seconds=300)


def test_triggerers_that_are_cut_from_the_grid(site: MachinesSite) -> None:
    site.produce("triggerers_cut")
    site.at_work("triggerers_cut", "run")
    with site.stack.network.apart(TRIGGERERS, GRID):
        site.open_gate("triggerers_cut", "run")
        time.sleep(CUT)
        assert site.rest.run("triggerers_cut", "run")["state"] == "running"
    site.ends_well("triggerers_cut", "run")
    assert {*site.tries("triggerers_cut", "run").values()} <= {0, 1}
