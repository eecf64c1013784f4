"""Decides when a trigger may fire.

Invariant: no event comes while Airflow may still take the worker of the deferred task for alive.
"""

from __future__ import annotations

import asyncio
import time

from airflow.sdk.configuration import conf

#: seconds that a busy scheduler may take to hear of a worker that has ended
SCHEDULER_SECONDS = 5.0

#: more seconds for what can wait: on a machine so busy that the scheduler hears later still, a try
#: of the task is lost
UNHURRIED_SECONDS = 15.0


def earliest_event() -> float:
    """Return when a trigger of a task that defers now may fire, in seconds since the epoch.

    A worker may take ``[workers] min_heartbeat_interval`` to see that its task has deferred. If the
    task is running again before the scheduler hears of that, Airflow 3.3's scheduler takes the late
    report for a failure of the task (``SchedulerJobRunner.process_executor_events``, Airflow's
    issues 67287 and 72716), and tries it again: a minute or two are lost, and the log of that try.
    """
    interval = conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0)
    return time.time() + interval + SCHEDULER_SECONDS if interval > 0 else 0.0


def unhurried_after(not_before: float) -> float:
    """Return the seconds from now after which a trigger may fire for something that can wait.

    :param not_before: :func:`earliest_event` of the trigger; 0: there is no worker.
    """
    return _seconds_to(not_before + UNHURRIED_SECONDS) if not_before else 0.0


async def wait_until(moment: float) -> None:
    """Sleep until that moment, seconds since the epoch; at most a minute."""
    await asyncio.sleep(_seconds_to(moment))


def _seconds_to(moment: float) -> float:
    # the clocks of two hosts may differ; that must not cost a wait more than a minute
    return min(60.0, max(0.0, moment - time.time()))
