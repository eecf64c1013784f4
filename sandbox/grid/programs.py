"""Starts DIRAC's processes: driver, environment, and the wait until they are ready.

Invariant: a function returns when what it started is ready, or raises.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence

from sandbox.configuration import community, environment
from sandbox.configuration.profiles import CONFIGURATION, JOB_AGENT, Profile
from sandbox.errors import SandboxError
from sandbox.process import Processes

SERVICES = "services"
EXECUTOR = "executor"
WARM_PROGRAMS = "warm-programs"
_READY_SECONDS = 120.0
#: Module -> distribution: what DIRAC's services need beyond DIRAC's client.
_PACKAGES = {"DIRAC": "DIRAC", "MySQLdb": "mysqlclient", "opensearchpy": "opensearch-py"}


def demand_packages() -> None:
    """Check the packages of the services. :raises SandboxError: naming one that is missing."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise SandboxError(
            f"the Python package {_PACKAGES[missing[0]]} is not installed",
            "install the project with its extra: pip install '.[sandbox]'",
        )


def start_services(processes: Processes, name: str, services: Sequence[str]) -> None:
    """Run ``services`` in one process called ``name``.

    :raises SandboxError: with the last line of its log.
    """
    local = "services.cfg" if CONFIGURATION in services else "servers.cfg"
    env = environment.server(processes.state, local)
    child = _start(processes, name, "services", services, env)
    processes.wait_ready(name, child, _READY_SECONDS)


def start_engine(processes: Processes, profile: Profile) -> None:
    """Run what makes transformations move: the agents, all at once, or the local executor.

    :raises SandboxError: with the last line of the first log that has one.
    """
    state = processes.state
    env = environment.server(state, "servers.cfg")
    socket = env["SANDBOX_WARM_PROGRAMS"]
    children = {WARM_PROGRAMS: _start(processes, WARM_PROGRAMS, "warm_programs", [socket], env)}
    for name, agents in profile.agents.items():
        children[name] = _start_agents(processes, name, agents)
    if not profile.local_executor:
        for site in community.SITES:
            name = f"worker-{site.name}"
            children[name] = _start_worker_node(processes, name, site.name)
    else:
        places = {
            "--work": state.work,
            "--proxies": state.proxies,
            "--logs": state.log / "failed-tasks",
            "--job-configuration": state.etc / "jobs.cfg",
            "--socket": state.socket,
        }
        arguments = [str(part) for pair in places.items() for part in pair]
        children[EXECUTOR] = _start(processes, EXECUTOR, "light_executor", arguments, env)
    for name, child in children.items():
        processes.wait_ready(name, child, _READY_SECONDS)


def start_agents(processes: Processes, name: str, agents: Sequence[str]) -> None:
    """Run ``agents``, which take turns, in one process called ``name``.

    :raises SandboxError: with the last line of its log.
    """
    processes.wait_ready(name, _start_agents(processes, name, agents), _READY_SECONDS)


def _start_agents(
    processes: Processes, name: str, agents: Sequence[str]
) -> subprocess.Popen[bytes]:
    env = environment.server(processes.state, "servers.cfg")
    arguments = [*agents, "--socket", str(processes.state.socket)]
    return _start(processes, name, "agents", arguments, env)


def _start(
    processes: Processes, name: str, driver: str, arguments: Sequence[str], env: dict[str, str]
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"sandbox.drivers.{driver}", *arguments]
    return processes.start(name, command, env, environment.REPOSITORY)


def _start_worker_node(processes: Processes, name: str, site: str) -> subprocess.Popen[bytes]:
    state = processes.state
    local = f"{site}.cfg"
    env = environment.server(state, local, state.worker_node(site))
    env["X509_USER_PROXY"] = str(state.proxies / "pilot.sim_pilot.pem")
    # JobAgent starts its wrapper with the interpreter behind the environment's symbolic link
    packages = [path for path in sys.path if path.endswith("site-packages")]
    env["PYTHONPATH"] = os.pathsep.join(packages)
    directory = state.work / site
    directory.mkdir(exist_ok=True)
    arguments = [JOB_AGENT, "--extra", str(state.etc / local), "--directory", str(directory)]
    arguments += ["--socket", str(state.socket)]
    return _start(processes, name, "agents", arguments, env)
