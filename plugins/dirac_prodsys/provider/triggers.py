"""Waits for a transformation, and for the grid itself.

Invariants: a trigger holds only primitives, yields exactly one event, and never raises because of
the grid: an outage, an expired proxy or a wrong connection is waited out and reported in the task's
log. ``core.policy.judge`` alone decides what a look means. Class paths and keyword arguments are
stored in Airflow's database for as long as a production waits, so they may grow but never change
or go: unknown ones are accepted and ignored for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.core.policy import (
    DECISIVE,
    History,
    StepRules,
    judge,
    needs_catalogue,
    needs_comparison,
)
from dirac_prodsys.core.policy.job_reports import may_be_new
from dirac_prodsys.core.policy.notices import LATE, matter
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.state_line import Seen, grid_state
from dirac_prodsys.core.reports.story import Story
from dirac_prodsys.gateway.procedures.stops import stop, stopped_by_us
from dirac_prodsys.provider.people import asking
from dirac_prodsys.provider.reporting.wait_records import WaitRecords
from dirac_prodsys.provider.waiting.event_time import unhurried_after, wait_until
from dirac_prodsys.provider.waiting.poller import Poller, attached
from dirac_prodsys.provider.waiting.state_keeping import STATE, StateKeeper
from dirac_prodsys.provider.waiting.task_states import recent_states, task_state
from dirac_prodsys.provider.waiting.wait_log import WaitLog, reason_of
from dirac_prodsys.provider.waiting.xcoms import Shelf

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.course import Point

#: looks in a row without a transformation until it counts as removed from the database
_MISSED_LOOKS = 2

#: looks at a Stopped transformation at which the trigger asks who stopped it
_LATE_LOOKS = 3

#: seconds after its deferral for which a wait has only just begun
_JUST_BEGUN = 60.0

_PATH = "dirac_prodsys.provider.triggers"

#: unfinished work of `on_kill`; the event loop itself would forget it
_KILLS: set[asyncio.Future[None]] = set()


class DiracTransformationTrigger(BaseTrigger):
    """Waits until the policy says that something is to be done about a transformation.

    Its one event is ``{"kind": a decisive verdict, "timeout" or "broken", "reason", "snapshot",
    "flushes", "deadline", "history", "story", "tasks"}``. ``flushes`` and ``deadline`` come back as
    they were given, ``history`` is the last one remembered, ``story`` is what was reported,
    ``tasks`` belongs to the verdict ``extend``. There are more kinds, after which the wait goes on.
    With ``tell``: ``notice``, when somebody should know of ``causes`` (what it is ``about``:
    ``stalled``, ``needs_person``, ``late``, or ``recovered``), and ``jobs``, when people may want a
    new table of jobs. With ``asks``: ``ask``, with the answer to an ``earlier`` attempt or None. If
    the task's state store no longer fits the story: ``state``, because only a worker can write the
    store.

    :param transformation: its ID.
    :param rules: ``StepRules`` as a dict.
    :param query: input query in DIRAC's form; None for a type without input.
    :param inputs_final: True when no parent will add files to the catalogue any more.
    :param parents: IDs of tasks of the run: no more files can come once all have succeeded. When
        one has failed, or Airflow did not say which task the trigger belongs to, the event is
        ``broken``.
    :param until_final: whether there is an event, kind ``input``, when no more files can come.
    :param flushes: how often this step has been flushed already.
    :param history: ``History`` as a dict, of a wait that is resumed; has its own ``flushes``.
    :param stops: whether the transformation is Stopped when a person marks the waiting task failed.
        If our stop came late, after the task had been cleared, an event asks to undo it.
    :param deadline: seconds since the epoch after which to give up; None: never.
    :param not_before: seconds since the epoch; no event comes earlier (see
        :func:`provider.waiting.event_time.earliest_event`).
    :param tell: whether anybody wants notices.
    :param step: the step's name in its production; empty: its transformation's.
    :param story: ``Story`` as a dict, of a wait that is resumed.
    :param asks: whether there is an event, kind ``ask``, for a verdict that only a person can
        decide.
    :param due: seconds since the epoch at which the run should be done; None: it has no deadline.
    :param place: ``Place`` as a dict: where the wait's records of the ledger belong.
    """

    def __init__(
        self,
        transformation: int,
        name: str = "",
        dirac_conn_id: str = "dirac_default",
        rules: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        inputs_final: bool = True,
        flushes: int = 0,
        deadline: float | None = None,
        not_before: float = 0.0,
        history: Mapping[str, Any] | None = None,
        tell: bool = False,
        asks: bool = False,
        stops: bool = False,
        parents: Sequence[str] = (),
        until_final: bool = False,
        step: str = "",
        story: Mapping[str, Any] | None = None,
        place: Mapping[str, Any] | None = None,
        due: float | None = None,
        **_ignored: Any,
    ) -> None:
        super().__init__()
        self.transformation = int(transformation)
        self.name = name
        self.dirac_conn_id = dirac_conn_id
        self.rules = dict(rules or {})
        self.query = dict(query) if query else None
        self.inputs_final = inputs_final
        self.flushes = flushes
        self.deadline = deadline
        self.not_before = not_before
        self.history = dict(history) if history else None
        self.tell = tell
        self.asks = asks
        self.stops = stops
        self.parents = list(parents)
        self.until_final = until_final
        self.step = step
        self.story = dict(story) if story else None
        self.place = dict(place) if place else None
        self.due = due
        self._points: tuple[Point, ...] = ()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and keyword arguments, all JSON."""
        return f"{_PATH}.DiracTransformationTrigger", {
            "transformation": self.transformation,
            "name": self.name,
            "dirac_conn_id": self.dirac_conn_id,
            "rules": self.rules,
            "query": self.query,
            "inputs_final": self.inputs_final,
            "flushes": self.flushes,
            "deadline": self.deadline,
            "not_before": self.not_before,
            "history": self.history,
            "tell": self.tell,
            "asks": self.asks,
            "stops": self.stops,
            "parents": self.parents,
            "until_final": self.until_final,
            "step": self.step,
            "story": self.story,
            "place": self.place,
            "due": self.due,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield the one event."""
        async with attached(self.dirac_conn_id) as poller:
            event = await self._wait(poller)
        await wait_until(self.not_before)
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """Stop the transformation if a person marked the task failed, and in no other case.

        Airflow 3.3 calls this also when another triggerer takes over, after a clear, when the new
        attempt may already run, and when the task is marked a success.
        """
        if not self.stops:
            return
        # Airflow cancels this repeatedly until it has ended; that must not end the work
        work = asyncio.ensure_future(self._stop_if_failed())
        _KILLS.add(work)
        work.add_done_callback(_KILLS.discard)
        await asyncio.shield(work)

    async def _stop_if_failed(self) -> None:
        state = await task_state(self.task_instance)
        if state != "failed":
            self.log.info("the task is %s: nothing is stopped", state)
            return
        number, why = self.transformation, "its waiting task was marked failed"
        async with attached(self.dirac_conn_id) as poller:
            done = await poller.ask(("stop", number), lambda grid: stop(grid, number, why))
        self.log.info("transformation %d %s", number, "is Stopped" if done else "does not run")

    async def _wait(self, poller: Poller) -> dict[str, Any]:
        rules = StepRules.from_dict(self.rules)
        query = MetaQuery.parse(self.query) if self.query else None
        history = History.from_dict(self.history or {"flushes": self.flushes})
        wait_log = WaitLog(self.log, Story.from_dict(self.story or {}))
        keeper = StateKeeper(poller, wait_log, self.transformation, self.task_instance)
        await keeper.begin()
        try:
            event = await self._judged(poller, rules, query, history, keeper, wait_log)
        finally:
            poller.waits.end(self)
        await keeper.end()
        return event

    async def _judged(
        self,
        poller: Poller,
        rules: StepRules,
        query: MetaQuery | None,
        history: History,
        keeper: StateKeeper,
        wait_log: WaitLog,
    ) -> dict[str, Any]:
        """Look until the policy, Airflow or the clock ends the wait."""
        seen = Seen(self.step or self.name, rules=rules, history=history)
        wait = str(getattr(self.task_instance, "task_id", "") or "")
        records = WaitRecords(self.place or {}, self.log, wait_log.story.recorded, wait)
        unhurried = time.monotonic() + unhurried_after(self.not_before)
        missed = stopped = 0
        # a step's first wait counts all its files; a wait that is taken up counts from its first
        # look, for another process may have counted before
        is_first = self.history is None and time.time() < self.not_before + _JUST_BEGUN
        snapshot: Snapshot | None = None
        look = await poller.look(self.transformation, first=True)
        while True:
            final, broken = await self._above(poller)
            if broken or (final and self.until_final):
                kind, why = ("broken", broken) if broken else ("input", "no more files can come")
                return self._event(kind, why, snapshot, history, wait_log)
            if self.deadline is not None and time.time() > self.deadline:
                last = wait_log.last or "DIRAC has not answered since"
                reason = f"the wait's deadline has passed; last: {last}"
                return self._event("timeout", reason, snapshot, history, wait_log)
            wait_log.outage(look)
            if look.outage:
                await keeper.look(replace(seen, outage=look.outage))
                self._report(poller, wait_log)
            if not look.outage:
                missed = 0 if look.snapshot else missed + 1
                snapshot = look.snapshot or (snapshot if missed < _MISSED_LOOKS else self._gone())
            if snapshot and not look.outage:
                stopped = stopped + 1 if snapshot.status == TransformationStatus.STOPPED else 0
                if self.stops and 0 < stopped <= _LATE_LOOKS and await self._ours(poller):
                    why = "the run did not complete, and has been taken up again"
                    return self._event("resume", why, snapshot, history, wait_log)
                clock = {"now": time.time(), "quiet_seconds": 2 * poller.settings.agent_cycle}
                if query and needs_catalogue(snapshot, rules, history, final, **clock):
                    snapshot = await self._with_catalogue(poller, snapshot, query)
                if query and needs_comparison(snapshot, rules, history, **clock):
                    snapshot = await self._compared(poller, snapshot, query)
                verdict, history = judge(snapshot, rules, history, inputs_final=final, **clock)
                seen = Seen(seen.step, snapshot, rules, verdict, history, inputs_final=final)
                await keeper.look(seen)
                self._report(poller, wait_log)
                await records.look(snapshot, verdict)
                wait_log.story = replace(wait_log.story, recorded=records.recorded)
                done = snapshot.files.get(FileStatus.PROCESSED, 0)
                poller.waits.processed(snapshot.id, done, 0 if is_first else done)
                wait_log.progress(verdict)
                if verdict.kind in DECISIVE:
                    event = self._event(verdict.kind, verdict.reason, snapshot, history, wait_log)
                    return {**event, "tasks": verdict.tasks}
                due = clock["now"] >= history.tell_after
                if self.tell and (about := matter(verdict, history.reported, due=due)):
                    why = verdict.alarm or verdict.reason
                    event = self._event("notice", why, snapshot, history, wait_log)
                    return {**event, **about}
                if self.tell and due and (why := self._late(snapshot, rules, history, final)):
                    event = self._event("notice", why, snapshot, history, wait_log)
                    return {**event, "about": "late", "causes": [LATE]}
                if self.tell and may_be_new(snapshot, rules, history, clock["now"]):
                    why = f"jobs ended: {snapshot.id}"
                    return self._event("jobs", why, snapshot, history, wait_log)
                if self.asks and verdict.question:
                    why = verdict.alarm or verdict.reason
                    event = self._event("ask", why, snapshot, history, wait_log)
                    return {**event, "earlier": await asking.earlier(self.task_instance)}
                # any other event serves this as well, so that it may wait for ever
                if time.monotonic() >= unhurried and keeper.wakes():
                    why = wait_log.story.state.line if wait_log.story.state else verdict.reason
                    return self._event("state", why, snapshot, history, wait_log)
            look = await poller.look(self.transformation)

    def _late(self, snapshot: Snapshot, rules: StepRules, history: History, final: bool) -> str:
        """Say why the run misses its deadline, unless that was reported; empty: it does not."""
        if self.due is None or history.late:
            return ""
        # what estimates is not needed to draw a DAG, and few have a deadline
        from dirac_prodsys.core.reports import deadline

        now = time.time()
        if self._points and now - self._points[-1].at < deadline.EVERY:
            return ""
        self._points = deadline.followed(self._points, snapshot, rules.tasks, now)
        return deadline.lateness(self._points, now, self.due, final=final)

    def _report(self, poller: Poller, wait_log: WaitLog) -> None:
        """Report the state of the wait to Airflow's metrics."""
        state = wait_log.story.state
        poller.waits.set(self, self.name, state.kind if state else "waiting")

    async def _above(self, poller: Poller) -> tuple[bool, str]:
        """Check whether no more files can come; return also the failed task that prevents them."""
        if not self.parents:
            return self.inputs_final, ""
        if self.task_instance is None:  # in ``dag.test()`` the parents may still be at work
            return False, "Airflow did not say whose wait this is"
        try:
            states = await recent_states(self.task_instance, poller.settings.poll_interval)
        except Exception as error:
            self.log.warning("Airflow could not be asked, waiting on: %s", reason_of(error))
            return False, ""
        failed = [
            name for name in self.parents if states.get(name) in ("failed", "upstream_failed")
        ]
        if failed:
            return False, f"{', '.join(failed)} failed"
        done = all(states.get(name) == "success" for name in self.parents)
        return self.inputs_final and done, ""

    async def _ours(self, poller: Poller) -> bool:
        """Check whether we stopped the transformation."""
        number = self.transformation
        try:
            return await poller.ask(("ours", number), lambda grid: stopped_by_us(grid, number))
        except Exception as error:
            self.log.warning("it is not known who stopped it, waiting on: %s", reason_of(error))
            return False

    async def _with_catalogue(
        self, poller: Poller, snapshot: Snapshot, query: MetaQuery
    ) -> Snapshot:
        """Add the catalogue's count; without it the policy waits, which is right in an outage."""
        try:
            files = await poller.ask(("files", query), lambda grid: grid.count_files(query))
        except Exception as error:
            self.log.warning("the catalogue could not be counted, waiting on: %s", reason_of(error))
            return snapshot
        return snapshot.with_catalogue(files)

    async def _compared(self, poller: Poller, snapshot: Snapshot, query: MetaQuery) -> Snapshot:
        """Add the result of the file-by-file comparison; without it the policy waits."""
        number = self.transformation
        try:
            found = await poller.ask(
                ("compared", number, query), lambda grid: grid.compare_files(number, query)
            )
        except Exception as error:
            self.log.warning("the files could not be compared, waiting on: %s", reason_of(error))
            return replace(snapshot, catalogue_files=None)
        return snapshot.compared(found.unattached, found.others)

    def _gone(self) -> Snapshot:
        """Return the snapshot for a transformation that the grid does not know any more."""
        return Snapshot(self.transformation, self.name, "", TransformationStatus.DELETED)

    def _event(
        self, kind: str, reason: str, snapshot: Snapshot | None, history: History, wait_log: WaitLog
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "reason": reason,
            "snapshot": snapshot.to_dict() if snapshot else None,
            "flushes": self.flushes,
            "deadline": self.deadline,
            "history": history.to_dict(),
            "story": wait_log.story.to_dict(),
        }


class DiracGatewayTrigger(BaseTrigger):
    """Waits until the grid answers again, for a task that found it down.

    Its one event is ``{"kind": "reachable" | "timeout", "reason", "state"}``.

    :param state: what the task needs to go on; comes back as it was given.
    :param deadline: seconds since the epoch after which to give up; None: never.
    :param not_before: as for :class:`DiracTransformationTrigger`.
    """

    def __init__(
        self,
        dirac_conn_id: str = "dirac_default",
        state: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        not_before: float = 0.0,
        **_ignored: Any,
    ) -> None:
        super().__init__()
        self.dirac_conn_id = dirac_conn_id
        self.state = dict(state or {})
        self.deadline = deadline
        self.not_before = not_before

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and keyword arguments, all JSON."""
        return f"{_PATH}.DiracGatewayTrigger", {
            "dirac_conn_id": self.dirac_conn_id,
            "state": self.state,
            "deadline": self.deadline,
            "not_before": self.not_before,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield the one event."""
        async with attached(self.dirac_conn_id) as poller:
            event = await self._wait(poller)
        await wait_until(self.not_before)
        yield TriggerEvent(event)

    async def _wait(self, poller: Poller) -> dict[str, Any]:
        reason, began = "", time.time()
        shelf, state = Shelf(self.task_instance, self.log), None
        while True:
            try:
                identity = await poller.ask("ping", lambda grid: grid.ping())
            except Exception as error:
                if reason_of(error) != reason:
                    reason = reason_of(error)
                    self.log.warning("DIRAC does not answer, waiting on: %s", reason)
                    state = grid_state(str(self.task_id or "the task"), reason, began, time.time())
                    shelf.write(STATE, state.to_dict())
            else:
                back = f"DIRAC {identity.version} answers again"
                if state is not None:
                    now = time.time()
                    again = replace(state, kind="waiting", line=back, since=now, updated=now)
                    shelf.write(STATE, again.to_dict())
                    await shelf.close()
                return self._event("reachable", back)
            if self.deadline is not None and time.time() > self.deadline:
                return self._event("timeout", reason)
            await poller.pause()

    def _event(self, kind: str, reason: str) -> dict[str, Any]:
        return {"kind": kind, "reason": reason, "state": self.state}
