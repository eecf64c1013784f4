"""Runs one task of a transformation as its DIRAC workflow, in a separate process.

It does what a JobWrapper does and no more: a private directory, the owner's proxy, the input
files beside the payload, the workflow's modules. Invariant: it touches no state of the
Transformation System; the executor that started it reports.
"""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """What a task needs to run.

    :param transformation: transformation ID.
    :param number: task ID within the transformation.
    :param body: the transformation's workflow XML.
    :param lfns: its input files.
    :param environment: variables for the payload, the proxy among them.
    """

    transformation: int
    number: int
    body: str
    lfns: tuple[str, ...]
    directory: Path
    environment: dict[str, str] = field(repr=False)


def run(task: Task, failed_logs: Path) -> None:
    """Run ``task`` in this process and end it: exit code 0 is success.

    The output of a failed task is kept in ``failed_logs``.
    """
    task.directory.mkdir(parents=True)
    os.chdir(task.directory)
    os.environ.update(task.environment)
    for name in ("JOBID", "SANDBOX_READY_FILE"):
        os.environ.pop(name, None)
    try:
        problem = _execute(task)
    except BaseException:  # sys.exit in a workflow module is a failed task, too
        problem = traceback.format_exc()
    if problem:
        _keep_logs(task, problem, failed_logs)
    os.chdir("/")
    shutil.rmtree(task.directory, ignore_errors=True)
    sys.stdout.flush()
    os._exit(1 if problem else 0)


def _execute(task: Task) -> str:
    """Run the workflow. :returns: what went wrong, or an empty string."""
    import DIRAC
    from DIRAC.Core.Workflow.Parameter import Parameter
    from DIRAC.Core.Workflow.Workflow import fromXMLString

    DIRAC.initialize()
    problem = _fetch(task.lfns)
    if problem:
        return problem
    workflow = fromXMLString(task.body)
    values = {
        "PRODUCTION_ID": f"{task.transformation:08d}",
        "JOB_ID": f"{task.number:08d}",
        "InputData": ";".join(task.lfns),
    }
    for name, value in values.items():
        if workflow.findParameter(name):
            workflow.setValue(name, value)
        else:
            workflow.addParameter(Parameter(name, value, "string", "", "", True, False, ""))
    workflow.resolveGlobalVars()
    result = workflow.execute()
    return "" if result["OK"] else str(result["Message"])


def _fetch(lfns: Sequence[str]) -> str:
    """Put the input files beside the payload, as the Download input data policy does."""
    if not lfns:
        return ""
    from DIRAC.DataManagementSystem.Client.DataManager import DataManager

    result = DataManager().getFile(list(lfns), destinationDir=str(Path.cwd()))
    if not result["OK"]:
        return f"input data: {result['Message']}"
    failed = result["Value"]["Failed"]
    return f"input data: {failed}" if failed else ""


def _keep_logs(task: Task, problem: str, failed_logs: Path) -> None:
    kept = failed_logs / f"{task.transformation:08d}_{task.number:08d}"
    kept.mkdir(parents=True, exist_ok=True)
    for log in task.directory.glob("*.log"):
        shutil.copy(log, kept / log.name)
    (kept / "problem.txt").write_text(problem + "\n")
