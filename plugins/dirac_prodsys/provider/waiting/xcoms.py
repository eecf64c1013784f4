"""Reads and writes the XComs of waiting tasks, on behalf of their triggers.

A grid that goes down changes the state of all waits at the same moment. Airflow's triggerer answers
its triggers one by one, in the loop that also sends its heartbeat. So the writes of all triggers
stand in one queue, only the newest value of each, and no trigger waits for its turn.

Invariant: writing never breaks or delays a wait; a failure is reported once.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from dirac_prodsys.provider.waiting.wait_log import reason_of

#: seconds after which reading or writing is given up
_PATIENCE = 20.0
#: seconds between two writes of all triggers together
_PAUSE = 0.02
#: longest time that an ending wait waits for its last writes, seconds
_LAST = 5.0


class Shelf:
    """Stores values of a task's trigger so that they outlive deferrals.

    :param task_instance: the trigger's, as the triggerer gave it; None: nothing is stored.
    """

    def __init__(self, task_instance: Any, log: Any) -> None:
        self._place = None if task_instance is None else _place(task_instance)
        self._log = log
        self._failed = False

    async def read(self, key: str) -> Any:
        """Return a stored value; None: there is none, or it cannot be read."""
        if self._place is None:
            return None
        from airflow.sdk.execution_time.xcom import XCom

        try:
            async with asyncio.timeout(_PATIENCE):
                return await XCom.aget_one(key=key, **self._place)
        except Exception as error:
            self._tell(reason_of(error))
            return None

    def write(self, key: str, value: Mapping[str, Any]) -> None:
        """Queue a value for writing."""
        if self._place is None:
            return
        line = _line()
        self._tell(line.failure)
        line.put(self._place, key, value)

    async def close(self) -> None:
        """Wait for a short time until all values are written."""
        if self._place is None:
            return
        line, until = _line(), time.monotonic() + _LAST
        while line.holds(self._place) and time.monotonic() < until:
            await asyncio.sleep(_PAUSE)
        self._tell(line.failure)

    def _tell(self, reason: str) -> None:
        if reason and not self._failed:
            self._log.info("how it stands is in the log alone: %s", reason)
        self._failed = self._failed or bool(reason)


class _Line:
    """The queue of writes of all triggers of one event loop."""

    def __init__(self) -> None:
        #: why the last write failed; empty: it did not
        self.failure = ""
        self._waiting: dict[tuple[str, str], tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        self._at_work = ""
        self._task: asyncio.Task[None] | None = None

    def put(self, place: Mapping[str, Any], key: str, value: Mapping[str, Any]) -> None:
        self._waiting[str(place), key] = (place, value)
        if self._task is None or self._task.done():
            # an empty context: it belongs to no single trigger
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), context=contextvars.Context())

    def holds(self, place: Mapping[str, Any]) -> bool:
        name = str(place)
        return self._at_work == name or any(of == name for of, _ in self._waiting)

    async def _run(self) -> None:
        from airflow.sdk.execution_time.xcom import XCom

        while self._waiting:
            (self._at_work, key) = next(iter(self._waiting))
            place, value = self._waiting.pop((self._at_work, key))
            try:
                async with asyncio.timeout(_PATIENCE):
                    await XCom.aset(key=key, value=value, **place)
                self.failure = ""
            except Exception as error:
                self.failure = reason_of(error)
            finally:
                self._at_work = ""
            await asyncio.sleep(_PAUSE)


_LINES: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()


def _line() -> _Line:
    return _LINES.setdefault(asyncio.get_running_loop(), _Line())


def _place(task_instance: Any) -> dict[str, Any]:
    index = getattr(task_instance, "map_index", None)
    return {
        "dag_id": task_instance.dag_id,
        "task_id": task_instance.task_id,
        "run_id": task_instance.run_id,
        "map_index": -1 if index is None else index,
    }
