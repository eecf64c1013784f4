"""Airflow as far as a run can feel it: scheduler and workers; the triggerer, and what persons
click, are mixed in.

Tasks of the real DAG are run by its real edges and trigger rules. A worker is a process: it gets a
fresh copy of the operator, and what it leaves behind is JSON.

Invariant: as in Airflow 3.3, going on after a wait is no new try, everything else is.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG, TriggerRule
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    TaskAwaitingInput,
    TaskDeferred,
)

from dirac_prodsys.gateway.memory.faults import Crash
from tests.outlet_event import OutletEvent
from tests.walk.clicks import Clicks
from tests.walk.clock import Clock
from tests.walk.productions import RUN
from tests.walk.tasks import BAD, DEAD_AFTER, DONE, Attempt, Row, TaskInstance
from tests.walk.triggerer import Triggerer


class Schedule(Triggerer, Clicks):
    """One run of one DAG.

    :param report: called after each execution.
    :param event: called with each trigger and its event.
    :param prepare: makes the operator of an execution out of the DAG's.
    :param params: what the run was triggered with.
    """

    def __init__(
        self,
        dag: DAG,
        clock: Clock,
        chance: random.Random,
        *,
        report: Callable[[Attempt], None],
        event: Callable[[Any, dict[str, Any]], None],
        prepare: Callable[[Any], Any] = copy.copy,
        dead_after: float = DEAD_AFTER,
        run_id: str = RUN,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.dag, self.clock, self.chance = dag, clock, chance
        self.report, self.event, self.prepare = report, event, prepare
        self.dead_after = dead_after
        self.run_id, self.params = run_id, dict(params or {})
        self.tasks = {t.task_id: TaskInstance(t.task_id, t.retries) for t in dag.tasks}
        self.state = "running"
        self._numbers = itertools.count(1)
        #: states at which no rule, as they go by nothing else, has anything to say
        self._settled: list[str | None] = []
        #: what became of second workers
        self.twins: list[BaseException] = []

    # -- the scheduler ---------------------------------------------------------------------------

    def round(self) -> None:
        """One round of scheduler, workers and triggerer."""
        self._tend_triggers()
        if self.state != "running":
            return
        settled, moved = self._settled == [ti.state for ti in self.tasks.values()], False
        for ti in self.tasks.values():
            before = ti.state
            if ti.state is None and (moved or not settled):
                ti.state = self._by_rule(ti)
            if ti.state == "lost" and self.clock.elapsed >= ti.until:
                self._fail(ti, retry=True)
            if ti.state == "up_for_retry" and self.clock.elapsed >= ti.until:
                # what it comes after may have been cleared meanwhile
                ti.state = self._by_rule(ti) or ti.state
            if ti.state == "awaiting_input" and self.clock.elapsed >= ti.until:
                self.silence(ti)
            moved = moved or ti.state != before
        self._settled = [] if moved else [ti.state for ti in self.tasks.values()]
        ready = [ti for ti in self.tasks.values() if ti.state == "scheduled"]
        self.chance.shuffle(ready)
        for ti in ready:
            # a worker may be late
            if ti.state == "scheduled" and self.chance.random() < 0.85:
                self._work(ti)
        if all(ti.state in DONE for ti in self.tasks.values()):
            self._finish()

    def states(self) -> dict[str, str | None]:
        """What Airflow says of all tasks."""
        return {name: ti.state for name, ti in self.tasks.items()}

    def _by_rule(self, ti: TaskInstance) -> str | None:
        task = self.dag.task_dict[ti.task_id]
        above = [self.tasks[name].state for name in task.upstream_task_ids]
        rule = task.trigger_rule
        if rule == TriggerRule.ALL_SUCCESS:
            if any(state in BAD for state in above):
                return "upstream_failed"
            if any(state == "skipped" for state in above):
                ti.declined = any(self.tasks[name].declined for name in task.upstream_task_ids)
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
            ti.question = None
        context = self.context(ti)
        error: BaseException | None = None
        result = None
        token = ExecutorSafeguard.tracker.set(operator)  # as Airflow's task runner does
        try:
            if method is None:
                result = operator.execute(context)
            else:
                result = operator.resume_execution(method, kwargs, context)
        except TaskDeferred as deferred:
            path, arguments = deferred.trigger.serialize()
            ti.row = next(self._numbers)
            self.rows[ti.row] = Row(path, json.dumps(arguments), ti.task_id)
            ti.park(deferred.method_name, dict(deferred.kwargs or {}))
            ti.state = "deferred"
        except TaskAwaitingInput as asked:
            patience = math.inf if asked.timeout is None else asked.timeout.total_seconds()
            ti.park(asked.method_name, dict(asked.kwargs or {}), self.clock.elapsed + patience)
            ti.state = "awaiting_input"
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
        self.report(Attempt(ti, str(ti.state), error, result))

    def twin(self, ti: TaskInstance) -> None:
        """Another worker does the same at the same time; nobody asks what becomes of it."""
        operator = self.prepare(self.dag.task_dict[ti.task_id])
        token = ExecutorSafeguard.tracker.set(operator)
        shadow = TaskInstance(ti.task_id, 0)
        shadow.store = ti.store
        try:
            operator.execute(self.context(shadow))
        except (Exception, TaskDeferred) as error:
            self.twins.append(error)
        finally:
            ExecutorSafeguard.tracker.reset(token)

    def context(self, ti: TaskInstance) -> dict[str, Any]:
        """What an execution is given, as far as our operators use it."""

        def pull(task_ids: str = ti.task_id, key: str = "return_value", **_: Any) -> Any:
            return (
                copy.deepcopy(self.tasks[task_ids].xcom.get(key))
                if task_ids in self.tasks
                else None
            )

        instance = SimpleNamespace(
            id=ti,
            task_id=ti.task_id,
            try_number=ti.tries,
            xcom_push=ti.xcom_push,
            xcom_pull=pull,
        )
        run = SimpleNamespace(
            run_id=self.run_id, state=self.state, conf={}, triggering_user_name="shifter"
        )
        return {
            "run_id": self.run_id,
            "ti": instance,
            "task_instance": instance,
            "dag": self.dag,
            "dag_run": run,
            "params": self.params,
            "task_state_store": ti.store,
            "outlet_events": defaultdict(OutletEvent),
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


def _real(dag: DAG, names: Iterable[str]) -> list[str]:
    """Those that are no teardowns."""
    return [name for name in names if not dag.task_dict[name].is_teardown]
