"""Waits for a transformation in a DAG without holding a worker.

Invariant: a worker looks up the ID, hands the wait to the trigger and is free. It returns only to
carry out a verdict. Every method that resumes a wait accepts the events and arguments of older
versions, because a wait may be weeks old.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.grid.jobs import JobReport
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, TransformationStatus
from dirac_prodsys.core.policy import LIVE_TRANSFORMATION, History, StepRules, questions
from dirac_prodsys.core.production.notify import due_at
from dirac_prodsys.core.reports.advice import advice_for
from dirac_prodsys.core.reports.state_line import Seen, State, jobs_in_words, state_of
from dirac_prodsys.core.reports.story import Story
from dirac_prodsys.core.run.end import action_of
from dirac_prodsys.core.steps import lost_inputs
from dirac_prodsys.errors import ProdsysError, TransformationFailed, WaitTimeout
from dirac_prodsys.gateway.procedures.inputs import lost_inputs as look_for_lost
from dirac_prodsys.gateway.procedures.stops import resume, who_stopped
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import TransformationRecord
from dirac_prodsys.provider.people import asking, notify
from dirac_prodsys.provider.tasks.wait_acts import WaitActs
from dirac_prodsys.provider.tasks.wait_report import HANDED_ON, WaitReport, handed_on, push
from dirac_prodsys.provider.triggers import DiracTransformationTrigger
from dirac_prodsys.provider.waiting.event_time import earliest_event
from dirac_prodsys.provider.waiting.state_keeping import keep

if TYPE_CHECKING:
    from airflow.sdk import Context

#: default limit of a wait, in seconds: 90 days
LONGEST_WAIT = 90 * 86400.0


class DiracTransformationSensor(WaitActs, WaitReport, BaseSensorOperator):
    """Wait until the policy says that a transformation is complete (or ready to be flushed).

    Returns the snapshot that decided. A transformation that was Stopped because its run did not
    complete is made Active again; if a person Stopped it, the wait goes on. Actions that fall due
    during the wait are done here, and the wait goes on: files that stay behind are recovered, tasks
    are added to replace failed ones, late or recovered files are flushed. When the wait for
    ``complete`` ends, well or not, the result of the jobs is reported in the log and as XCom
    ``job_report``.

    Before a step is complete, the files that its parents' tasks made for it are looked up. If the
    query misses one of them, the step waits for a person instead.

    Some verdicts only a person can decide: a manual flush, files that the rules leave to a person.
    The question is put in Airflow while DIRAC is still watched: see :mod:`provider.people.asking`.

    :param until: verdicts that end the wait: ``complete``; with ``flush`` or ``input`` it waits for
        a step's input, and returns also when that verdict is reached, or when no more files can
        come.
    :param inputs_final: False while other tasks may still add input files to the catalogue.
    :param parents: IDs of the tasks that complete the parent steps. Until all have succeeded, more
        files may come. When one has failed, the wait ends, and the tasks after it wait for the
        failed one.
    :param ready_at: wait only until this fraction of the work is done, 0 to 1; 0: to the end.
    :param rules: with ``spec``, the ``StepRules`` (or their dict); default: all tasks, or all
        files.
    :param timeout: seconds of waiting after which the task fails; kept by the trigger.
    """

    def __init__(
        self,
        *,
        until: Iterable[str] = ("complete",),
        inputs_final: bool = True,
        parents: Iterable[str] = (),
        ready_at: float = 0.0,
        rules: StepRules | Mapping[str, Any] | None = None,
        timeout: float = LONGEST_WAIT,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.until = tuple(sorted(set(until)))
        if self.until not in (("complete",), ("complete", "flush"), ("complete", "input")):
            raise ValueError(
                f"{self.task_id}: until must be complete, alone or with flush or input"
            )
        self.for_input = len(self.until) > 1
        self.inputs_final = inputs_final
        self.parents = tuple(parents)
        self.ready_at = ready_at
        self.rules = StepRules.from_dict(rules) if isinstance(rules, Mapping) else rules

    def work(self, context: Context, state: Mapping[str, Any]) -> NoReturn:
        """Look up the ID and hand the wait to the trigger.

        :param state: ``history`` and ``deadline`` of a wait that is resumed, and ``kept``: whether
            a person was asked, and the answer; ``flushes`` if an older version began the wait.
        """
        step = self.plan(context, state)
        name = step.transformation.name
        stops = self._stops()

        def find(gateway: ProductionGateway) -> tuple[TransformationRecord, bool, Seen]:
            found = self.find(gateway, name)
            stopped = stops and found.status == TransformationStatus.STOPPED
            again = stopped and resume(gateway, found.id)
            return found, again, self._seen(gateway, found.id, name)

        record, resumed, seen = self.on_grid(find, state)
        name = record.name
        self.remember_link(record.id, name)
        if resumed:
            self.log.info("transformation %d was stopped by us and is Active again", record.id)
        query = step.transformation.input_query
        rules = (self.rules or step.rules).shaped(step.transformation)
        # it waits for the files attached at its start, and nothing else
        if step.verified_at or step.newer is not None:
            counts = seen.snapshot.files if seen.snapshot else {}
            rules = replace(rules, listed=sum(counts.values()))
        if self.ready_at:
            rules = replace(rules, ready_at=self.ready_at)
        rules = replace(rules, report_every=self.report_every(context, step) or None)
        kept = dict(state.get("kept") or {})
        rules = questions.rules_after(rules, kept.get("option", ""))
        rules = replace(rules, expected=kept.get("expected"))
        deadline = state.get("deadline") or time.time() + self.timeout
        history = state.get("history")
        if history is None and not self.for_input and not self.ready_at:
            history = _taken_over(context, self.task_id)
        flushes = (history or state).get("flushes")
        past = History.from_dict(history) if history else None
        story = self._kept(
            context, replace(seen, rules=rules, history=past), state.get("story") or {}
        )
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
                parents=self.parents,
                until_final="input" in self.until,
                flushes=int(flushes or 0),
                history=history,
                stops=stops,
                deadline=deadline,
                not_before=earliest_event(),
                tell=notify.wanted(self.production),
                asks=not kept.get("asked"),
                step=seen.step,
                story=story.to_dict(),
                place=self.records(context).place(record.id, name).to_dict(),
                due=None if self.ready_at else self._due(context),
            ),
            method_name="resume",
            # the event of an answer holds nothing else
            kwargs={
                "kept": {
                    **kept,
                    "id": record.id,
                    "name": name,
                    "history": history,
                    "deadline": deadline,
                    "story": story.to_dict(),
                }
            },
        )

    def _seen(self, gateway: ProductionGateway, number: int, name: str) -> Seen:
        """Return the present state of the transformation."""
        snapshot = gateway.snapshot([number]).get(number)
        is_stopped = snapshot is not None and snapshot.status == TransformationStatus.STOPPED
        try:
            stop = who_stopped(gateway, number) if is_stopped else None
        except ProdsysError as error:  # only people read it
            self.log.info("it is not known who stopped it: %s", error.reason)
            stop = None
        return Seen(self.step or name, snapshot, stop=stop)

    def _kept(self, context: Context, seen: Seen, earlier: Mapping[str, Any]) -> Story:
        """Write the state of the step where people look; return what the trigger continues with."""
        story = Story.from_dict(earlier)
        if seen.snapshot is None:
            return story
        before = story.state
        state = state_of(replace(seen, causes=story.causes), time.time(), before)
        if before is not None and before.kind in _JUDGED and state.kind in ("waiting", "failing"):
            state = replace(before, updated=state.updated)  # one look cannot show that
        keep(context, state, self.log)
        return replace(story, state=state, stored=state.kind)

    def _due(self, context: Context) -> float | None:
        """Return when the run should be done, in seconds since the epoch; None: at any time."""
        own = None if self.production is None else self.production.notify
        began = getattr(context.get("dag_run"), "start_date", None)
        if own is None or own.deadline is None or began is None:
            return None
        return due_at(own.deadline, began.timestamp())

    def _stops(self) -> bool:
        """Check whether this is the wait of its own step, which a cancelled run stops."""
        if self.production is None or self.step is None or self.ready_at:
            return False
        return action_of(self.production, self.step) != "leave"

    def resume(
        self,
        context: Context,
        event: Mapping[str, Any] | None = None,
        kept: Mapping[str, Any] | None = None,
        **_ignored: Any,
    ) -> dict[str, Any] | None:
        """Carry out the verdict of the policy, or the answer of a person.

        :raises AirflowFailException: the policy gave up, or the wait's deadline passed.
        """
        event, kept = event or {}, dict(kept or {})
        if answered := asking.answer(event):
            return self._answered(context, *answered, kept)
        kind, reason = event.get("kind"), event.get("reason") or ""
        snapshot = event.get("snapshot")
        past = History.from_dict(event.get("history") or {"flushes": event.get("flushes") or 0})
        if snapshot:
            self.remember_link(int(snapshot["id"]), snapshot["name"])
            past = past.telling(self._name_vanished(context, snapshot))
        state: dict[str, Any] = {
            "history": past.to_dict(),
            "deadline": event.get("deadline"),
            "kept": kept,
            "story": event.get("story"),
        }
        if kind in ("complete", "fail") and snapshot and not self.for_input:
            lost = self._lost(context, snapshot, state)
            if lost and kind == "fail":
                reason = f"{reason}; {lost_inputs.in_words(_found(snapshot), lost)}"
            if lost and kind == "complete" and self._holds(snapshot, lost, kept):
                return self.work(context, state)
        if kind in (*self.until, "broken", "fail", "timeout"):
            self._keep_last(context, str(kind), reason, event.get("story") or {})
        if kind in self.until:
            self.log.info("%s: %s", kind, reason)
            if self.for_input:
                push(context, HANDED_ON, {"kind": kind, "history": past.to_dict()})
            elif not self.ready_at:
                self._report(context, snapshot, past)
            return snapshot
        if kind == "broken":  # the tasks after it failed with that task and are cleared with it
            self.log.warning("%s: what follows waits for that", reason)
            push(context, HANDED_ON, {"kind": kind, "history": past.to_dict()})
            return snapshot
        if kind in ("fail", "timeout"):
            report = self._report(context, snapshot, past)
            self._sender(context, snapshot).send(self._given_up(reason))
            if kind == "timeout":
                raise AirflowFailException(str(WaitTimeout(reason, _TIMEOUT_HINT)))
            raise AirflowFailException(str(_failure(reason, snapshot, report)))
        if kind in ("flush", "recover", "extend") and snapshot:
            self.log.info("%s: %s", kind, reason)
            act = {"flush": self._flush, "recover": self._recover, "extend": self._extend}[kind]
            state["history"] = act(context, event, past, state).to_dict()
        if kind == "notice" and snapshot:
            state["history"] = self._tell(context, event, past).to_dict()
        if kind == "jobs" and snapshot:
            state["history"] = self._mail_jobs(context, snapshot, past).to_dict()
        if kind == "ask" and snapshot:
            earlier = asking.answer(event.get("earlier") or {})
            if earlier and earlier[0] != questions.WAIT and not kept.get("recalled"):
                self.log.info("the question was answered before this attempt of the task")
                kept |= {"history": past.to_dict(), "story": event.get("story"), "recalled": True}
                return self._answered(context, *earlier, kept)
            lost = str(kept.get("lost") or "") if kept.get("expected") else ""
            self._ask(context, str(snapshot["name"]), f"{reason}; {lost}" if lost else reason, kept)
            kept["asked"] = True
        return self.work(context, state)

    def _keep_last(
        self, context: Context, kind: str, reason: str, earlier: Mapping[str, Any]
    ) -> None:
        """Write the state of the step at the end of its wait."""
        state = Story.from_dict(earlier).state
        if kind in ("broken", "timeout"):
            line = f"{self.step or self.task_id} failed: {reason}"
            state = replace(state or State("failed", line), kind="failed", line=line)
            state = replace(state, since=time.time(), updated=time.time())
        if state is not None:
            keep(context, state, self.log)

    def _lost(
        self, context: Context, snapshot: Mapping[str, Any], state: Mapping[str, Any]
    ) -> list[str]:
        """Return the files that the parents made for this step and that its query misses."""
        seen = Snapshot.from_dict(snapshot)
        known = self.production is not None and self.step is not None and not self.ready_at
        if not known or seen.status not in LIVE_TRANSFORMATION or seen.catalogue_files is None:
            return []  # the number of files did not decide
        step = self.plan(context, state)
        if step.transformation.input_query is None or not step.parents:
            return []
        parents = self.makers(context, state)
        return self.on_grid(
            lambda gateway: look_for_lost(gateway, seen.id, step.transformation, parents), state
        )

    def _holds(self, snapshot: Mapping[str, Any], lost: list[str], kept: dict[str, Any]) -> bool:
        """Check whether lost files make the step wait for a person; else it goes on."""
        found = _found(snapshot)
        missing = lost_inputs.in_words(found, lost)
        declared = kept.get("expected")
        given_up = declared is not None and found < declared
        if kept.get("accepted") or given_up:
            self.log.warning("%s: the step goes on without them", missing)
            return False
        self.log.warning("%s: the step is not complete; %s", missing, _LOST_HINT)
        kept["expected"] = found + len(lost)
        kept["lost"] = missing
        return True

    def _ask(self, context: Context, name: str, reason: str, kept: Mapping[str, Any]) -> None:
        step = self.plan(context, with_datasets=False)
        rules = replace(self.rules or step.rules, expected=kept.get("expected"))
        if asking.put(context, *questions.question(name, reason, rules), questions.options(rules)):
            self.log.info("a person is asked in Airflow: %s", reason)

    def _answered(
        self, context: Context, option: str, who: str, kept: Mapping[str, Any]
    ) -> NoReturn:
        """Carry out the answer and resume the wait; after an outage the question is put again."""
        self.log.info("%s answered: %s", who, option)
        number, name = kept.get("id"), str(kept.get("name") or "")
        question = str(kept.get("lost") or "how the wait goes on")
        self.records(context).answer(
            option, who, question, kept.get("history"), number=number, name=name
        )
        past = History.from_dict(kept.get("history") or {})
        given_up = option if option == questions.GIVE_UP else kept.get("option", "")
        story = Story.from_dict(kept.get("story") or {})
        if option != questions.WAIT:  # it waits for nobody any more
            story = replace(story, state=None)
        state: dict[str, Any] = {
            "history": past.to_dict(),
            "deadline": kept.get("deadline"),
            "story": story.to_dict(),
            "kept": {
                "asked": option == questions.WAIT,
                "option": given_up,
                "accepted": option == questions.ACCEPT or bool(kept.get("accepted")),
                "expected": None if option == questions.ACCEPT else kept.get("expected"),
                "lost": kept.get("lost", ""),
                "recalled": kept.get("recalled", False),
            },
        }
        event = {"snapshot": {"id": kept.get("id"), "name": kept.get("name")}}
        if option == questions.FLUSH:
            state["history"] = self._flush(context, event, past, state).to_dict()
        elif option in (questions.RETRY, questions.GIVE_UP):
            state["history"] = self._recover(context, event, past, state, option).to_dict()
        self.work(context, state)


def _taken_over(context: Context, task_id: str) -> Mapping[str, Any] | None:
    """Return the history of the wait for the input, for the next wait; None if there was none."""
    found = handed_on(context, task_id)
    if not found:
        return None
    past = History.from_dict(found.get("history") or {})
    return (past.flushed(time.time()) if found.get("kind") == "flush" else past).to_dict()


def _failure(
    reason: str, snapshot: Mapping[str, Any] | None, report: JobReport | None
) -> TransformationFailed:
    """Return the error of a wait that was given up: the reason, and a hint by why jobs failed."""
    if _is_removed(snapshot):
        return TransformationFailed(reason, _REMOVED_HINT)
    causes = report.causes() if report is not None else ()
    if report is None or not causes:
        return TransformationFailed(reason, _FAIL_HINT)
    jobs = jobs_in_words(causes, report.unit.removesuffix("s"))
    return TransformationFailed(f"{reason}; {jobs}", advice_for(causes) or _FAIL_HINT)


def _found(snapshot: Mapping[str, Any]) -> int:
    return int(snapshot.get("catalogue_files") or 0)


def _is_removed(snapshot: Mapping[str, Any] | None) -> bool:
    return bool(snapshot) and Snapshot.from_dict(snapshot).status in REMOVED_TRANSFORMATION


#: kinds of state that need a verdict of the policy
_JUDGED = ("stalled", "asks")

_REMOVED_HINT = "to begin anew, clear all tasks of the step's group"
_LOST_HINT = (
    "mend their metadata, and they are taken; or answer the question of this task, to go on without"
)
_FAIL_HINT = "mend it in DIRAC, then clear this task to wait on; clearing starts nothing anew"
_TIMEOUT_HINT = "clear this task to wait on, or give the sensor a longer timeout"
