"""Connects our code with a walk: its gateways, its clock, and what it asks Airflow.

Invariant: nothing of our code itself is replaced, only what it stands on; compiling, which is
pure, is done once for each plan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest import mock
from weakref import WeakKeyDictionary

from airflow.providers.standard.operators import hitl as hitl_operator
from airflow.sdk._shared.dagnode.node import GenericDAGNode
from airflow.sdk.execution_time import hitl
from airflow.utils.log.logging_mixin import LoggingMixin

from dirac_prodsys.core.policy import judge
from dirac_prodsys.core.run import generations
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.provider import gate_trigger, hook, triggers
from dirac_prodsys.provider.tasks import preparing, run_end, run_report
from dirac_prodsys.provider.waiting import poller, xcoms
from tests.walk import clicks
from tests.walk.clock import no_waiting
from tests.walk.processes import SETTINGS

if TYPE_CHECKING:
    from tests.walk.walking import Walk

#: where operators and triggers get their loggers from
LOGGING = (GenericDAGNode, LoggingMixin)


class _Silent:
    """Formats what is logged, and drops it."""

    def _log(self, message: str, *arguments: Any, **_: Any) -> None:
        if arguments:
            message % arguments  # a wrong format is a mistake, too

    debug = info = warning = error = exception = _log


def inlined(call: Callable[..., Any]) -> Any:
    """In place of ``sync_to_async``: no thread."""

    async def answer(*arguments: Any) -> Any:
        return call(*arguments)

    return answer


def enter(walk: Walk, seams: ExitStack) -> None:
    """Let our code run on this walk."""

    async def asettings(_: Any) -> Any:
        return SETTINGS

    class InlineCalls:
        """The poller's thread, without a thread."""

        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self, call: Callable[[], Any], timeout: float) -> Any:
            try:
                return call()
            except Crash as crash:
                walk.tell(f"the triggerer is dead: {crash}")
                walk.kill_triggerer(60.0)
                await asyncio.get_running_loop().create_future()

        def close(self) -> None:
            """Nothing to be closed."""

    def states(dag_id: str, run_id: str, task_ids: Any = None) -> dict[str, str | None]:
        return walk.airflow.states()

    async def recent(instance: Any, seconds: float) -> dict[str, str | None]:
        return walk.airflow.states()

    async def state(instance: Any) -> str | None:
        return walk.airflow.states().get(instance.task_id)

    def looked(snapshot: Any, *given: Any, **clock: Any) -> Any:
        walk.observer.looked(snapshot.id, given[0], clock)
        return judge(snapshot, *given, **clock)

    def made_by(production: str, step: str) -> Sequence[str]:
        return walk.guards.made_by(production, step)

    seams.enter_context(no_waiting(walk.clock, InlineCalls))
    patches: list[tuple[Any, str, Any]] = [
        (hook.DiracHook, "settings", lambda _: SETTINGS),
        (hook.DiracHook, "asettings", asettings),
        (hook, "open_gateway", lambda _: walk.gateway(walk.at_work)),
        (poller, "open_gateway", lambda _: walk.gateway(walk.triggerer)),
        # what they keep holds the loop that it is kept for, and so the walk
        (poller, "_POLLERS", WeakKeyDictionary()),
        (xcoms, "_LINES", WeakKeyDictionary()),
        (triggers, "judge", looked),
        *((module, "task_states", states) for module in (run_report, preparing, run_end)),
        (triggers, "recent_states", recent),
        (triggers, "task_state", state),
        (gate_trigger, "BlockingCalls", InlineCalls),
        (gate_trigger, "sync_to_async", inlined),
        (gate_trigger, "made_by", made_by),
        (hitl, "upsert_hitl_detail", clicks.put),
        (hitl_operator, "upsert_hitl_detail", clicks.put),
        (generations, "compile_plan", walk.planned),
        *((where, "log", property(lambda _: _Silent())) for where in LOGGING),
    ]
    for where, name, value in patches:
        if not hasattr(where, name):  # mock would add a name of Python's own, which nobody reads
            raise AttributeError(f"{where.__name__} has no {name} any more")
        seams.enter_context(mock.patch.object(where, name, value))
