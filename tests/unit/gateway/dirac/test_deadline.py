"""Whoever waits here waits no longer than agreed, and threads do not pile up."""

from __future__ import annotations

import threading

import pytest

from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.dirac.deadline import BoundedThreads


@pytest.fixture
def stuck() -> threading.Event:
    """Set at the end, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


def test_it_returns_what_the_work_returns_and_raises_what_it_raises() -> None:
    threads = BoundedThreads(1)
    assert threads.run(lambda: 7, 10, "seven") == 7

    def refuse() -> None:
        raise GatewayRejected("no")

    with pytest.raises(GatewayRejected, match="no"):
        threads.run(refuse, 10, "refusal")
    assert threads.run(lambda: 8, 10, "eight") == 8


def test_even_an_exit_in_the_thread_reaches_the_caller_only() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        BoundedThreads(1).run(leave, 10, "exit")


def test_work_that_hangs_is_an_outage_and_is_done_by_a_daemon(stuck: threading.Event) -> None:
    daemons: list[bool] = []

    def hang() -> None:
        daemons.append(threading.current_thread().daemon)
        stuck.wait()

    with pytest.raises(GatewayUnavailable, match=r"Service\.method gave no answer in 0\.05 s"):
        BoundedThreads(1).run(hang, 0.05, "Service.method")
    assert daemons == [True]


def test_when_all_threads_hang_the_next_call_fails_without_a_thread_and_recovers_later(
    stuck: threading.Event,
) -> None:
    threads = BoundedThreads(2)
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            threads.run(stuck.wait, 0.05, "hanging")
    alive = threading.active_count()
    with pytest.raises(GatewayUnavailable, match="2 earlier calls still hang"):
        threads.run(stuck.wait, 0.05, "next")
    assert threading.active_count() == alive
    stuck.set()
    assert threads.run(lambda: "back", 30, "back") == "back"
