"""When a trigger may fire.

Invariant: no event comes while the worker of the task that deferred may still be taken for alive.
"""

from __future__ import annotations

import asyncio
import time

from airflow.sdk.configuration import conf


def earliest_event() -> float:
    """When a trigger of a task that defers now may fire, in seconds since the epoch.

    A worker may take ``[workers] min_heartbeat_interval`` to see that its task has deferred. When
    the task is running again by then, Airflow 3.3's scheduler takes the late news for a failure
    of it (``SchedulerJobRunner.process_executor_events``).
    """
    interval = conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0)
    return time.time() + interval + 1 if interval > 0 else 0.0


async def until_moment(moment: float) -> None:
    """Sleep until that moment, seconds since the epoch; at most a minute."""
    # the clocks of two hosts may differ; that must not cost a wait more than a minute
    await asyncio.sleep(min(60.0, max(0.0, moment - time.time())))
