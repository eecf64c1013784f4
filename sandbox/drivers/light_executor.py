"""Runs the light profile: two real agents, and a local executor in place of the WMS.

TransformationAgent and InputDataAgent are DIRAC's own. Instead of WorkflowTaskAgent, WMS and
JobAgent, tasks in status Created are run here, two at a time, and statuses are reported as
WorkflowTaskAgent's monitoring would (DIRAC/TransformationSystem/Client/WorkflowTasks.py,
getSubmittedFileStatus): task Done, files Processed; task Failed, files Unused.

Invariant: a result once known is reported until the TransformationManager takes it, however long
that is down.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sandbox.configuration.community import HOST, VOS
from sandbox.configuration.profiles import LIGHT_AGENTS
from sandbox.drivers import agents, light_task, runtime
from sandbox.drivers.changes import Changes, RowCounter

#: seconds between two looks of a grid on which nothing moves
IDLE_SECONDS = 2.0
#: As WorkflowTaskAgent's SubmitStatus.
_SUBMIT_STATUS = ["Active", "Completing"]


@dataclass
class Running:
    """A running task, or an ended one whose report is pending."""

    task: light_task.Task
    process: BaseProcess


class Executor:
    """Runs Created tasks, at most ``slots`` at once."""

    def __init__(self, options: argparse.Namespace) -> None:
        from DIRAC.ConfigurationSystem.Client.Helpers.Operations import Operations
        from DIRAC.TransformationSystem.Client.TransformationClient import TransformationClient

        self.types: list[str] = Operations().getValue("Transformations/DataProcessing", [])
        self.client = TransformationClient()
        self.slots: int = options.slots
        self.work = Path(options.work)
        self.proxies = Path(options.proxies)
        self.logs = Path(options.logs)
        self.environment = {"DIRACSYSCONFIG": options.job_configuration}
        self._written = RowCounter(Path(options.socket))
        self.running: list[Running] = []
        self.reports: list[Callable[[], bool]] = []
        self.known: dict[int, dict[str, Any]] = {}
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["sandbox.drivers.light_preload"])

    def recover(self) -> bool:
        """Fail what a former executor left running. :returns: whether the grid answered."""
        transformations = self._transformations()
        if transformations is None:
            return False
        for task in self._tasks(list(transformations), ["Submitted", "Running"]):
            lfns = _lfns(task)
            self._report(task["TransformationID"], task["TaskID"], lfns, good=False)
        return True

    def step(self) -> bool:
        """Collect ended tasks, report them, start what can start.

        :returns: whether there is anything to do now, whatever the databases say.
        """
        for item in [item for item in self.running if not item.process.is_alive()]:
            self.running.remove(item)
            task = item.task
            good = item.process.exitcode == 0
            self._report(task.transformation, task.number, list(task.lfns), good=good)
        self.reports = [report for report in self.reports if not report()]
        # a task whose result is not yet reported still looks as before: start nothing new
        if self.reports or len(self.running) >= self.slots:
            return bool(self.reports)
        transformations = self._transformations() or {}
        # one a round, as JobAgent does: twins that upload in the same instant would both make the
        # directory, and DIRAC's FileStorage.putFile fails for the second
        for row in self._tasks(list(transformations), ["Created"])[:1]:
            self._start(row, transformations[row["TransformationID"]])
        return False

    def rows(self) -> int | None:
        """Count rows that were written, and tasks that have ended; None: nobody knows."""
        written = self._written()
        ended = sum(not item.process.is_alive() for item in self.running)
        return None if written is None else written + ended

    def _transformations(self) -> dict[int, dict[str, Any]] | None:
        result = self.client.getTransformations(
            {"Status": _SUBMIT_STATUS, "AgentType": ["Automatic"], "Type": self.types},
            columns=["TransformationID", "Author", "AuthorGroup"],
        )
        if not result["OK"]:
            return None
        return {row["TransformationID"]: row for row in result["Value"]}

    def _tasks(self, transformations: list[int], status: list[str]) -> list[dict[str, Any]]:
        if not transformations:
            return []
        result = self.client.getTransformationTasks(
            {"TransformationID": transformations, "ExternalStatus": status}, inputVector=True
        )
        rows: list[dict[str, Any]] = result["Value"] if result["OK"] else []
        return rows

    def _start(self, row: dict[str, Any], transformation: dict[str, Any]) -> None:
        number, identity = row["TaskID"], row["TransformationID"]
        body = self._body(identity)
        if body is None:
            return
        proxy = self._proxy(transformation, body)
        # the WMS would give a job ID; nobody asks the WMS of a light grid for it
        external = f"{identity}{number:06d}"
        if not self.client.setTaskStatusAndWmsID(identity, number, "Running", external)["OK"]:
            return
        task = light_task.Task(
            identity,
            number,
            body,
            tuple(_lfns(row)),
            self.work / f"{identity:08d}_{number:08d}_{os.urandom(3).hex()}",
            {**self.environment, "X509_USER_PROXY": str(proxy)},
        )
        process = self.context.Process(target=light_task.run, args=(task, self.logs))
        process.start()
        self.running.append(Running(task, process))

    def _body(self, transformation: int) -> str | None:
        if transformation not in self.known:
            result = self.client.getTransformationParameters(transformation, "Body")
            if not result["OK"]:
                return None
            self.known[transformation] = {"body": result["Value"]}
        body: str = self.known[transformation]["body"]
        return body

    def _proxy(self, transformation: dict[str, Any], body: str) -> Path:
        """Return the author's proxy.

        What ProductionManager made belongs to the host, which has no proxy.
        """
        user, group = transformation["Author"], transformation["AuthorGroup"]
        if user == HOST:
            vo = next((vo for vo in VOS if f"<![CDATA[{vo}]]>" in body), VOS[0])
            user, group = "prodmgr", f"{vo}_prod"
        return self.proxies / f"{user}.{group}.pem"

    def _report(self, transformation: int, number: int, lfns: list[str], *, good: bool) -> None:
        def files() -> bool:
            status = "Processed" if good else "Unused"
            done = self.client.setFileStatusForTransformation(transformation, status, lfns)
            return bool(done["OK"])

        def task() -> bool:
            status = "Done" if good else "Failed"
            return bool(self.client.setTaskStatus(transformation, number, status)["OK"])

        if lfns:
            self.reports.append(files)
        self.reports.append(task)


def _lfns(row: dict[str, Any]) -> list[str]:
    vector = row.get("InputVector") or ""
    return [lfn for lfn in vector.replace("LFN:", "").split(";") if lfn]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("work", "proxies", "logs", "job-configuration", "socket"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--pause", type=float, default=0.6)
    options = parser.parse_args()
    stop = runtime.until_terminated()
    runtime.configure_agent(LIGHT_AGENTS[0])
    from DIRAC import gLogger

    executor = Executor(options)
    real_agents = agents.load(list(LIGHT_AGENTS))
    runtime.ready()
    recovered = False
    # one round more after each change: an agent may have seen half of it
    changes = Changes(executor.rows, settled=options.pause)
    while not stop.is_set():
        rest = agents.cycle(real_agents)
        busy = True
        try:
            recovered = recovered or executor.recover()
            if recovered:
                busy = executor.step()
        except Exception as error:  # an answer cut short by an outage ends no executor
            gLogger.exception("light executor", lException=error)
        least = max(options.pause, rest)
        changes.wait(stop, least, least if busy else IDLE_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
