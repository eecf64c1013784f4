"""Kills the jobs of a transformation before its cleaning, so that the cleaning can finish.

DIRAC's TransformationCleaningAgent kills them as well, in two calls: one kills, one deletes. Each
call records a command for the job with a time stamp in seconds, and two in the same second are a
"Duplicate entry". The agent takes that for a failure and starts again in its next cycle, with the
jobs that it has killed itself (``StatusUtils.kill_delete_jobs``, ``JobCommands`` in ``JobDB.sql``,
9.1). So it gets rid of a few live jobs only by chance, hours later.

Invariant: the agent finds no job that needs two commands. If killing is not permitted, or anything
else goes wrong here, the jobs are left to the agent.
"""

from __future__ import annotations

import contextlib

from dirac_prodsys.core.grid.status import GOOD_TASKS, TaskStatus
from dirac_prodsys.errors import GatewayError
from dirac_prodsys.gateway.verbs.services import JOB_MANAGER, TRANSFORMATIONS, Services

#: most jobs killed here; with more of them, a second passes between the agent's two calls for one
#: job
FEW = 500

#: all but those whose jobs are only deleted, or that have none
_TO_KILL = sorted(set(TaskStatus) - GOOD_TASKS - {TaskStatus.CREATED, TaskStatus.FAILED})


def kill_jobs(services: Services, transformation: int) -> int:
    """Kill and delete the jobs that have not ended by themselves; return their number."""
    where = {"TransformationID": transformation, "ExternalStatus": [str(s) for s in _TO_KILL]}
    asked = (where, None, None, "CreationTime", "TaskID", FEW + 1)
    tasks = services.call(TRANSFORMATIONS, "getTransformationTasks", *asked)
    jobs = {int(task["TaskID"]): int(task["ExternalID"] or 0) for task in tasks}
    jobs = {task: job for task, job in jobs.items() if job}
    if not jobs or len(tasks) > FEW:
        return 0
    try:
        services.call(JOB_MANAGER, "deleteJob", list(jobs.values()))
    except GatewayError:
        return 0
    # running jobs are Killed now, and can be Deleted; DIRAC complains about a second command in the
    # same second, but deletes all the same
    with contextlib.suppress(GatewayError):
        services.call(JOB_MANAGER, "deleteJob", list(jobs.values()))
    for task in jobs:
        # the agent sends no command for a task without a job
        arguments = (transformation, task, str(TaskStatus.KILLED), "0")
        services.call(TRANSFORMATIONS, "setTaskStatusAndWmsID", *arguments)
    return len(jobs)
