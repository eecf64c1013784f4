"""Reports at the end of a wait: the result of the jobs, and what does not fit together.

Invariant: nothing here ever delays or breaks the verdict itself: a grid that does not answer is a
line in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from dirac_prodsys.core.grid.jobs import JobReport
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import RequestSpec
from dirac_prodsys.core.grid.status import FileStatus
from dirac_prodsys.core.policy import History, StepRules, job_reports
from dirac_prodsys.core.policy.counts import vanished_files
from dirac_prodsys.core.policy.job_reports import SentReport
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.core.text.wording import first_of
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.procedures import consistency, recovery
from dirac_prodsys.gateway.procedures.reports import report_on
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.deployment.site import report_every
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.people.notify import NoticeSender, wanted
from dirac_prodsys.provider.tasks.step_task import StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context

T = TypeVar("T")

#: key of the XCom in which ``wait_for_input`` leaves why it ended, and its history
HANDED_ON = "history"

#: most vanished files that a message names
_NAMED = 5


class WaitReport(StepTask):
    """Reports on the jobs, checks files against jobs and catalogue, names vanished files."""

    rules: StepRules | None

    def _report(
        self, context: Context, snapshot: Mapping[str, Any] | None, past: History
    ) -> JobReport | None:
        """Report the result of the jobs; never break the verdict itself."""
        if not snapshot:
            return None
        number, name = int(snapshot["id"]), str(snapshot["name"])
        report = self._try(lambda gateway: report_on(gateway, number, name))
        if report is not None:
            self.records(context).jobs(report, number, name)
            self._mail(context, report, number, self.report_every(context))
        self.records(context).events(past.events, number, name)
        if report is not None and (report.total or past.events):
            report = replace(report, events=past.events)
            self.log.info("%s", report.to_text())
            pages = {"text": report.to_text(), "html": report.to_html()}
            push(context, "job_report", {**report.to_dict(), **pages})
        self._check(context, number)
        return report

    def report_every(self, context: Context, step: StepPlan | None = None) -> float:
        """Return the seconds between two tables of the step's jobs that people get; 0: none.

        The step's policy decides, else the site. A wait for a share of another step's work sends
        none: that step does.
        """
        if getattr(self, "ready_at", 0) or self.production is None:
            return 0.0
        step = step or self.plan(context, with_datasets=False)
        every = (self.rules or step.rules).report_every
        return report_every(context, step.transformation.type) if every is None else every

    def _mail_jobs(self, context: Context, snapshot: Mapping[str, Any], past: History) -> History:
        """Send people the table of jobs, if it changed; the returned history records the look."""
        number, name = int(snapshot["id"]), str(snapshot["name"])
        report = self._try(lambda gateway: report_on(gateway, number, name))
        if report is not None:
            self._mail(context, report, number, self.report_every(context))
        return job_reports.looked_at(Snapshot.from_dict(snapshot), past, time.time())

    def _mail(self, context: Context, report: JobReport, number: int, every: float) -> None:
        """Send the table if it is due; what was sent is recorded with the transformation."""
        if not every or not report.total or not wanted(self.production):
            return
        digest, now = job_reports.digest_of(report), time.time()

        def begin(gateway: ProductionGateway) -> bool:
            last = SentReport.from_text(gateway.read_note(number, job_reports.PARAMETER))
            due = job_reports.is_due(last, digest, now, every)
            if due:
                told = SentReport(digest, now).to_text()
                gateway.write_note(number, job_reports.PARAMETER, told)
            return due

        if not self._try(begin):
            return
        sender = NoticeSender(context, self.dirac_conn_id, self.production, number)
        notice = job_reports.of_jobs(report, self.step or self.task_id)
        if sender.send(notice, always=True) == "sent":
            done = SentReport(digest, now, sent=True).to_text()
            self._try(lambda grid: grid.write_note(number, job_reports.PARAMETER, done))

    def _check(self, context: Context, number: int) -> None:
        """Report what does not fit between files, jobs and catalogue; repair what is certain."""
        step = self.plan(context, with_datasets=False)
        active = (self.rules or step.rules).recovery.mode == "active"

        def carry_out(gateway: ProductionGateway) -> consistency.Checked:
            found = consistency.check(gateway, number, step.transformation)
            return consistency.repair(gateway, number, found) if active else found

        found = self._try(carry_out)
        if found is not None and found.found:
            for line in found.lines():
                self.log.warning("%s", line)
            push(context, "consistency", found.to_dict())

    def _name_vanished(self, context: Context, snapshot: Mapping[str, Any]) -> str:
        """Describe attached files that have left the catalogue; empty: there are none.

        Requests may remove their own input: nothing has vanished then.
        """
        seen = Snapshot.from_dict(snapshot)
        missing = seen.files.get(FileStatus.MISSING_IN_FC, 0)
        if not vanished_files(seen) and not missing:
            return ""
        if isinstance(self.plan(context, with_datasets=False).transformation.body, RequestSpec):
            return ""
        lost = self._try(lambda gateway: recovery.vanished(gateway, seen.id))
        if not lost:
            return ""
        lost_files = f"attached, and not in the catalogue any more: {first_of(lost, _NAMED)}"
        self.log.warning("%s", lost_files)
        return lost_files

    def _try(self, call: Callable[[ProductionGateway], T]) -> T | None:
        try:
            return call(DiracHook(self.dirac_conn_id).gateway())
        except ProdsysError as error:
            self.log.warning("nothing more can be reported: %s", error.reason)
            return None


def push(context: Context, key: str, value: Any) -> None:
    """Push a value for other tasks, where there are any."""
    task_instance = context.get("ti")
    if task_instance is not None:
        task_instance.xcom_push(key=key, value=value)


def handed_on(context: Context, task_id: str) -> Mapping[str, Any]:
    """Return what the wait for input left: ``kind`` and ``history``; empty: nothing.

    :param task_id: ID of any task of the step.
    """
    task_instance = context.get("ti")
    if task_instance is None:
        return {}
    group = task_id.rpartition(".")[0]
    first = f"{group}.wait_for_input" if group else "wait_for_input"
    found = task_instance.xcom_pull(task_ids=first, key=HANDED_ON)
    return found if isinstance(found, Mapping) else {}
