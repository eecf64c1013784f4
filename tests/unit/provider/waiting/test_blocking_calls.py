"""Blocking calls from a loop: in order, with their exceptions, and given up when they hang."""

from __future__ import annotations

import asyncio
import threading

import pytest

from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.provider.waiting.blocking_calls import BlockingCalls


async def test_results_and_exceptions_come_through() -> None:
    calls = BlockingCalls("t")
    assert await calls.run(lambda: 7, 5) == 7
    with pytest.raises(KeyError):
        await calls.run(lambda: {}["x"], 5)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await calls.run(lambda: next(iter(())), 5)
    calls.close()


async def test_calls_run_one_after_another_in_one_thread() -> None:
    calls, threads, running = BlockingCalls("t"), set(), []

    def call() -> int:
        threads.add(threading.get_ident())
        running.append(1)
        most = len(running)
        running.pop()
        return most

    assert await asyncio.gather(*(calls.run(call, 5) for _ in range(20))) == [1] * 20
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    calls.close()


async def test_a_call_that_hangs_is_given_up_and_the_next_one_is_served() -> None:
    calls, release = BlockingCalls("t"), threading.Event()
    with pytest.raises(GatewayUnavailable, match="no answer within"):
        await calls.run(release.wait, 0.02)
    assert await calls.run(lambda: "served", 5) == "served"
    release.set()
    calls.close()


async def test_the_loop_goes_on_while_a_call_hangs() -> None:
    calls, release, turns = BlockingCalls("t"), threading.Event(), 0
    hanging = asyncio.ensure_future(calls.run(release.wait, 30))
    while turns < 100:
        await asyncio.sleep(0)
        turns += 1
    assert not hanging.done()
    release.set()
    assert await hanging
    calls.close()


async def test_the_thread_ends_when_the_caller_is_closed() -> None:
    calls = BlockingCalls("ends-with-its-caller")
    thread = await calls.run(threading.current_thread, 5)
    assert thread.daemon
    calls.close()
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()
