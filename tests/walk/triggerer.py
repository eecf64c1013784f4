"""The triggerer: it holds rows of class path and keyword arguments as JSON, may be killed, and may
run the same row twice.

Invariant: as in Airflow 3.3, an event counts for the task that waits for that very row, and for
nobody else.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG

from dirac_prodsys.provider import triggers
from tests.walk.clock import Clock
from tests.walk.tasks import Row, TaskInstance


class Triggerer:
    """Mix-in of :class:`Schedule`."""

    clock: Clock
    dag: DAG
    run_id: str
    tasks: dict[str, TaskInstance]
    event: Callable[[Any, dict[str, Any]], None]

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self._running: dict[int, list[asyncio.Task[None]]] = {}
        self._alive: dict[int, list[Any]] = {}
        self._kills: set[asyncio.Task[None]] = set()
        #: while it is later, no triggerer is at work
        self.triggerer_down_until = 0.0

    def _tend_triggers(self) -> None:
        wanted = {ti.row for ti in self.tasks.values() if ti.state == "deferred"}
        for number in [n for n in self.rows if n not in wanted]:
            del self.rows[number]
        for number in [n for n in self._running if n not in wanted]:
            self._cancel(number, kill=True)
        if self.clock.elapsed < self.triggerer_down_until:
            return
        for number in self.rows:
            if number not in self._running:
                self.run_trigger(number)

    def run_trigger(self, number: int) -> None:
        """Run a row, once more if it runs already, as when another triggerer takes it over."""
        row = self.rows[number]
        module, _, name = row.path.rpartition(".")
        trigger = getattr(importlib.import_module(module), name)(**json.loads(row.kwargs))
        trigger.task_instance = SimpleNamespace(
            dag_id=self.dag.dag_id, run_id=self.run_id, task_id=row.task, map_index=-1
        )
        self._alive.setdefault(number, []).append(trigger)
        running = asyncio.get_running_loop().create_task(self._run(number, trigger))
        self._running.setdefault(number, []).append(running)

    async def _run(self, number: int, trigger: Any) -> None:
        async for event in trigger.run():
            payload = json.loads(json.dumps(event.payload))
            self.event(trigger, payload)
            ti = next((t for t in self.tasks.values() if t.row == number), None)
            if ti is not None and ti.state == "deferred":
                ti.wake(payload)

    def kill_triggerer(self, seconds: float) -> None:
        """All triggers die; another triggerer begins them anew after a while."""
        self.triggerer_down_until = max(self.triggerer_down_until, self.clock.elapsed + seconds)
        for number in list(self._running):
            self._cancel(number)
        # last words as well, and so the poller that they share with all others of the process
        for word in (*self._kills, *triggers._KILLS):
            word.cancel()

    def _cancel(self, number: int, *, kill: bool = False) -> None:
        """:param kill: the triggerer lives, and lets the trigger say its last word."""
        for task in self._running.pop(number):
            kill = kill and not task.done()
            task.cancel()
        for trigger in self._alive.pop(number, ()):
            if kill:
                last = asyncio.get_running_loop().create_task(trigger.on_kill())
                self._kills.add(last)
                last.add_done_callback(self._kills.discard)
