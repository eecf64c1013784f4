"""Airflow as far as a production can feel it: scheduler, worker, triggerer and what persons click.

Tasks of the real DAG are run by its real edges and trigger rules. A worker is a process: it gets a
fresh copy of the operator, and what it leaves behind is JSON. A triggerer holds rows of class path
and keyword arguments as JSON, and may be killed, or run the same row twice.

Invariant: as in Airflow 3.3, an event counts for the task that waits for that very row, and for
nobody else; going on after a wait is no new try, everything else is.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from dirac_prodsys.gateway.memory_faults import Crash
from tests.walk.clock import Clock
from tests.walk.productions import RUN

#: seconds between two rounds of the scheduler
ROUND = 15.0
#: seconds after which the scheduler takes a silent worker for dead
DEAD_AFTER = 300.0

DONE = frozenset({"success", "failed", "upstream_failed", "skipped"})
BAD = frozenset({"failed", "upstream_failed"})


class Store(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self[key] = json.loads(json.dumps(value))


@dataclass
class TaskInstance:
    """A task of the run; state None: not scheduled yet."""

    task_id: str
    max_tries: int
    state: str | None = None
    tries: int = 0
    #: state of a task that waits for a retry, or whose worker is dead: when that is over
    until: float = 0.0
    method: str | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    row: int | None = None
    xcom: dict[str, Any] = field(default_factory=dict)
    store: Store = field(default_factory=Store)
    #: skipped by its own decision, not by a person or by the scheduler
    declined: bool = False

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = json.loads(json.dumps(value))


@dataclass(frozen=True)
class Attempt:
    """How one execution ended, for the observer.

    :param end: the state that the task got.
    """

    task: TaskInstance
    end: str
    error: BaseException | None = None
    result: Any = None


@dataclass
class Row:
    """A trigger in Airflow's database."""

    path: str
    kwargs: str
    task: str


class Schedule:
    """One run of one DAG.

    :param around: entered around each execution of a task, and each call from the triggerer.
    :param told: called after each execution.
    :param event: called with each trigger and its event.
    """

    def __init__(
        self,
        dag: DAG,
        clock: Clock,
        chance: random.Random,
        *,
        told: Callable[[Attempt], None],
        event: Callable[[Any, dict[str, Any]], None],
        prepare: Callable[[Any], Any] = copy.copy,
        dead_after: float = DEAD_AFTER,
    ) -> None:
        self.dag, self.clock, self.chance = dag, clock, chance
        self.told, self.event, self.prepare = told, event, prepare
        self.dead_after = dead_after
        self.tasks = {t.task_id: TaskInstance(t.task_id, t.retries) for t in dag.tasks}
        self.state = "running"
        self.rows: dict[int, Row] = {}
        self._numbers = itertools.count(1)
        self._running: dict[int, list[asyncio.Task[None]]] = {}
        self._alive: dict[int, list[Any]] = {}
        self._kills: set[asyncio.Task[None]] = set()
        #: while it is later, no triggerer is at work
        self.triggerer_down_until = 0.0

    # -- the scheduler ---------------------------------------------------------------------------

    def round(self) -> None:
        """One round of scheduler, workers and triggerer."""
        self._tend_triggers()
        if self.state != "running":
            return
        ready = []
        for ti in self.tasks.values():
            if ti.state is None:
                ti.state = self._by_rule(ti)
            if ti.state == "lost" and self.clock.elapsed >= ti.until:
                self._fail(ti, retry=True)
            if ti.state == "up_for_retry" and self.clock.elapsed >= ti.until:
                ti.state = "scheduled"
            if ti.state == "scheduled":
                ready.append(ti)
        self.chance.shuffle(ready)
        for ti in ready:
            # a worker may be late
            if ti.state == "scheduled" and self.chance.random() < 0.85:
                self._work(ti)
        if all(ti.state in DONE for ti in self.tasks.values()):
            self._finish()

    def _by_rule(self, ti: TaskInstance) -> str | None:
        task = self.dag.task_dict[ti.task_id]
        above = [self.tasks[name].state for name in task.upstream_task_ids]
        rule = task.trigger_rule
        if rule == TriggerRule.ALL_SUCCESS:
            if any(state in BAD for state in above):
                return "upstream_failed"
            if any(state == "skipped" for state in above):
                return "skipped"
            return "scheduled" if all(state == "success" for state in above) else None
        if not all(state in DONE for state in above):
            return None
        if rule == TriggerRule.ALL_DONE:
            return "scheduled"
        if rule == TriggerRule.ALL_DONE_SETUP_SUCCESS:
            setups = [self.tasks[t.task_id].state for t in task.upstream_list if t.is_setup]
            if not setups or "success" in setups:
                return "scheduled"
            return "upstream_failed" if any(state in BAD for state in setups) else "skipped"
        if rule == TriggerRule.NONE_FAILED:
            return "upstream_failed" if any(s in BAD for s in above) else "scheduled"
        if rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS:
            if any(state in BAD for state in above):
                return "upstream_failed"
            return "scheduled" if "success" in above else "skipped"
        raise NotImplementedError(f"{ti.task_id}: trigger rule {rule}")

    def _finish(self) -> None:
        leaves = [
            task
            for task in self.dag.tasks
            if not _real(self.dag, task.downstream_task_ids)
            and (not task.is_teardown or task.on_failure_fail_dagrun)
        ]
        bad = any(self.tasks[task.task_id].state in BAD for task in leaves)
        self.state = "failed" if bad else "success"

    # -- workers ---------------------------------------------------------------------------------

    def _work(self, ti: TaskInstance) -> None:
        operator = self.prepare(self.dag.task_dict[ti.task_id])
        method, kwargs = ti.method, ti.kwargs
        ti.method, ti.kwargs, ti.row, ti.state = None, {}, None, "running"
        if method is None:
            ti.tries += 1
            ti.xcom = {}
        context = self.context(ti)
        error: BaseException | None = None
        result = None
        token = ExecutorSafeguard.tracker.set(operator)  # as Airflow's task runner does
        try:
            if isinstance(operator, EmptyOperator):
                pass
            elif method is None:
                result = operator.execute(context)
            else:
                result = operator.resume_execution(method, kwargs, context)
        except TaskDeferred as deferred:
            path, arguments = deferred.trigger.serialize()
            ti.row = next(self._numbers)
            self.rows[ti.row] = Row(path, json.dumps(arguments), ti.task_id)
            ti.method, ti.kwargs = deferred.method_name, dict(deferred.kwargs or {})
            ti.state = "deferred"
        except Crash as crash:
            error = crash
            ti.state, ti.until = "lost", self.clock.elapsed + self.dead_after
        except AirflowSkipException as skip:
            error = skip
            ti.state, ti.declined = "skipped", True
        except AirflowFailException as failure:
            error = failure
            self._fail(ti, retry=False)
        except Exception as failure:
            error = failure
            self._fail(ti, retry=True)
        else:
            ti.state = "success"
            if result is not None:
                ti.xcom_push("return_value", result)
        finally:
            ExecutorSafeguard.tracker.reset(token)
        self.told(Attempt(ti, str(ti.state), error, result))

    def context(self, ti: TaskInstance) -> dict[str, Any]:
        """What an execution is given, as far as our operators use it."""

        def pull(task_ids: str = ti.task_id, key: str = "return_value", **_: Any) -> Any:
            return (
                copy.deepcopy(self.tasks[task_ids].xcom.get(key))
                if task_ids in self.tasks
                else None
            )

        instance = SimpleNamespace(
            task_id=ti.task_id,
            try_number=ti.tries,
            xcom_push=ti.xcom_push,
            xcom_pull=pull,
        )
        return {
            "run_id": RUN,
            "ti": instance,
            "task_instance": instance,
            "dag": self.dag,
            "dag_run": SimpleNamespace(run_id=RUN, state=self.state, conf={}),
            "task_state_store": ti.store,
            "outlet_events": defaultdict(SimpleNamespace),
        }

    def _fail(self, ti: TaskInstance, *, retry: bool) -> None:
        task = self.dag.task_dict[ti.task_id]
        if retry and ti.tries <= ti.max_tries:
            ti.state = "up_for_retry"
            delay = task.retry_delay.total_seconds()
            if task.retry_exponential_backoff:
                delay = min(delay * 2 ** (ti.tries - 1), task.max_retry_delay.total_seconds())
            ti.until = self.clock.elapsed + delay
        else:
            ti.state = "failed"

    # -- the triggerer ---------------------------------------------------------------------------

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
            dag_id=self.dag.dag_id, run_id=RUN, task_id=row.task, map_index=-1
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
                ti.kwargs = {**ti.kwargs, "event": payload}
                ti.state, ti.row = "scheduled", None

    def kill_triggerer(self, seconds: float) -> None:
        """All triggers die; another triggerer begins them anew after a while."""
        self.triggerer_down_until = max(self.triggerer_down_until, self.clock.elapsed + seconds)
        for number in list(self._running):
            self._cancel(number)

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

    def states(self) -> dict[str, str | None]:
        """What Airflow says of all tasks."""
        return {name: ti.state for name, ti in self.tasks.items()}

    # -- persons ---------------------------------------------------------------------------------

    def clear(self, task_ids: Iterable[str], *, downstream: bool = True) -> list[str]:
        """Clear tasks, and by default all that follow; the run goes on."""
        wanted = set(task_ids)
        for name in list(wanted) if downstream else ():
            wanted |= self.dag.task_dict[name].get_flat_relative_ids(upstream=False)
        for task in [self.dag.task_dict[name] for name in wanted]:
            if not task.is_setup and not task.is_teardown:  # as Airflow's partial_subset does
                wanted |= {t.task_id for t in task.get_upstreams_only_setups_and_teardowns()}
        for name in sorted(wanted):
            ti = self.tasks[name]
            ti.state, ti.method, ti.kwargs, ti.row = None, None, {}, None
            ti.declined = False
            ti.max_tries = ti.tries + self.dag.task_dict[name].retries
        if wanted:
            self.state = "running"
        return sorted(wanted)

    def mark_failed(self, task_id: str) -> None:
        """Mark one task failed, whatever it is doing."""
        self._set(task_id, "failed")

    def mark_run_failed(self) -> None:
        """Mark the run failed: what is at work fails, the rest is skipped, but for teardowns."""
        for ti in self.tasks.values():
            if ti.state in DONE or self.dag.task_dict[ti.task_id].is_teardown:
                continue
            at_work = ti.state in ("running", "deferred", "lost")
            self._set(ti.task_id, "failed" if at_work else "skipped")
        teardowns = [t for t in self.dag.tasks if t.is_teardown]
        if not teardowns:
            self.state = "failed"

    def _set(self, task_id: str, state: str) -> None:
        ti = self.tasks[task_id]
        ti.state, ti.method, ti.kwargs, ti.row = state, None, {}, None

    def undone(self) -> list[str]:
        """Tasks that a person sees as failed, or passed over as the run was marked failed."""
        return [
            name
            for name, ti in self.tasks.items()
            if ti.state in BAD or (ti.state == "skipped" and not ti.declined)
        ]


def _real(dag: DAG, names: Iterable[str]) -> list[str]:
    """Those that are no teardowns."""
    return [name for name in names if not dag.task_dict[name].is_teardown]
