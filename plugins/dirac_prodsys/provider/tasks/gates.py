"""Defines the task ``wait_for`` of a step, which waits for what must exist before the step starts.

Invariant: a worker plans the step, hands the wait to the trigger and is free. The start of the
wait is kept with it, so that a gate's own time limit does not begin anew.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.gates.gate import GateVerdict
from dirac_prodsys.core.reports.state_line import gate_state
from dirac_prodsys.errors import WaitTimeout
from dirac_prodsys.provider.addresses.assets import dataset_asset
from dirac_prodsys.provider.gate_trigger import DiracGateTrigger
from dirac_prodsys.provider.tasks.step_task import StepTask
from dirac_prodsys.provider.waiting.event_time import earliest_event
from dirac_prodsys.provider.waiting.state_keeping import keep

if TYPE_CHECKING:
    from airflow.sdk import Context


class DiracGateSensor(StepTask):
    """Wait until everything that a step waits for exists; return what was found, in words.

    Datasets of other productions are its inlets, so that Airflow's graph of assets shows the
    link.
    """

    asks_site = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.production is not None and self.step is not None:
            vo = self.production.vo
            self.add_inlets(
                [
                    dataset_asset(vo, entry.production, entry.step)
                    for entry in self.production.step(self.step).wait_for
                    if entry.production is not None and entry.step is not None
                ]
            )

    def work(self, context: Context, state: Mapping[str, Any]) -> None:
        """Hand the wait to the trigger."""
        gates = self.plan(context, state, with_datasets=False).gates
        for gate in gates:
            self.log.info("waiting for %s", gate.text)
        self._keep(context, "wait", "; ".join(gate.text for gate in gates))
        self.defer(
            trigger=DiracGateTrigger(
                gates=[gate.to_dict() for gate in gates],
                dirac_conn_id=self.dirac_conn_id,
                since=time.time(),
                not_before=earliest_event(),
                step=self.step or "",
            ),
            method_name="resume",
        )

    def resume(
        self, context: Context, event: Mapping[str, Any] | None = None, **_ignored: Any
    ) -> str:
        """Let the step start, or fail the run.

        :raises AirflowFailException: the time of a gate is over.
        """
        event = event or {}
        reason = str(event.get("reason") or "")
        if event.get("kind") != "open":
            self._keep(context, "fail", reason)
            raise AirflowFailException(str(WaitTimeout(reason, _HINT)))
        self.log.info("%s", reason)
        self._keep(context, "open", reason)
        return reason

    def _keep(self, context: Context, kind: Literal["open", "wait", "fail"], reason: str) -> None:
        state = gate_state(self.step or self.task_id, GateVerdict(kind, reason), 1, time.time())
        keep(context, state, self.log)


_HINT = "see to what is missing, then clear this task with what comes after it to wait anew"
