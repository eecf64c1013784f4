"""Runs blocking calls from an event loop, in one daemon thread that may be given up.

Invariant: the loop never waits for the thread. A call that does not come back in time is
abandoned with its thread; the next call gets a new thread. It is a daemon, because a thread that
hangs in a dead connection must not keep the process from ending (a thread pool would be joined at
exit).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from dirac_prodsys.errors import GatewayUnavailable

T = TypeVar("T")

_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class BlockingCalls:
    """Runs one blocking call at a time, in order.

    :param name: name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] | None = None
        self._turn = asyncio.Lock()

    async def run(self, call: Callable[[], T], timeout: float) -> T:
        """Return the result of ``call``; its exceptions come through.

        :param timeout: seconds, counted from the moment the call begins, not from its queueing.
        :raises GatewayUnavailable: no answer in time.
        """
        async with self._turn:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[T] = loop.create_future()
            if self._jobs is None:
                self._jobs = SimpleQueue()
                threading.Thread(
                    target=_work, args=(self._jobs,), name=self._name, daemon=True
                ).start()
            self._jobs.put((call, loop, answer))
            try:
                done, _ = await asyncio.wait({answer}, timeout=timeout)
            except asyncio.CancelledError:
                self.close()
                raise
            if not done:
                self.close()
                raise GatewayUnavailable(
                    f"no answer within {timeout:g} s",
                    "the call was given up; the next one starts afresh",
                )
            return answer.result()

    def close(self) -> None:
        """Let the thread end after its present call, if that ever returns."""
        if self._jobs is not None:
            self._jobs.put(None)
            self._jobs = None


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        call, loop, answer = job
        try:
            result, error = call(), None
        except BaseException as caught:  # the caller decides about every kind of exception
            result, error = None, caught
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(_deliver, answer, result, error)


def _deliver(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    elif isinstance(error, StopIteration):
        answer.set_exception(RuntimeError(f"the call raised {error!r}"))
    else:
        answer.set_exception(error)
