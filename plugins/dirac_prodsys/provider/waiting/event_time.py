"""Decides when a trigger may fire.

Invariant: no event comes while Airflow may still take the worker of the deferred task for alive.
"""

from __future__ import annotations

import asyncio
import time

from airflow.sdk.configuration import conf

#: seconds that a busy scheduler may take to hear of a worker that has ended
SCHEDULER_SECONDS = 2.0


def earliest_event() -> float:
    """Return when a trigger of a task that defers now may fire, in seconds since the epoch.

    A worker may take ``[workers] min_heartbeat_interval`` to see that its task has deferred. If the
    task is running again before the scheduler hears of that, Airflow 3.3's scheduler takes the late
    report for a failure of the task (``SchedulerJobRunner.process_executor_events``), and tries it
    again.
    """
    interval = conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0)
    return time.time() + interval + SCHEDULER_SECONDS if interval > 0 else 0.0


async def wait_until(moment: float) -> None:
    """Sleep until that moment, seconds since the epoch; at most a minute."""
    # the clocks of two hosts may differ; that must not cost a wait more than a minute
    await asyncio.sleep(min(60.0, max(0.0, moment - time.time())))
