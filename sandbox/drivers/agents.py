"""Runs DIRAC's agents by turns in one process: ``python -m sandbox.drivers.agents NAME ...``.

`dirac-agent` cannot cycle faster than 10 s (ThreadScheduler's least period); here the agents'
own ``am_go`` is called directly. Three waits that DIRAC hard-codes are shortened, and control
groups are off: JobAgent, run as root on a writable cgroup tree, would move every process of its
group, the caller's shell included (DIRAC/Core/Utilities/CGroups2.py).
"""

from __future__ import annotations

import argparse
import datetime
import os
import time
import types
from pathlib import Path
from typing import Any

from sandbox.configuration.profiles import JOB_AGENT
from sandbox.drivers import runtime
from sandbox.drivers.changes import Changes, RowCounter

#: seconds; TaskManagerAgentBase looks at tasks and files untouched for 10 minutes
MONITOR_DELAY_SECONDS = 4.0
#: time after which a file whose task has no job counts as lost
LOST = datetime.timedelta(minutes=10)
#: JobAgent waits 2 s longer after each cycle without a match.
NO_MATCH_SECONDS = 0.2
#: seconds of rest for each second of processor time that a round took
PAUSE_PER_CPU = 8.0
#: seconds between two rounds while nothing moves on the grid
IDLE_SECONDS = 3.0
#: seconds after the last change until nothing moves: monitoring looks at what has settled
SETTLED_SECONDS = MONITOR_DELAY_SECONDS + 2.0


def switch_off_control_groups() -> None:
    """Let JobAgent continue as on a worker node without cgroup v2."""
    from DIRAC import S_ERROR
    from DIRAC.Core.Utilities.CGroups2 import CG2Manager

    def set_up(_self: object) -> Any:
        return S_ERROR("control groups are off in the sandbox")

    CG2Manager.setUp = set_up


def shorten_monitor_delay() -> None:
    """Let task and file monitoring look after seconds."""
    from DIRAC.TransformationSystem.Agent import TaskManagerAgentBase

    def timedelta(**wait: float) -> datetime.timedelta:
        if wait == {"minutes": 10}:
            return datetime.timedelta(seconds=MONITOR_DELAY_SECONDS)
        return datetime.timedelta(**wait)

    TaskManagerAgentBase.datetime = types.SimpleNamespace(timedelta=timedelta)


def spare_files_without_job() -> None:
    """Let file monitoring ignore a file whose task is not submitted yet, for 10 minutes.

    DIRAC takes such a file for lost, and gives it to another task. With the shorter delay it would
    do so whenever jobs are submitted slowly, again and again until the file is MaxReset.
    """
    from DIRAC.Core.Utilities.TimeUtilities import DiracTime
    from DIRAC.TransformationSystem.Client.WorkflowTasks import WorkflowTasks

    look = WorkflowTasks.getSubmittedFileStatus

    def look_at_submitted(tasks: Any, files: list[dict[str, Any]]) -> Any:
        found = tasks.updateTransformationReservedTasks(files)
        unsubmitted = set(found["Value"]["NoTasks"]) if found["OK"] else set()

        def waits(file: dict[str, Any]) -> bool:
            name = tasks._transTaskName(file["TransformationID"], file["TaskID"])
            return name in unsubmitted and DiracTime.utcnow() - file["LastUpdate"] < LOST

        return look(tasks, [file for file in files if not waits(file)])

    WorkflowTasks.getSubmittedFileStatus = look_at_submitted


def shorten_match_wait() -> None:
    """Let JobAgent ask the Matcher again at once."""
    from DIRAC.WorkloadManagementSystem.Agent import JobAgent

    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, NO_MATCH_SECONDS))

    JobAgent.time = types.SimpleNamespace(time=time.time, sleep=sleep)


def serve_all_vos() -> None:
    """Let the one worker node take jobs of every VO.

    A generic pilot gets jobs of its own VO unless it names the groups
    (DIRAC/WorkloadManagementSystem/Client/Matcher.py, _checkCredentials), and the configuration
    can name only one VO.
    """
    from DIRAC import gConfig
    from DIRAC.WorkloadManagementSystem.Agent.JobAgent import JobAgent

    describe = JobAgent._setCEDict

    def describe_for_all(self: object, description: dict[str, Any]) -> None:
        describe(self, description)
        description["OwnerGroup"] = gConfig.getSections("/Registry/Groups")["Value"]

    JobAgent._setCEDict = describe_for_all


def load(names: list[str]) -> list[tuple[str, Any]]:
    """Create and initialise the agents, in order."""
    from DIRAC.ConfigurationSystem.Client import PathFinder
    from DIRAC.Core.Base.private.ModuleLoader import ModuleLoader

    loader = ModuleLoader("Agent", PathFinder.getAgentSection)
    runtime.ok(loader.loadModules(names), "agents do not load")
    agents = []
    for name, module in loader.getModules().items():
        agent = module["classObj"](name, module["loadName"], names[0])
        runtime.ok(agent.am_initialize(), f"{name} does not initialise")
        agent.am_setOption("MaxCycles", 10**9)
        agents.append((name, agent))
    return agents


def cycle(agents: list[tuple[str, Any]]) -> float:
    """Run one turn of each agent; a failing agent is logged and gets its next turn.

    :returns: seconds to wait before the next round: agents with little to do, on a busy machine,
        must not use half of it.
    """
    from DIRAC import gLogger

    started = time.process_time()
    for name, agent in agents:
        try:
            result = agent.am_go()
        except Exception as error:  # an agent's bug or outage ends neither it nor the others
            gLogger.exception(f"cycle of {name}", lException=error)
            continue
        if not result["OK"]:
            gLogger.error(f"cycle of {name}", result["Message"])
    return PAUSE_PER_CPU * (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--pause", type=float, default=0.8, help="seconds between two rounds")
    parser.add_argument("--extra", help="configuration file whose options win")
    parser.add_argument("--directory", help="working directory of what the agents start")
    parser.add_argument("--socket", required=True, help="socket of the grid's MariaDB")
    options = parser.parse_args()
    stop = runtime.until_terminated()
    runtime.configure_agent(options.names[0], options.extra)
    switch_off_control_groups()
    shorten_monitor_delay()
    spare_files_without_job()
    if JOB_AGENT in options.names:
        shorten_match_wait()
        serve_all_vos()
    if options.directory:
        os.chdir(options.directory)
    agents = load(options.names)
    changes = Changes(RowCounter(Path(options.socket)), SETTLED_SECONDS)
    runtime.ready()
    while not stop.is_set():
        changes.wait(stop, max(options.pause, cycle(agents)), IDLE_SECONDS)
    # finalize() of the cleaning agent would clean up a year of transformations; a stopped grid must
    # stay unchanged
    os._exit(0)


if __name__ == "__main__":
    main()
