"""Runs calls that may hang, and abandons them at a deadline.

DIRAC's own timeouts are at least 120 s and restart with every packet. So each call runs in a daemon
thread of its own, which is abandoned at the deadline.

Invariant: there are never more than ``limit`` such threads. Abandoned ones count until they end;
when all are stuck, further calls fail at once instead of piling up. No such thread keeps the
interpreter from exiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from dirac_prodsys.errors import GatewayUnavailable

T = TypeVar("T")


class BoundedThreads:
    """Runs calls, each in a thread, each with a deadline.

    :param limit: most threads at any time, hung ones included.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots = threading.BoundedSemaphore(limit)

    def run(self, work: Callable[[], T], seconds: float, what: str) -> T:
        """Return the result of ``work``, or raise its error, within ``seconds``.

        :param what: what the message names as not answering.
        :raises GatewayUnavailable: the time is over.
        """
        began = time.monotonic()
        if not self._slots.acquire(timeout=seconds):
            raise GatewayUnavailable(
                f"{what}: {self._limit} earlier calls still hang",
                "the service accepts connections and does not answer; ask who runs it",
            )
        answer: Future[T] = Future()

        def target() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:  # the waiting thread raises it
                answer.set_exception(error)
            finally:
                self._slots.release()

        threading.Thread(target=target, name=f"dirac-call {what}", daemon=True).start()
        try:
            return answer.result(max(0.0, seconds - (time.monotonic() - began)))
        except TimeoutError:
            if answer.done():
                return answer.result()
            raise GatewayUnavailable(
                f"{what} gave no answer in {seconds:g} s",
                "the service hangs or is overloaded; ask who runs it",
            ) from None
