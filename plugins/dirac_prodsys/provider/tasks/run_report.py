"""Reports on a run in its last task, whatever way it ended; the run's state is the task's own.

The task is a teardown, so that it runs after a failure and after the run was marked failed. Airflow
3.3 would take a run that a person marked failed for a success: it skips the tasks after those that
waited, and judges by the last tasks alone.

Invariant: read-only but for the run's entry in DIRAC's ProductionSystem, which follows its members.
The steps decide whether the run succeeded; a report that cannot be made changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.policy import notices
from dirac_prodsys.core.run.end import ending
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.procedures.reports import report_on_run
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.people.notify import NoticeSender, wanted
from dirac_prodsys.provider.reporting import summary_folder
from dirac_prodsys.provider.tasks.production_task import ProductionTask
from dirac_prodsys.provider.tasks.registry import follow_run
from dirac_prodsys.provider.waiting.state_keeping import STATE
from dirac_prodsys.provider.waiting.task_states import task_states

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.plan.values import ProductionPlan


class DiracProductionReportOperator(ProductionTask):
    """Report on all steps of the run: in the log, and as XCom ``production_report``.

    The XCom holds the JSON form of ``ProductionReport``, its ``text`` and its ``html``. This task
    also notifies whoever wants to know that the production is completed, or failed. Returns how
    the run ended.

    :param last: IDs of the tasks after which a run has nothing more to do.
    :param optional: IDs of tasks on which the production does not depend.
    """

    def __init__(
        self, *, last: Sequence[str] = (), optional: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.last, self.optional = tuple(last), tuple(optional)

    def work(self, context: Context, state: Mapping[str, Any]) -> str:
        """Report, then fail if the run did.

        :raises AirflowFailException: the run failed.
        """
        try:
            self._report(context)
        except Exception as error:
            if not isinstance(error, AirflowFailException) and _is_tried_again(context):
                raise
            self.log.warning("there is no report: %s", error)
        states = task_states(context["dag"].dag_id, str(context["run_id"]))
        how = ending(states, self.last)
        records = self.records(context)
        records.run_ended(how, [t for t, one in states.items() if one == "failed"])
        place = records.place()
        summary_folder.write_after_run(place.production, place.campaign)
        if how == "failed":
            failed = sorted(task for task, one in states.items() if one == "failed")
            lines = [f"the run did not complete: {', '.join(failed)} failed"]
            raise AirflowFailException("\n  ".join([*lines, *self._last_words(context, failed)]))
        return how

    def _last_words(self, context: Context, failed: Sequence[str]) -> list[str]:
        """Return the last state of each step with a failed wait, one line each."""
        instance: Any = context.get("ti")
        try:
            kept = [instance.xcom_pull(task_ids=task, key=STATE) for task in failed]
        except Exception as error:
            self.log.info("the last states of the steps cannot be read: %r", error)
            return []
        return [str(state["line"]) for state in kept if isinstance(state, Mapping)]

    def _report(self, context: Context) -> None:
        """Read, report, and let DIRAC's registry follow."""
        plan = self.plan(context)
        report = self.on_grid(lambda gateway: report_on_run(gateway, plan))
        self.log.info("%s", report.table())
        task_instance = context.get("ti")
        if task_instance is not None:
            pages = {"text": report.to_text(), "html": report.to_html()}
            task_instance.xcom_push(key="production_report", value={**report.to_dict(), **pages})
        if self.production.registry:
            self._tell_registry(plan)
        states = [(step.row.step, step.row.status) for step in report.steps]
        failed = self._failed_tasks(context)
        notice = notices.of_end(states, failed, report.to_text(), report.to_html())
        NoticeSender(context, self.dirac_conn_id, self.production).send(notice)

    def _failed_tasks(self, context: Context) -> list[str]:
        instance: Any = context.get("ti")
        if instance is None or not wanted(self.production):
            return []
        run_id = instance.run_id
        states = instance.get_task_states(dag_id=instance.dag_id, run_ids=[run_id]).get(run_id, {})
        bad = {task for task, state in states.items() if state == "failed"}
        return sorted(bad - {*self.optional, self.task_id})

    def _tell_registry(self, plan: ProductionPlan) -> None:
        try:
            status = follow_run(DiracHook(self.dirac_conn_id).gateway(), plan)
        except ProdsysError as error:
            self.log.warning(
                "the entry in the ProductionSystem is not up to date: %s", error.reason
            )
        else:
            if status:
                self.log.info("the ProductionSystem has the run as %s", status)


def _is_tried_again(context: Context) -> bool:
    """Check whether Airflow begins the task anew if it ends with an error now."""
    instance: Any = context.get("ti")
    return getattr(instance, "try_number", 1) <= getattr(instance, "max_tries", 0)
