"""Killing the jobs of a transformation that is to be cleaned, so that its cleaning comes to an end.

DIRAC's TransformationCleaningAgent kills them, too, twice in a row: once to kill, once to delete.
Each time it notes a command for the job under the second of the clock, and two in one second are a
"Duplicate entry": the agent takes that for a failure and begins anew in its next cycle, with the
jobs that it has killed itself (``StatusUtils.kill_delete_jobs``, ``JobCommands`` in ``JobDB.sql``,
9.1). Of a few jobs that did not end by themselves it so gets rid by chance only, hours later.

Invariant: the agent finds no job of which it would have to be told twice; who must not kill jobs,
and whatever else goes wrong here, leaves them to the agent.
"""

from __future__ import annotations

import contextlib

from dirac_prodsys.core.grid.status import GOOD_TASKS, TaskStatus
from dirac_prodsys.errors import GatewayError
from dirac_prodsys.gateway.verbs.services import JOB_MANAGER, TRANSFORMATIONS, Services

#: jobs; of more of them, a second has passed before the agent comes to one for the second time
FEW = 500

#: all but those whose jobs are only deleted, or that have none
_TO_KILL = sorted(set(TaskStatus) - GOOD_TASKS - {TaskStatus.CREATED, TaskStatus.FAILED})


def kill_jobs(services: Services, transformation: int) -> int:
    """Kill and delete the jobs that have not ended by themselves; how many they were."""
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
    # what ran is Killed now, and can be Deleted; of a second command in one second DIRAC complains,
    # and deletes all the same
    with contextlib.suppress(GatewayError):
        services.call(JOB_MANAGER, "deleteJob", list(jobs.values()))
    for task in jobs:
        # the agent asks nothing for a task without a job
        arguments = (transformation, task, str(TaskStatus.KILLED), "0")
        services.call(TRANSFORMATIONS, "setTaskStatusAndWmsID", *arguments)
    return len(jobs)
