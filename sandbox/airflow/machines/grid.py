"""Runs a DIRAC grid on a machine of its own, so that the network to it can be cut.

Its certificates and addresses say ``localhost``, and its services listen there. A relay on the same
machine listens on the network. The other machines know the grid's machine by the name
``localhost``, and a second relay makes it known outside of the machines under 127.0.0.1.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandbox import ports
from sandbox.airflow.machines.network import Network
from sandbox.configuration.environment import REPOSITORY
from sandbox.errors import SandboxError
from sandbox.grid.grid import Grid
from sandbox.grid.mariadb import NAME as MARIADB
from sandbox.process import Processes

_READY_SECONDS = 60.0


class FarGrid:
    """A light grid on a machine.

    :param machine: name of the machine.
    :param folder: place of its files.
    :param processes: run the relays.
    """

    def __init__(self, network: Network, machine: str, folder: Path, processes: Processes) -> None:
        self.network = network
        self.machine = machine
        self.grid = Grid(folder, "light")
        self._processes = processes

    def up(self) -> None:
        """Start it. :raises SandboxError: it does not start."""
        # chosen here, so that they are free on both sides
        self.grid.state.create()
        chosen = self.grid.ports()
        ports.demand_free(self.grid.state, chosen)
        self._command("up", "--profile", "light")
        public = [str(port) for name, port in chosen.items() if name != MARIADB]
        address = self.network.address(self.machine)
        near = [sys.executable, "-m", "sandbox.drivers.relay", address, "127.0.0.1", *public]
        far = [sys.executable, "-m", "sandbox.drivers.relay", "127.0.0.1", address, *public]
        for name, command in (
            ("grid-relay", self.network.on(self.machine, *near)),
            ("outer-relay", far),
        ):
            child = self._processes.start(name, command, self.grid.env(), REPOSITORY)
            self._processes.wait_ready(name, child, _READY_SECONDS)

    def down(self) -> None:
        """Stop it, whatever state it is in."""
        for name in ("outer-relay", "grid-relay"):
            self._processes.stop(name)
        self._command("down")

    def _command(self, word: str, *options: str) -> None:
        command = [sys.executable, "-m", "sandbox", word, "--state", str(self.grid.state.root)]
        done = subprocess.run(
            self.network.on(self.machine, *command, *options),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SandboxError(f"the grid: {(done.stderr or done.stdout).strip()}")
