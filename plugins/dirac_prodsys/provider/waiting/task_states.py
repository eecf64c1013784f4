"""Asks Airflow for the present states of a run's tasks, where a task's end is notified too late.

Invariant: a state is asked for, and never remembered for longer than a look at the grid; a missing
answer differs from an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from asgiref.sync import sync_to_async


def task_states(
    dag_id: str, run_id: str, task_ids: Sequence[str] | None = None
) -> dict[str, str | None]:
    """Map each task to its state; None: not scheduled yet. A mapped task ends in ``_INDEX``.

    :param task_ids: None: all tasks of the run.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    found: dict[str, dict[str, str | None]] = RuntimeTaskInstance.get_task_states(
        dag_id=dag_id, task_ids=None if task_ids is None else list(task_ids), run_ids=[run_id]
    )
    return found.get(run_id, {})


async def task_state(task_instance: Any) -> str | None:
    """Return the present state of a trigger's task; None: the task no longer exists.

    :param task_instance: the trigger's, as the triggerer gave it.
    """
    if task_instance is None:
        return None
    index = getattr(task_instance, "map_index", -1)
    name = task_instance.task_id if index is None or index < 0 else None
    states = await sync_to_async(task_states)(
        task_instance.dag_id, task_instance.run_id, [task_instance.task_id]
    )
    return states.get(name or f"{task_instance.task_id}_{index}")


#: DAG and run → when its tasks were asked for, and their states; shared by all waits of a run
_RECENT: dict[tuple[str, str], tuple[float, asyncio.Future[dict[str, str | None]]]] = {}

#: most runs that are remembered
_MANY = 200


async def recent_states(task_instance: Any, seconds: float) -> dict[str, str | None]:
    """Return the states of all tasks of a trigger's run, not older than these seconds.

    All waits of a run look at the grid at the same moment. Airflow is asked once for all of them:
    its answer costs it a row for each task of the run.

    :param task_instance: the trigger's, as the triggerer gave it.
    """
    key = task_instance.dag_id, task_instance.run_id
    asked, answer = _RECENT.get(key, (float("-inf"), None))
    here = asyncio.get_running_loop()
    if answer is None or answer.get_loop() is not here or time.monotonic() - asked >= seconds:
        if len(_RECENT) >= _MANY:
            _RECENT.clear()
        answer = asyncio.ensure_future(sync_to_async(task_states)(*key))
        _RECENT[key] = time.monotonic(), answer
    try:
        # a wait that is cancelled takes the answer from no other
        return await asyncio.shield(answer)
    except Exception:
        if _RECENT.get(key, (0.0, None))[1] is answer:
            del _RECENT[key]
        raise
