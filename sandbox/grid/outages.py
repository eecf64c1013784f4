"""Causes outages of a grid on purpose: services, agents and the database go and come back.

Invariant: a part that comes back has its old port and data; nothing else of the grid is touched.
"""

from __future__ import annotations

import os
import signal
import time

from sandbox import ports
from sandbox.configuration.profiles import Profile
from sandbox.errors import SandboxError
from sandbox.grid import programs
from sandbox.grid.mariadb import NAME as MARIADB
from sandbox.grid.mariadb import MariaDB
from sandbox.process import Processes
from sandbox.state import State


class Outages:
    """The outages of a grid that is up; the grid itself provides its parts."""

    state: State
    profile: Profile
    separate: tuple[str, ...]
    processes: Processes
    mariadb: MariaDB

    def stop_service(self, service: str) -> None:
        """Stop a service that has its own process; its port then refuses connections.

        :raises SandboxError: it shares its process.
        """
        self.processes.stop(self._own_process(service))

    def kill_service(self, service: str) -> None:
        """Stop as `stop_service`, but by SIGKILL: the service's current work stays half done."""
        name = self._own_process(service)
        process = self.processes.find(name)
        if process:
            process.kill()
            process.wait(5)
        self.processes.stop(name)

    def start_service(self, service: str) -> None:
        """Start a service again after `stop_service`. :raises SandboxError: as `up`."""
        name = self._own_process(service)
        if self.processes.find(name) is None:
            programs.start_services(self.processes, name, [service])

    def stop_agents(self, name: str = "agents") -> None:
        """Stop a process of agents: their work is not done.

        :param name: name of the process in the profile.
        :raises SandboxError: there is no such process.
        """
        self._agents(name)
        self.processes.stop(name)

    def start_agents(self, name: str = "agents") -> None:
        """Start them again after `stop_agents`. :raises SandboxError: as `up`."""
        agents = self._agents(name)
        if self.processes.find(name) is None:
            programs.start_agents(self.processes, name, agents)

    def freeze(self, name: str) -> None:
        """Stop a process in its tracks: it keeps its connections and answers nobody.

        :param name: a service with its own process, or a process as `status` names it.
        """
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Undo `freeze`."""
        self._signal(name, signal.SIGCONT)

    def restart_mariadb(self, away_seconds: float = 0.0) -> None:
        """Stop the database, leave it away for a while, start it again."""
        self.mariadb.stop()
        time.sleep(away_seconds)
        self.mariadb.start(ports.allocate(self.state, self.profile.ports())[MARIADB])

    def _agents(self, name: str) -> tuple[str, ...]:
        if name not in self.profile.agents:
            there = ", ".join(self.profile.agents) or "none"
            raise SandboxError(f"no process of agents is called {name} here", f"there are: {there}")
        return self.profile.agents[name]

    def _own_process(self, service: str) -> str:
        if service not in self._layout():
            raise SandboxError(
                f"{service} shares its process with other services",
                f"start the grid with separate=[{service!r}]",
            )
        return self._layout()[service]

    def _layout(self) -> dict[str, str]:
        """Return service -> process name, for services with their own process."""
        separate = self.state.read("grid").get("separate", self.separate)
        return {service: service.split("/")[1] for service in separate}

    def _signal(self, name: str, number: signal.Signals) -> None:
        name = self._layout().get(name, name)
        process = self.processes.find(name)
        if process is None:
            raise SandboxError(f"{name} is not running", "see `python -m sandbox status`")
        os.killpg(process.pid, number)
