"""The tasks of a loop: is it over, and if not, once more.

::

    pass 1 ──> check_1 ──> pass_2 ──> pass 2 ──> check_2 ──> … ──> done

``check_k`` reads the number that the pass left; ``pass_k`` is skipped, and all of its pass with it,
when the loop is over; ``done`` says which pass was the last and comes before whatever is outside.

Invariant: a pass is created only when it is to run, under names of its own; the last pass is told
by ``done`` alone, and who takes files of the loop is planned by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import DAG, BaseOperator, TaskGroup
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.core.edges import Place
from dirac_prodsys.core.plan_values import LoopPlan
from dirac_prodsys.errors import TransformationFailed, WaitTimeout
from dirac_prodsys.provider.gate_trigger import DiracGateTrigger
from dirac_prodsys.provider.moments import earliest_event
from dirac_prodsys.provider.passes import told
from dirac_prodsys.provider.whole import DiracProductionOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production import Production


class DiracLoopCheckOperator(DiracProductionOperator):
    """Whether a loop is over after one of its passes; returns ``{"met", "reason"}``.

    :param loop: its name.
    :param number: of the pass.
    """

    asks_site = True

    def __init__(self, *, loop: str, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop = loop
        self.number = number

    def work(self, context: Context, state: Mapping[str, Any]) -> NoReturn:
        """Hand the wait for the file of the pass to the trigger."""
        plan = self.whole_plan(context)
        (loop,) = (each for each in plan.loops if each.name == self.loop)
        gate = loop.gates[self.number - 1]
        self.log.info("asking whether %s", gate.told)
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
        """Tell what was found.

        :raises AirflowFailException: there is no number to judge by.
        """
        event = event or {}
        kind, reason = event.get("kind"), str(event.get("reason") or "")
        if kind not in ("open", "closed"):
            raise AirflowFailException(str(WaitTimeout(reason, _NO_NUMBER)))
        self.log.info("pass %d of loop %s: %s", self.number, self.loop, reason)
        return {"met": kind == "open", "reason": reason}


class DiracLoopPassOperator(DiracProductionOperator):
    """Let the next pass begin, or skip it and all that comes after it in the loop.

    :param check: task ID of the check after the pass before.
    """

    def __init__(self, *, check: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check

    def work(self, context: Context, state: Mapping[str, Any]) -> None:
        """See the class.

        :raises AirflowSkipException: the loop is over.
        """
        found = told(context, self.check)
        if found.get("met"):
            raise AirflowSkipException(f"the loop is over: {found.get('reason')}")


class DiracLoopDoneOperator(DiracProductionOperator):
    """Say which pass of a loop was the last; returns ``{"last", "met"}``.

    :param checks: task IDs of all checks, in their order.
    :param otherwise: ``fail`` or ``go_on``, when none of them was met.
    """

    def __init__(self, *, checks: Sequence[str], otherwise: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checks = tuple(checks)
        self.otherwise = otherwise

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """See the class.

        :raises AirflowFailException: the bound is reached, and that is a failure; or a pass was
            not judged, as the run was marked failed.
        """
        one: Mapping[str, Any] = {}
        for number, check in enumerate(self.checks, 1):
            one = told(context, check)
            if not one:
                reason = f"pass {number} was not judged: task {check} has told nothing"
                raise AirflowFailException(str(TransformationFailed(reason, _UNTOLD)))
            if one.get("met"):
                self.log.info("the loop ended with pass %d: %s", number, one.get("reason"))
                return {"last": number, "met": True}
        reason = f"the loop has not ended in {len(self.checks)} passes: {one.get('reason')}"
        if self.otherwise == "fail":
            raise AirflowFailException(str(TransformationFailed(reason, _BOUND)))
        self.log.warning("%s; going on with the last pass", reason)
        return {"last": len(self.checks), "met": False}


def loop_tasks(
    dag: DAG, production: Production, loop: LoopPlan, group_id: Callable[[str], str]
) -> dict[Place, BaseOperator]:
    """The tasks of a loop, linked among themselves, by their places in the DAG."""
    checks: list[BaseOperator] = []
    places: dict[Place, BaseOperator] = {}
    with dag, TaskGroup(group_id=group_id(loop.name), tooltip=f"until {loop.gates[0].when}"):
        for number in range(1, len(loop.passes) + 1):
            if checks:
                again = DiracLoopPassOperator(
                    task_id=f"pass_{number}", production=production, check=checks[-1].task_id
                )
                checks[-1] >> again
                places[Place("pass", loop.name, number)] = again
            check = DiracLoopCheckOperator(
                task_id=f"check_{number}", production=production, loop=loop.name, number=number
            )
            places[Place("check", loop.name, number)] = check
            checks.append(check)
        done = DiracLoopDoneOperator(
            task_id="done",
            production=production,
            checks=[check.task_id for check in checks],
            otherwise=loop.otherwise,
            trigger_rule="none_failed",  # checks of passes that are not needed are skipped
        )
        checks >> done
    return {**places, Place("done", loop.name): done}


_NO_NUMBER = "let the pass leave its number, then clear this task with what comes after it"
_UNTOLD = "clear what was skipped when the run was marked failed, with what comes after it"
_BOUND = "see what the passes came to; raise at_most, or write otherwise: go_on"
