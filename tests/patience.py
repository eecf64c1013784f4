"""How long a test waits for something: longer where the machine is slow or busy."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: seconds that the loop below takes on the machine for which the tests' seconds were chosen
AT_REST = 0.125
#: most times longer than at rest
MOST = 6.0


def measure() -> float:
    """Measure how many times slower than at rest this machine is now; by the clock: load counts."""
    begin = time.perf_counter()
    sum(number * number for number in range(3_000_000))
    return min(MOST, max(1.0, (time.perf_counter() - begin) / AT_REST))


@functools.cache
def slowness() -> float:
    """Return what was measured first."""
    return measure()


def patience(seconds: float) -> float:
    """The seconds to wait here for what should take at most so long at rest."""
    return seconds * slowness()


def until(what: str, seconds: float, look: Callable[[], T], each: float = 0.1) -> T:
    """Call ``look`` again and again until it returns something true, and return that.

    When the time is over, the machine is measured again: it may have become slower.

    :param seconds: at rest.
    :raises SandboxError: it does not come in time.
    """
    from sandbox.airflow.rest import until as wait
    from sandbox.errors import SandboxError

    begin = time.monotonic()
    try:
        return wait(what, patience(seconds), look, each)
    except SandboxError:
        longer = begin + seconds * measure() - time.monotonic()
        if longer <= 0:
            raise
        return wait(what, longer, look, each)
