"""Looks at the grid for all waits at once: one poller per event loop and connection.

Thousands of deferred tasks cost the grid what one costs: a cycle is one bulk ``snapshot`` (3
RPCs) of all transformations that are waited for. The poller only looks and hands out the results;
the trigger judges them, by the policy.

Invariant: an outage is an answer too (a :class:`Look` with ``outage``), never an exception and
never silence. Every waiter gets a result in every cycle, so deadlines are kept and each task's log
reports what is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.errors import GatewayUnavailable, ProdsysError
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.reporting import metrics
from dirac_prodsys.provider.waiting.blocking_calls import BlockingCalls

log = logging.getLogger(__name__)

T = TypeVar("T")

#: seconds for which a burst of new waiters (a triggerer's start) is gathered before a look
GATHER = 1.0
#: longest pause between two looks during an outage, seconds
LONGEST_PAUSE = 60.0
#: pause while the connection itself cannot be read or opened, seconds
UNREAD_PAUSE = 5.0
#: seconds after which the connection is read again, so that an edit reaches waits of weeks
SETTINGS_AGE = 600.0
#: seconds between two reports of the proxy's lifetime
_PROXY_EVERY = 60.0

_POLLERS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Poller]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one cycle for one transformation.

    :param snapshot: None during an outage, and for an ID that the grid does not know.
    :param outage: why there was no answer; empty: there was one.
    """

    snapshot: Snapshot | None = None
    outage: str = ""


def longest_call(settings: GatewaySettings) -> float:
    """Return the seconds after which a verb (up to three RPCs) that does not end is given up."""
    return 3 * settings.timeout + 5


@contextlib.asynccontextmanager
async def attached(conn_id: str) -> AsyncIterator[Poller]:
    """Yield the poller of this event loop and connection; it ends with its last user."""
    pollers = _POLLERS.setdefault(asyncio.get_running_loop(), {})
    poller = pollers.get(conn_id)
    if poller is None:
        poller = pollers[conn_id] = Poller(conn_id)
    poller.users += 1
    try:
        yield poller
    finally:
        poller.users -= 1
        if poller.users == 0:
            poller.close()
            if pollers.get(conn_id) is poller:
                del pollers[conn_id]


class Poller:
    """Looks at the grid in cycles, as long as somebody waits. Obtain it by :func:`attached`.

    :param conn_id: connection of type ``dirac``; read again at intervals, and after every
        failure.
    """

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self.users = 0
        #: the settings in use; the class's defaults until the connection has been read
        self.settings = GatewaySettings()
        #: the gateway in use; None until the connection has been read
        self.gateway: ProductionGateway | None = None
        self._read_at = 0.0
        self._calls = BlockingCalls(f"dirac-poller-{conn_id}")
        self._waiting: dict[int, list[asyncio.Future[Look]]] = {}
        self._answers: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}
        self._newcomer = asyncio.Event()
        self._idle = False
        self._failures = 0
        self._answered_at = time.monotonic()
        self._proxy_at = float("-inf")
        #: the waits that look here, for Airflow's metrics
        self.waits = metrics.waits_of(conn_id)
        self._task: asyncio.Task[None] | None = None

    async def look(self, transformation: int, *, first: bool = False) -> Look:
        """Return the result of the next cycle for a transformation.

        :param first: true for the caller's first look: the next cycle then comes earlier.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Look] = loop.create_future()
        if first or self._idle:
            self._newcomer.set()
        self._waiting.setdefault(transformation, []).append(answer)
        if self._task is None or self._task.done():
            # an empty context: the log lines of a poller belong to no single task
            self._task = loop.create_task(
                self._run(), name=f"dirac-poller-{self.conn_id}", context=contextvars.Context()
            )
        try:
            return await answer
        finally:
            self._forget(transformation, answer)

    async def ask(self, key: Hashable, question: Callable[[ProductionGateway], T]) -> T:
        """Return the answer to a question.

        It is asked once for all who put it within half a poll interval.

        :raises ProdsysError: as the gateway does.
        """
        now = time.monotonic()
        known = self._answers.get(key)
        if known is None or now - known[0] > self.settings.poll_interval / 2:
            horizon = now - 2 * self.settings.poll_interval
            self._answers = {k: v for k, v in self._answers.items() if v[0] > horizon}
            task = asyncio.ensure_future(self._call(question))
            known = self._answers[key] = (now, task)
        return await asyncio.shield(known[1])

    async def pause(self) -> None:
        """Sleep for one poll interval, for those who ask instead of looking."""
        await asyncio.sleep(self.settings.poll_interval)

    def close(self) -> None:
        """End at once; called when the last user has gone."""
        if self._task is not None:
            self._task.cancel()
        for _, answer in self._answers.values():
            answer.cancel()
        self._calls.close()
        self.waits.report()

    async def _run(self) -> None:
        while True:
            await self._gather()
            started = time.monotonic()
            try:
                wanted = sorted(self._waiting)
                found = await self._call(lambda gateway: gateway.snapshot(wanted))  # noqa: B023
            except Exception as error:
                # no error here is the production's fault, so the wait goes on
                self._fail(error)
            else:
                self._succeed(wanted, found)
            await self._report()
            await self._pause(time.monotonic() - started)

    async def _report(self) -> None:
        """Report to Airflow's metrics how this cycle went."""
        now, conn_id = time.monotonic(), self.conn_id
        if not self._failures:
            self._answered_at = now
        metrics.count("looks", connection=conn_id, result="outage" if self._failures else "ok")
        metrics.gauge("last_look_age", now - self._answered_at, connection=conn_id)
        self.waits.report()
        if now - self._proxy_at > _PROXY_EVERY:
            self._proxy_at = now
            with contextlib.suppress(GatewayUnavailable):
                left = await self._calls.run(
                    lambda: metrics.proxy_lifetime(self.settings), longest_call(self.settings)
                )
                if left is not None:
                    metrics.gauge("proxy_lifetime", left, connection=conn_id)

    async def _gather(self) -> None:
        """Sleep until somebody waits, then let a burst of others catch up."""
        if not self._waiting:
            self._newcomer.clear()
            self._idle = True
            await self._newcomer.wait()
            self._idle = False
        if self._newcomer.is_set():
            with contextlib.suppress(Exception):  # the cycle itself reports the error
                await self._open()
            await asyncio.sleep(min(GATHER, self.settings.poll_interval / 4))
            self._newcomer.clear()

    async def _pause(self, spent: float) -> None:
        interval = self.settings.poll_interval if self.gateway else UNREAD_PAUSE
        if self._failures:
            interval = min(interval * 2 ** min(self._failures, 10), max(interval, LONGEST_PAUSE))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, interval - spent)):
                await self._newcomer.wait()

    async def _call(self, call: Callable[[ProductionGateway], T]) -> T:
        gateway = await self._open()
        # every verb must end within the timeout per call; this limit is for one that does not
        try:
            return await self._calls.run(lambda: call(gateway), longest_call(self.settings))
        except BaseException:
            self._read_at = 0.0
            raise

    async def _open(self) -> ProductionGateway:
        if self.gateway is None or time.monotonic() - self._read_at > SETTINGS_AGE:
            settings = await DiracHook(self.conn_id).asettings()
            if self.gateway is None or settings != self.settings:
                metrics.report_calls()
                self.gateway = await self._calls.run(lambda: open_gateway(settings), 60.0)
            self.settings, self._read_at = settings, time.monotonic()
        return self.gateway

    def _forget(self, transformation: int, answer: asyncio.Future[Look]) -> None:
        answers = self._waiting.get(transformation, [])
        if answer in answers:
            answers.remove(answer)
            if not answers:
                del self._waiting[transformation]

    def _fail(self, error: Exception) -> None:
        reason = (
            error.reason if isinstance(error, ProdsysError) else f"{type(error).__name__}: {error}"
        )
        self._failures += 1
        if self._failures == 1:
            log.warning("DIRAC (%s) does not answer, waiting on: %s", self.conn_id, reason)
        self._hand_out({}, outage=reason or type(error).__name__)

    def _succeed(self, wanted: list[int], found: dict[int, Snapshot]) -> None:
        if self._failures:
            log.info("DIRAC (%s) answers again after %d tries", self.conn_id, self._failures)
            self._failures = 0
        self._hand_out({number: Look(found.get(number)) for number in wanted})

    def _hand_out(self, looks: dict[int, Look], outage: str = "") -> None:
        """Give each waiter its result; in an outage all waiters, else those asked for."""
        for number in list(self._waiting) if outage else looks:
            look = looks.get(number) or Look(outage=outage)
            for answer in self._waiting.pop(number, ()):
                if not answer.done():
                    answer.set_result(look)
