"""Asks a person while the run waits for the answer: Airflow's own human in the loop.

The task waits in the state ``awaiting_input``: without a worker, a trigger or a pool slot. The
answer is given in Airflow's page (Required Actions) or by its REST API, under Airflow's rights, and
is kept there with the name of the person who gave it.

Invariant: nothing a user wrote is rendered as a template: subject and body are set when the task
runs and are no template fields. A refusal, and silence that means one, fails the run at once and
with a clear message; clearing the task asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core import naming
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.policy.notices import Notice
from dirac_prodsys.core.production.parameters import taken
from dirac_prodsys.core.run import approval
from dirac_prodsys.core.run.generations import plan_of_run
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.procedures.reports import report_on
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.people.notify import NoticeSender
from dirac_prodsys.provider.people.params import generation_of_run, triggered_by, values_of_run
from dirac_prodsys.provider.reporting.task_records import TaskRecords

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production

APPROVE = "Approve"
REJECT = "Reject"


class DiracApprovalOperator(HITLOperator):
    """Ask whether a production, or one of its steps, may go on.

    The question shows the plan of the run; for a step, it also shows the result of its parents'
    jobs. Returns who agreed.

    :param production: the production, held by reference and never serialised.
    :param step: name of the step that waits for the answer; None: the production does.
    """

    template_fields: tuple[str, ...] = ()
    ui_color = "#faf0e0"

    def __init__(self, *, production: Production, step: str | None = None, **kwargs: Any) -> None:
        asked = production.approval if step is None else production.step(step).approval
        if asked is None:
            raise ValueError(f"{step or production.name} asks for no approval")
        within = None if asked.within is None else timedelta(hours=asked.within)
        # needed even without a time limit: Airflow shows it as the first choice, and otherwise all
        silence = {"reject": REJECT, "approve": APPROVE}[asked.otherwise]
        super().__init__(
            subject="",
            body="",
            options=[APPROVE, REJECT],
            defaults=silence,
            response_timeout=within,
            assigned_users=[{"id": user, "name": user} for user in asked.approvers] or None,
            **kwargs,
        )
        self.production = production
        self.step = step

    def execute(self, context: Context) -> Any:
        """Ask the question and wait.

        :raises AirflowFailException: the production cannot be planned.
        """
        run = naming.run_tag(str(context["run_id"]))
        try:
            given = values_of_run(context, self.production)
            generation = generation_of_run(context)
            plan = plan_of_run(self.production, run=run, parameters=given, generation=generation)
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None
        if self.step is not None and all(step.name != self.step for step in plan.steps):
            self.log.info("step %s has no part in this generation of the run", self.step)
            return {"approved": True, "by": ""}
        asked = plan.approval if self.step is None else plan.step(self.step).approval
        if asked is None:
            raise AirflowFailException("this run of the production asks for no approval")
        self.subject = approval.subject_of(asked)
        silence = (self.defaults or [REJECT])[0]
        who_asked = who_and_when(context, asked.within, silence)
        values = taken(self.production.parameters, given)
        if self.step is None:
            who_asked += f" Its values: {approval.code(values)}." if values else ""
            self.body = approval.before_production(plan, who_asked)
        else:
            self.body = approval.before_step(plan, self.step, self._reports(plan), who_asked)
        self.log.info("%s\n%s", self.subject, self.body)
        due = Notice("needs_person", (f"{self.step}: approval",), self.subject, self.step or "")
        NoticeSender(context, self.production.connection, self.production).send(due)
        return super().execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on, or fail.

        :raises AirflowFailException: somebody refused, or silence means so.
        """
        answer = super().execute_complete(context, dict(event))
        who = (answer.get("responded_by_user") or {}).get("name") or ""
        chosen = list(answer["chosen_options"])
        what = "production" if self.step is None else f"step {self.step}"
        how = f"by {who}" if who else "by silence: nobody answered within the time"
        records = TaskRecords(context, self.production, self.step or "")
        records.answer(", ".join(chosen), who, f"approval of the {what}")
        if chosen != [APPROVE]:
            raise AirflowFailException(f"the {what} was rejected {how}\n  hint: {_REJECTED}")
        self.log.info("the %s was approved %s", what, how)
        return {"approved": True, "by": who}

    def _reports(self, plan: ProductionPlan) -> list[str]:
        """Return the result of the parents' jobs; an error here never prevents the question."""
        if self.step is None or not plan.step(self.step).parents:
            return []
        names = [plan.step(parent).transformation.name for parent in plan.step(self.step).parents]
        found = []
        try:
            gateway = DiracHook(self.production.connection).gateway()
            for name in names:
                record = find_newest(gateway, [name]).get(name)
                report = record and report_on(gateway, record.id, name)
                if report and report.total:
                    found.append(report.to_text())
        except ProdsysError as error:
            found.append(f"the results of the jobs cannot be read: {error.reason}")
        return found


def who_and_when(context: Context, within: float | None, silence: str) -> str:
    """Return who asked for this run, and until when this question must be answered.

    :param within: hours to answer in; None: no limit.
    :param silence: what no answer means.
    """
    last = datetime.now(UTC) + timedelta(hours=within or 0)
    return approval.around(triggered_by(context), within, f"{last:%Y-%m-%d %H:%M} UTC", silence)


_REJECTED = "to be asked again, clear this task with what comes after it"
