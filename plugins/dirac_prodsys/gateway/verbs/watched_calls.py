"""Tells whoever watches how long each call of a service took, and how it ended.

All backends report here; nobody watches unless Airflow's metrics are switched on.

Invariant: a watcher sees each call once, after it has ended, and never changes how it ends.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping

from dirac_prodsys.errors import GatewayDenied, GatewayUnavailable

#: called with service, seconds, and how the call failed (empty: it did not)
Watcher = Callable[[str, float, str], None]

#: how a call fails; that a service refuses something, or does not know it, is an answer
_FAILURES: Mapping[type[Exception], str] = {
    GatewayUnavailable: "unavailable",
    GatewayDenied: "denied",
}

_watchers: list[Watcher] = []


def watch_calls(watcher: Watcher) -> None:
    """Have each call of this process reported, from now on."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def report_call(service: str, seconds: float, failure: str) -> None:
    """Report a call that has ended, here or in an agent; see :data:`Watcher`."""
    for watcher in _watchers:
        watcher(service, seconds, failure)


@contextlib.contextmanager
def watched_call(service: str) -> Iterator[None]:
    """Report the call that is made in this block.

    :param service: ``System/Service``.
    """
    began, failure = time.monotonic(), ""
    try:
        yield
    except Exception as error:
        failure = _FAILURES.get(type(error), "")
        raise
    finally:
        report_call(service, time.monotonic() - began, failure)
