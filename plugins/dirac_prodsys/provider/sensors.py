"""Waiting for a transformation in a DAG: never with a worker.

Invariant: a worker looks up the ID, hands the wait to the trigger and is free; it comes back only
to carry a verdict out. Every way back in accepts events and arguments of older versions, because
a wait may be weeks old.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.errors import TransformationFailed, WaitTimeout
from dirac_prodsys.provider.base import DiracOperator
from dirac_prodsys.provider.triggers import DiracTransformationTrigger, earliest_event

if TYPE_CHECKING:
    from airflow.sdk import Context

#: seconds after which a wait is given up, if nothing else is said: 90 days
LONGEST_WAIT = 90 * 86400.0


class DiracTransformationSensor(DiracOperator, BaseSensorOperator):
    """Wait until the policy says that a transformation is complete (or ready to be flushed).

    Returns the snapshot that decided. A flush that falls due while waiting for ``complete`` alone
    (late or recovered files) is done here, and the wait goes on.

    :param until: the verdicts to return for: ``{"complete"}`` or ``{"flush", "complete"}``.
    :param inputs_final: False while other tasks may still add input files to the catalogue.
    :param rules: with ``spec``, the ``StepRules`` (or their dict); default: all tasks, or all
        files.
    :param timeout: seconds of waiting after which the task fails; kept by the trigger.
    """

    def __init__(
        self,
        *,
        until: Iterable[str] = ("complete",),
        inputs_final: bool = True,
        rules: StepRules | Mapping[str, Any] | None = None,
        timeout: float = LONGEST_WAIT,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.until = tuple(sorted(set(until)))
        if not set(self.until) <= {"flush", "complete"} or "complete" not in self.until:
            raise ValueError(f"{self.task_id}: until must be complete, or flush and complete")
        self.inputs_final = inputs_final
        self.rules = StepRules.from_dict(rules) if isinstance(rules, Mapping) else rules

    def work(self, context: Context, state: Mapping[str, Any]) -> NoReturn:
        """Look up the ID and hand the wait to the trigger.

        :param state: ``flushes`` and ``deadline`` of a wait that is taken up again.
        """
        step = self.plan(context, state)
        name = step.transformation.name
        record = self.on_grid(lambda gateway: self.find(gateway, name), state)
        self.remember_link(record.id, name)
        query = step.transformation.input_query
        rules = self.rules or step.rules
        deadline = state.get("deadline") or time.time() + self.timeout
        self.log.info(
            "waiting for %s of transformation %d %s", " or ".join(self.until), record.id, name
        )
        self.defer(
            trigger=DiracTransformationTrigger(
                transformation=record.id,
                name=name,
                dirac_conn_id=self.dirac_conn_id,
                rules=rules.to_dict(),
                query=query.to_dirac() if query is not None else None,
                inputs_final=self.inputs_final,
                flushes=int(state.get("flushes") or 0),
                deadline=deadline,
                not_before=earliest_event(),
            ),
            method_name="resume",
        )

    def resume(
        self, context: Context, event: Mapping[str, Any] | None = None, **_ignored: Any
    ) -> dict[str, Any] | None:
        """Carry out what the trigger was told by the policy.

        :raises AirflowFailException: the policy gave up, or the wait's deadline passed.
        """
        event = event or {}
        kind, reason = event.get("kind"), event.get("reason") or ""
        snapshot = event.get("snapshot")
        flushes = int(event.get("flushes") or 0)
        state = {"flushes": flushes, "deadline": event.get("deadline")}
        if snapshot:
            self.remember_link(int(snapshot["id"]), snapshot["name"])
        if kind in self.until:
            self.log.info("%s: %s", kind, reason)
            return snapshot
        if kind == "fail":
            raise AirflowFailException(str(TransformationFailed(reason, _FAIL_HINT)))
        if kind == "timeout":
            raise AirflowFailException(str(WaitTimeout(reason, _TIMEOUT_HINT)))
        if kind == "flush" and snapshot:
            number = int(snapshot["id"])
            if self.on_grid(lambda gateway: gateway.flush_transformation(number), state):
                state["flushes"] = flushes + 1
                self.log.info("flushed %s (flush %d): %s", snapshot["name"], flushes + 1, reason)
        return self.work(context, state)


_FAIL_HINT = "mend it in DIRAC, then clear this task to wait on; clearing starts nothing anew"
_TIMEOUT_HINT = "clear this task to wait on, or give the sensor a longer timeout"
