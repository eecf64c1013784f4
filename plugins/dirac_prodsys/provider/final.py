"""The last task of a run: what came of it, whatever way it ended.

It is a teardown, so that it runs after a failure and after a run was marked failed, and decides
nothing: whether the run succeeded is for the steps to say.

Invariant: read-only but for the run's entry in DIRAC's ProductionSystem, which follows its members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator

from dirac_prodsys.core import notices
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.reading import report_on_run
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.notify import Teller, wanted
from dirac_prodsys.provider.registry import tell_status
from dirac_prodsys.provider.whole import DiracProductionOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.plan import ProductionPlan
    from dirac_prodsys.core.production import Production


class DiracProductionReportOperator(DiracProductionOperator):
    """Report on all steps of the run: in the log, and as XCom ``production_report``.

    The XCom holds the JSON form of ``ProductionReport``, its ``text`` and its ``html``. Whoever
    wants to know that the production is completed, or failed, is told here.

    :param beside: tasks on which the production does not depend.
    """

    def __init__(self, *, beside: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.beside = tuple(beside)

    def work(self, context: Context, state: Mapping[str, Any]) -> None:
        """Read, tell, and let DIRAC's registry follow."""
        plan = self.whole_plan(context)
        report = self.on_grid(lambda gateway: report_on_run(gateway, plan))
        self.log.info("%s", report.table())
        task_instance = context.get("ti")
        if task_instance is not None:
            pages = {"text": report.to_text(), "html": report.to_html()}
            task_instance.xcom_push(key="production_report", value={**report.to_dict(), **pages})
        if self.whole.registry:
            self._tell_registry(plan)
        notice = notices.of_end(report, self._failed_tasks(context))
        Teller(context, self.dirac_conn_id, self.whole).tell(notice)

    def _failed_tasks(self, context: Context) -> list[str]:
        instance: Any = context.get("ti")
        if instance is None or not wanted(self.whole):
            return []
        run_id = instance.run_id
        states = instance.get_task_states(dag_id=instance.dag_id, run_ids=[run_id]).get(run_id, {})
        bad = {task for task, state in states.items() if state == "failed"}
        return sorted(bad - {*self.beside, self.task_id})

    def _tell_registry(self, plan: ProductionPlan) -> None:
        try:
            status = tell_status(DiracHook(self.dirac_conn_id).gateway(), plan)
        except ProdsysError as error:
            self.log.warning("the ProductionSystem was not told: %s", error.reason)
        else:
            if status:
                self.log.info("the ProductionSystem has the run as %s", status)


def reported(
    dag: DAG,
    production: Production,
    task_id: str,
    beside: Sequence[str] = (),
    *,
    setup: BaseOperator | None = None,
) -> None:
    """Add the report after everything else in the DAG.

    :param beside: tasks on which the production does not depend.
    :param setup: the setup of the DAG: what is cleared with it is reported on again.
    """
    last = [task for task in dag.tasks if not task.downstream_task_ids]
    with dag:
        report = DiracProductionReportOperator(
            task_id=task_id, production=production, beside=beside
        )
    last >> report.as_teardown(setups=setup)
