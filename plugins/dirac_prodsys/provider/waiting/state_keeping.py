"""Keeps the state of a waiting step where people look: in the log at once, and with the task.

While a task waits, no worker runs. Its trigger can write XComs, and nothing else (Airflow 3.3's
triggerer takes ``SetXCom``, and no ``SetTaskStateStore``): it writes ``state`` at each look that
finds a change. Only a worker can write the task state store. It does so whenever it runs, and is
woken for it when a step becomes Stopped or failing, or is no longer so.

Invariant: nothing here ever breaks or delays a wait: what cannot be written, or asked of the grid,
is one line in the log.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from airflow.sdk import NEVER_EXPIRE

from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.reports.state_line import (
    Seen,
    State,
    Stop,
    failed_in_words,
    failures,
    state_of,
)
from dirac_prodsys.gateway.procedures.reports import why_failing
from dirac_prodsys.gateway.procedures.stops import who_stopped
from dirac_prodsys.provider.waiting.poller import Poller
from dirac_prodsys.provider.waiting.wait_log import PROGRESS_EVERY, WaitLog, reason_of
from dirac_prodsys.provider.waiting.xcoms import Shelf

#: name of the XCom, and of the entry in the task state store
STATE = "state"
#: name of the XCom with the lines that a wait has written
WAIT_LOG = "diary"

#: seconds in which a worker is woken at most once for a kind of state
WAKE_EVERY = 600.0
#: longest pause between two questions why jobs fail, seconds; the first is a minute, then they grow
_LONGEST_PAUSE = 3600.0
#: kinds of state for which a worker is woken, when they begin and when they end
_WAKING = ("stopped", "failing")


class StateKeeper:
    """Keeps the state of one waiting step; lives as long as its trigger.

    :param task_instance: the trigger's; None: there is nowhere to write to.
    """

    def __init__(
        self, poller: Poller, wait_log: WaitLog, transformation: int, task_instance: Any
    ) -> None:
        self._poller = poller
        self._wait_log = wait_log
        self._number = transformation
        self._shelf = Shelf(task_instance, wait_log.log)
        self._writer = StateWriter(self._shelf)
        self._log = wait_log.log
        self._asked_at, self._pause = float("-inf"), PROGRESS_EVERY
        #: the error last reported by a question that failed
        self._failure = ""

    async def begin(self) -> None:
        """Repeat in the log what was written before the task deferred last."""
        self._wait_log.story = self._wait_log.story.with_lines(await self._shelf.read(WAIT_LOG))
        self._wait_log.begin()

    async def end(self) -> None:
        """Keep the lines that were written, for the next part of the wait."""
        self._write_lines()
        await self._shelf.close()

    async def look(self, seen: Seen) -> None:
        """Report what is new at this look, and keep it."""
        try:
            await self._look(seen)
        except Exception as error:
            self._report_once(reason_of(error))

    async def _look(self, seen: Seen) -> None:
        known, failure = self._wait_log.story.causes, ""
        try:
            seen = await self._with_stop(seen)
            seen = await self._with_causes(seen)
        except Exception as error:
            failure = reason_of(error)
        self._report_once(failure)
        story = self._wait_log.story
        state = state_of(seen, time.time(), story.state)
        news = state.is_news_after(story.state) or story.causes != known
        self._wait_log.story = replace(story, state=state)
        self._writer.write(state, self._poller.settings.poll_interval / 2, at_once=news)
        if news:
            self._write_lines()  # the log of a triggerer that dies is lost

    def _report_once(self, failure: str) -> None:
        if failure and failure != self._failure:
            self._log.info("the state of the step is not complete: %s", failure)
        self._failure = failure

    def wakes(self) -> bool:
        """Check whether a worker must correct the task state store; a True counts as done."""
        story, now = self._wait_log.story, time.time()
        if story.state is None or story.state.kind == "outage" or not story.stored:
            return False
        kind = story.state.kind
        if kind == story.stored or not {kind, story.stored} & {*_WAKING}:
            return False
        if now - story.woken.get(kind, 0.0) < WAKE_EVERY:
            return False
        self._wait_log.story = replace(story, woken={**story.woken, kind: now})
        return True

    def _write_lines(self) -> None:
        if self._wait_log.story.lines:
            self._shelf.write(WAIT_LOG, self._wait_log.story.lines_to_dict())

    async def _with_stop(self, seen: Seen) -> Seen:
        """Add who stopped it, asked and reported once for each stop."""
        story, snapshot = self._wait_log.story, seen.snapshot
        if seen.outage or snapshot is None:
            return replace(seen, stop=story.stop)
        if snapshot.status is not TransformationStatus.STOPPED:
            if story.stop is not None:
                self._wait_log.tell(f"transformation {self._number} is {snapshot.status} again")
                self._wait_log.story = replace(self._wait_log.story, stop=None)
            return seen
        if story.stop is None:
            number = self._number
            stop = await self._poller.ask(
                ("who stopped", number), lambda grid: who_stopped(grid, number) or Stop()
            )
            words = stop.in_words(time.time())
            self._wait_log.warn(
                f"transformation {number} ({snapshot.name}) is {words}; nothing runs until it is "
                "Active"
            )
            self._wait_log.story = story = replace(self._wait_log.story, stop=stop)
        return replace(seen, stop=story.stop)

    async def _with_causes(self, seen: Seen) -> Seen:
        """Add why jobs fail; asked when there are more failures, but not at every look."""
        story, snapshot = self._wait_log.story, seen.snapshot
        if seen.outage or snapshot is None:
            return replace(seen, causes=story.causes)
        failed = failures(snapshot)
        if failed < story.failures:  # files were tried again
            self._wait_log.story = story = replace(story, failures=failed)
        if not failed:
            return seen
        now = time.monotonic()
        if failed > story.failures and now - self._asked_at >= self._pause:
            self._asked_at, self._pause = now, min(2 * self._pause, _LONGEST_PAUSE)
            number = self._number
            requests = seen.rules is not None and seen.rules.by_requests
            causes = await self._poller.ask(
                ("why failing", number, failed),
                lambda grid: why_failing(grid, number, by_requests=requests),
            )
            self._wait_log.story = replace(story, causes=causes, failures=failed)
            unit = "request" if requests else "job"
            self._wait_log.warn(f"failing: {failed_in_words(snapshot, causes, unit)}")
            story = self._wait_log.story
        return replace(seen, causes=story.causes)


class StateWriter:
    """Writes the state of a step to the shelf when it has changed."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._written: State | None = None
        self._written_at = float("-inf")

    def write(self, state: State, every: float, *, at_once: bool = False) -> None:
        """Write the state if it is due.

        :param every: seconds between two writes of numbers.
        :param at_once: the state is of another kind than before, so do not wait.
        """
        now = time.monotonic()
        same = self._written is not None and self._written.same_as(state)
        if same or not (at_once or now - self._written_at >= every):
            return
        self._written, self._written_at = state, now
        self._shelf.write(STATE, state.to_dict())


def keep(context: Any, state: State, log: Any) -> None:
    """Write a state as a worker does: to the task state store, and as the XCom."""
    store, instance, value = context.get("task_state_store"), context.get("ti"), state.to_dict()
    try:
        if store is not None:
            store.set(STATE, value, retention=NEVER_EXPIRE)
        if instance is not None:
            instance.xcom_push(key=STATE, value=value)
    except Exception as error:
        log.info("the state is in the log alone: %s", reason_of(error))
