"""Carries out the acts that the policy demands during a wait, before the wait goes on.

Invariant: each act returns what the wait must remember. An act that a killed worker leaves half
done is done again, because every verb of the gateway may be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.core.policy import History, StepRules, notices
from dirac_prodsys.core.policy.notice_kinds import ALARMS
from dirac_prodsys.gateway.procedures import recovery
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.people import notify
from dirac_prodsys.provider.tasks.step_task import StepTask
from dirac_prodsys.provider.tasks.wait_report import push
from dirac_prodsys.provider.waiting.unseen import setting

if TYPE_CHECKING:
    from airflow.sdk import Context

#: seconds after which a notice that failed to reach anybody is sent again
_TELL_AGAIN_AFTER = 600.0


class WaitActs(StepTask):
    """Flushes, adds tasks, recovers files, and notifies people."""

    rules: StepRules | None

    def _flush(
        self, context: Context, event: Mapping[str, Any], past: History, state: Mapping[str, Any]
    ) -> History:
        number = int(event["snapshot"]["id"])
        rules = self.rules or self.plan(context, state, with_datasets=False).rules
        if rules.needs_input and rules.recovery.mode == "active":
            # the grid may have reset files that were tried often enough
            past = self._recover(context, event, past, state)

        def flush(gateway: ProductionGateway) -> bool:
            seen = gateway.snapshot([number]).get(number)
            if seen is None or not seen.files.get(FileStatus.UNUSED, 0):
                return False
            return setting(
                context,
                gateway,
                number,
                TransformationStatus.FLUSH,
                lambda: gateway.flush_transformation(number),
            )

        occasion, reason = event.get("history"), str(event.get("reason") or "")
        records, name = self.records(context), str(event["snapshot"]["name"])
        records.before("flush", number, name, occasion, reason=reason)
        flushed = self.on_grid(flush, state)
        records.after("flush", number, name, occasion, reason=reason, result={"flushed": flushed})
        if not flushed:
            return past
        self.log.info("flushed %s (flush %d)", event["snapshot"]["name"], past.flushes + 1)
        notice = notices.of_flush(self._step_name(event["snapshot"]), event.get("reason") or "")
        self._sender(context, event["snapshot"]).send(notice)
        return past.flushed(time.time()).telling(str(event.get("reason") or ""))

    def _extend(
        self, context: Context, event: Mapping[str, Any], past: History, state: Mapping[str, Any]
    ) -> History:
        number, total = int(event["snapshot"]["id"]), int(event.get("tasks") or 0)
        rules = self.rules or self.plan(context, state).rules

        def extend(gateway: ProductionGateway) -> tuple[int, tuple[str, ...]]:
            notes = recovery.avoid_failing(gateway, number, rules)
            return gateway.ensure_tasks(number, total), notes

        occasion, reason = event.get("history"), str(event.get("reason") or "")
        records, name = self.records(context), str(event["snapshot"]["name"])
        records.before("extend", number, name, occasion, reason=reason)
        added, notes = self.on_grid(extend, state)
        records.after("extend", number, name, occasion, reason=reason, result={"added": added})
        for note in notes:
            self.log.info("%s", note)
        self.log.info("added %d tasks to %s", added, event["snapshot"]["name"])
        return past.telling(*notes)

    def _recover(
        self,
        context: Context,
        event: Mapping[str, Any],
        past: History,
        state: Mapping[str, Any],
        answer: str = "",
    ) -> History:
        step = self.plan(context, state)
        number, body = int(event["snapshot"]["id"]), step.transformation.body
        rules = (self.rules or step.rules).shaped(step.transformation)
        occasion = [event.get("kind"), event.get("history"), answer]
        records, whose = self.records(context), str(event["snapshot"]["name"])
        records.before("recover", number, whose, occasion, reason=str(event.get("reason") or ""))
        outcome = self.on_grid(
            lambda gateway: recovery.recover(gateway, number, body, rules, answer), state
        )
        records.after("recover", number, whose, occasion, result={"lines": outcome.lines()})
        for line in outcome.lines():
            self.log.info("%s", line)
        push(context, "recovery", outcome.to_dict())
        sender, name = self._sender(context, event["snapshot"]), self._step_name(event["snapshot"])
        for notice in notices.of_outcome(outcome.to_dict(), outcome.given_up(), name):
            sender.send(notice)
        lines = outcome.lines() if outcome.decisions or outcome.notes else []
        return outcome.remembered(past, time.time()).telling(*lines)

    def _tell(self, context: Context, event: Mapping[str, Any], past: History) -> History:
        """Notify people; the returned history records it."""
        sender, name = self._sender(context, event["snapshot"]), self._step_name(event["snapshot"])
        about, causes = event.get("about"), [str(cause) for cause in event.get("causes") or ()]
        if about == "recovered":
            sender.send_recovered(causes, name, event.get("reason") or "")
            return replace(past, reported=())
        if about == "late":
            self.log.warning("%s", event.get("reason"))
            late = notices.of_lateness(event.get("reason") or "", name)
            if sender.send(late) == "failed":
                return replace(past, tell_after=time.time() + _TELL_AGAIN_AFTER)
            return replace(past, late=True)
        kind = about if about in ALARMS else "needs_person"
        self.log.warning("%s", event.get("reason"))
        alarm = notices.of_alarm(kind, causes, event.get("reason") or "", name)
        if sender.send(alarm) == "failed":
            return replace(past, tell_after=time.time() + _TELL_AGAIN_AFTER)
        return replace(past, reported=(*past.reported, *causes))

    def _sender(self, context: Context, snapshot: Mapping[str, Any] | None) -> notify.NoticeSender:
        number = int(snapshot["id"]) if snapshot else None
        return notify.NoticeSender(context, self.dirac_conn_id, self.production, number)

    def _step_name(self, snapshot: Mapping[str, Any] | None) -> str:
        return self.step or (str(snapshot["name"]) if snapshot else self.task_id)

    def _given_up(self, reason: str) -> notices.Notice:
        name = self.step or self.task_id
        return notices.Notice("given_up", (f"{name}: {notices.cause_of(reason)}",), reason, name)
