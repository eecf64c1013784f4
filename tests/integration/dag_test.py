"""``dag.test()`` with a triggerer: tasks wait side by side, as they do in Airflow.

Airflow's own runs a trigger where its task deferred, one after the other, and does not tell it
whose it is. A step that begins with its parent could wait for that parent for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psutil
import pytest


def run_dag(dag: Any, **options: Any) -> Any:
    """Run a DAG once, as far as it goes; returns the run.

    :param options: of ``dag.test()``.
    """
    from airflow.sdk.definitions import dag as module

    from dirac_prodsys.provider.waiting import task_states

    with pytest.MonkeyPatch.context() as patch, contextlib.closing(_Triggerer(module)) as triggerer:
        patch.setattr(module, "_run_task", triggerer.run_task)
        patch.setattr(time, "sleep", triggerer.sleep)
        patch.setattr(task_states, "sync_to_async", _at_once)
        return dag.test(**options)


class _Triggerer:
    """Runs the triggers of all tasks that wait, in one event loop, while no task runs.

    :param module: that of ``dag.test()``.
    """

    def __init__(self, module: Any) -> None:
        self._run_task, self._sleep = module._run_task, time.sleep
        self._caller = threading.get_ident()
        #: whether a task or a trigger runs
        self._busy = False
        self._loop = asyncio.new_event_loop()
        #: what waits → ID of its task instance, and what the task returned when it deferred
        self._waiting: dict[asyncio.Task[Any], tuple[Any, Any]] = {}

    def run_task(self, *, ti: Any, task: Any, run_triggerer: bool = False) -> Any:
        """In place of ``dag.test()``'s: the task waits, and others go on."""
        from airflow.sdk.execution_time.comms import DeferTask

        with self._at_work():
            done = self._run_task(ti=ti, task=task, run_triggerer=False)
        if done is not None and isinstance(done.msg, DeferTask):
            waiting = self._loop.create_task(_first_event(ti, done.msg))
            self._waiting[waiting] = (ti.id, done.msg)
        return done

    def sleep(self, seconds: float) -> None:
        """In place of Python's: when no task can run, ``dag.test()`` sleeps, and triggers run."""
        if self._busy or threading.get_ident() != self._caller:
            self._sleep(seconds)
        elif not self._waiting:
            self._sleep(min(seconds, 0.05))
        else:
            self._work(seconds)

    def _work(self, seconds: float) -> None:
        """Let all wait until something happens to one of them, at most so long."""
        with self._at_work(), answered():
            look = asyncio.wait(self._waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            done, _ = self._loop.run_until_complete(look)
        for waiting in done:
            _resume(*self._waiting.pop(waiting), waiting.result())

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def close(self) -> None:
        """End whatever still waits."""
        for waiting in self._waiting:
            waiting.cancel()
        if self._waiting:
            self._loop.run_until_complete(asyncio.wait(self._waiting))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


async def _first_event(ti: Any, deferral: Any) -> Any:
    from airflow.sdk._shared.module_loading import import_string
    from airflow.sdk.serde import deserialize

    trigger = import_string(deferral.classpath)(**deserialize(deferral.trigger_kwargs))
    trigger.task_instance = SimpleNamespace(
        dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index
    )
    return await anext(trigger.run())


def _resume(number: Any, deferral: Any, event: Any) -> None:
    """Let Airflow schedule the task again, as its triggerer does."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import handle_event_submit
    from airflow.utils.session import create_session

    with create_session() as session:
        ti = session.get(TaskInstance, number)
        ti.next_method, ti.next_kwargs = deferral.next_method, deferral.next_kwargs
        handle_event_submit(event, task_instance=ti, session=session)


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """Have Airflow answer triggers, as in ``InProcessTestSupervisor.run_trigger_in_process``."""
    import structlog
    from airflow.sdk.execution_time.supervisor import (
        InProcessSupervisorComms,
        InProcessTestSupervisor,
        set_supervisor_comms,
    )

    class Comms(InProcessSupervisorComms):
        """Answers also those who do not block the loop, as the triggerer's does."""

        async def asend(self, message: Any) -> Any:
            return self.send(message)

    supervisor = InProcessTestSupervisor(
        id=uuid4(),
        pid=os.getpid(),
        process=psutil.Process(),
        process_log=structlog.get_logger(logger_name="task").bind(),
        client=InProcessTestSupervisor._api_client(),
    )
    supervisor.comms = Comms(supervisor=supervisor)
    with set_supervisor_comms(supervisor.comms):
        yield


def _at_once(call: Callable[..., Any]) -> Callable[..., Any]:
    """Asked in the thread of the loop: whatever asks at the same time asks for another task."""

    async def answer(*arguments: Any) -> Any:
        return call(*arguments)

    return answer
