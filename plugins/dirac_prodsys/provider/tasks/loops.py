"""Defines the tasks of a loop, which decide after each pass whether there is another.

::

    the steps of pass 1 ──> check ──> begin ──> those of pass 2 ──> check ──> … ──> done

``check`` reads the number that its pass left. When the loop is over, ``begin`` is skipped with all
of its pass. ``done`` names the last pass, and comes before every task outside the loop.

Invariant: a pass is created only when it is to run, under names of its own. Only ``done`` names the
last pass, and the steps that take files of the loop are planned from it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.errors import TransformationFailed, WaitTimeout
from dirac_prodsys.provider.gate_trigger import DiracGateTrigger
from dirac_prodsys.provider.tasks.production_task import ProductionTask
from dirac_prodsys.provider.tasks.run_plan import result_of
from dirac_prodsys.provider.waiting.event_time import earliest_event

if TYPE_CHECKING:
    from airflow.sdk import Context


class DiracLoopCheckOperator(ProductionTask):
    """Check whether a loop is over after one of its passes; return ``{"met", "reason"}``.

    :param loop: its name.
    :param number: number of the pass, from 1.
    """

    asks_site = True

    def __init__(self, *, loop: str, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop = loop
        self.number = number

    def work(self, context: Context, state: Mapping[str, Any]) -> NoReturn:
        """Hand the wait for the file of the pass to the trigger."""
        plan = self.plan(context)
        (loop,) = (each for each in plan.loops if each.name == self.loop)
        gate = loop.gates[self.number - 1]
        self.log.info("asking whether %s", gate.text)
        self.defer(
            trigger=DiracGateTrigger(
                gates=[gate.to_dict()],
                dirac_conn_id=self.dirac_conn_id,
                since=time.time(),
                not_before=earliest_event(),
                decides=True,
            ),
            method_name="resume",
        )

    def resume(
        self, context: Context, event: Mapping[str, Any] | None = None, **_ignored: Any
    ) -> dict[str, Any]:
        """Return what was found.

        :raises AirflowFailException: there is no number to judge by.
        """
        event = event or {}
        kind, reason = event.get("kind"), str(event.get("reason") or "")
        if kind not in ("open", "closed"):
            raise AirflowFailException(str(WaitTimeout(reason, _NO_NUMBER)))
        self.log.info("pass %d of loop %s: %s", self.number, self.loop, reason)
        return {"met": kind == "open", "reason": reason}


class DiracLoopPassOperator(ProductionTask):
    """Let the next pass begin, or skip it and all that comes after it in the loop.

    :param check: task ID of the check of the previous pass.
    """

    def __init__(self, *, check: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check

    def work(self, context: Context, state: Mapping[str, Any]) -> None:
        """Skip if the loop is over; see the class.

        :raises AirflowSkipException: the loop is over.
        """
        found = result_of(context, self.check)
        if found.get("met"):
            raise AirflowSkipException(f"the loop is over: {found.get('reason')}")


class DiracLoopDoneOperator(ProductionTask):
    """Name the last pass of a loop; return ``{"last", "met"}``.

    :param checks: task IDs of all checks, in order.
    :param otherwise: ``fail`` or ``go_on``, when no check was met.
    """

    def __init__(self, *, checks: Sequence[str], otherwise: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checks = tuple(checks)
        self.otherwise = otherwise

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the last pass; see the class.

        :raises AirflowFailException: the bound is reached, and that is a failure; or a pass was
            not judged, because the run was marked failed.
        """
        one: Mapping[str, Any] = {}
        for number, check in enumerate(self.checks, 1):
            one = result_of(context, check)
            if not one:
                reason = f"pass {number} was not judged: task {check} has no result"
                raise AirflowFailException(str(TransformationFailed(reason, _NOT_JUDGED)))
            if one.get("met"):
                self.log.info("the loop ended with pass %d: %s", number, one.get("reason"))
                return {"last": number, "met": True}
        reason = f"the loop has not ended in {len(self.checks)} passes: {one.get('reason')}"
        if self.otherwise == "fail":
            raise AirflowFailException(str(TransformationFailed(reason, _BOUND)))
        self.log.warning("%s; going on with the last pass", reason)
        return {"last": len(self.checks), "met": False}


_NO_NUMBER = "let the pass leave its number, then clear this task with what comes after it"
_NOT_JUDGED = "clear what was skipped when the run was marked failed, with what comes after it"
_BOUND = "see what the passes came to; raise at_most, or write otherwise: go_on"
