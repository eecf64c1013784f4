"""What a thousand waiting transformations cost: ``python -m bench.poller [--count N]``.

Starts a light sandbox grid, makes the transformations, and lets as many triggers wait for them in a
process that has loaded what an idle Airflow triggerer has. It does so once with the shared poller,
and once in the obvious way, a call for each transformation and cycle, both in one run. Prints
calls, time, CPU and the memory that waiting adds; exits 1 if the poller misses its bars.

Invariant: both ways wait for the same transformations on the same grid, each in a fresh process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[1]

#: the bars: calls per cycle, and MiB added to an idle triggerer
MAX_CALLS, MAX_MIB = 3, 60

#: seconds between two cycles of the poller
INTERVAL = 2.0


def main() -> int:
    """Run the benchmark; or, with ``--measure``, one way of waiting in this process."""
    options = _options()
    if options.measure:
        way = {"poller": _with_the_poller, "single": _one_by_one}[options.measure]
        print(json.dumps(asyncio.run(way(json.load(sys.stdin), options.cycles))))
        return 0
    from sandbox import Grid

    with tempfile.TemporaryDirectory(prefix="bench-poller-") as folder:
        grid = Grid(options.state or folder, profile="light")
        with grid:
            return _compare(grid, options.count, options.cycles)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="waiting transformations")
    parser.add_argument("--cycles", type=int, default=5, help="cycles to measure")
    parser.add_argument("--state", help="state directory of a sandbox to use (default: a new one)")
    parser.add_argument("--measure", choices=("poller", "single"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare(grid: Any, count: int, cycles: int) -> int:
    connection = {
        "conn_type": "dirac",
        "extra": {
            "config": str(grid.client_cfg),
            "proxy": str(grid.proxy("prodmgr", "sim_prod")),
            "group": "sim_prod",
            "poll_interval": INTERVAL,
        },
    }
    began = time.monotonic()
    ids = _make(connection["extra"], count)
    print(f"{count} transformations made in {time.monotonic() - began:.0f} s", flush=True)
    results = {way: _measured(way, ids, cycles, connection) for way in ("poller", "single")}
    print(f"{'':34}{'shared poller':>16}{'a call for each':>18}")
    for what, key, form in (
        ("calls a cycle", "calls", "{:.0f}"),
        ("seconds a cycle", "seconds", "{:.2f}"),
        ("CPU seconds a cycle, our process", "cpu", "{:.2f}"),
        ("MiB added to an idle triggerer", "mib", "{:.0f}"),
    ):
        values = [form.format(results[way][key]) for way in ("poller", "single")]
        print(f"{what:34}{values[0]:>16}{values[1]:>18}")
    poller = results["poller"]
    good = poller["calls"] <= MAX_CALLS and poller["mib"] <= MAX_MIB
    print(f"bars ({MAX_CALLS} calls, {MAX_MIB} MiB): {'met' if good else 'MISSED'}")
    return 0 if good else 1


def _make(extra: dict[str, Any], count: int) -> list[int]:
    """Make transformations that wait for ever: they are New, as in a production in preparation."""
    from dirac_prodsys.gateway.dirac import DiracGateway
    from dirac_prodsys.gateway.records import GatewaySettings
    from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS

    services = DiracGateway(GatewaySettings(**extra)).services
    mark = uuid.uuid4().hex[:8]
    ids = []
    for number in range(count):
        arguments = (f"bench_{mark}_{number}", "", "", "MCSimulation", "Standard", "Manual", "")
        identifier = services.call(TRANSFORMATIONS, "addTransformation", *arguments)
        services.call(TRANSFORMATIONS, "extendTransformation", identifier, 1)
        ids.append(identifier)
    return ids


def _measured(way: str, ids: list[int], cycles: int, connection: dict[str, Any]) -> dict[str, Any]:
    home = tempfile.mkdtemp(prefix="bench-airflow-")
    kept = ("PATH", "LANG", "HOME")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)]),
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_DIRAC_DEFAULT": json.dumps(connection),
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.poller", "--measure", way, "--cycles", str(cycles)],
        input=json.dumps(ids),
        env=environment,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


class Meter:
    """Measures time, CPU and memory of this process since it was an idle triggerer."""

    def __init__(self) -> None:
        # a triggerer's process has loaded this before the first trigger arrives
        from airflow.jobs.triggerer_job_runner import TriggerRunner

        self._loaded = TriggerRunner
        self._process = psutil.Process()
        self._idle = self._memory()

    def start(self) -> None:
        """Start when everything is loaded and waiting; what follows is the cost of cycles."""
        self._wall, self._cpu = time.monotonic(), sum(self._process.cpu_times()[:2])

    def result(self, calls: int, cycles: int) -> dict[str, Any]:
        """Return the figures per cycle."""
        wall, cpu = time.monotonic() - self._wall, sum(self._process.cpu_times()[:2]) - self._cpu
        return {
            "calls": calls / cycles,
            "seconds": wall / cycles,
            "cpu": cpu / cycles,
            "mib": self._memory() - self._idle,
        }

    def _memory(self) -> float:
        gc.collect()
        memory: float = self._process.memory_info().rss / 2**20
        return memory


async def _with_the_poller(ids: list[int], cycles: int) -> dict[str, Any]:
    """Measure the provider's own triggers, as they run in a triggerer."""
    meter = Meter()
    from dirac_prodsys.core.policy import StepRules
    from dirac_prodsys.provider.triggers import DiracTransformationTrigger
    from dirac_prodsys.provider.waiting.poller import attached

    async with attached("dirac_default") as poller:
        rules = StepRules(needs_input=False, tasks=1).to_dict()
        triggers = [DiracTransformationTrigger(number, rules=rules) for number in ids]
        with _waiting([_drain(trigger.run()) for trigger in triggers]) as check:
            await poller.look(ids[0])  # a look returns when its cycle is over
            await poller.look(ids[0])
            gateway: Any = poller.gateway
            before = _calls(gateway)
            meter.start()
            for _ in range(cycles):
                await poller.look(ids[0])
                check()
            calls = _calls(gateway) - before
            result = meter.result(calls, cycles)
            # a cycle is a pause and this call
            began = time.monotonic()
            await asyncio.to_thread(gateway.snapshot, ids)
            return result | {"seconds": time.monotonic() - began}


async def _one_by_one(ids: list[int], cycles: int) -> dict[str, Any]:
    """Measure waiters that ask one by one, as sensors or triggers without a poller do."""
    meter = Meter()
    from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
    from dirac_prodsys.provider.hook import DiracHook

    gateway: Any = DiracHook("dirac_default").gateway()
    finished: list[int] = []

    async def wait(number: int) -> None:
        for _ in range(cycles):
            await asyncio.to_thread(
                gateway.services.call, TRANSFORMATIONS, "getTransformationStats", number
            )
            finished.append(number)

    await asyncio.to_thread(gateway.services.call, TRANSFORMATIONS, "ping")
    before = _calls(gateway)
    meter.start()
    await asyncio.gather(*(wait(number) for number in ids))
    return meter.result(_calls(gateway) - before, cycles)


def _calls(gateway: Any) -> int:
    total: int = gateway.services.calls.total()
    return total


async def _drain(events: Any) -> None:
    async for event in events:
        raise RuntimeError(f"a wait ended: {event}")


@contextlib.contextmanager
def _waiting(waits: list[Any]) -> Iterator[Callable[[], None]]:
    """Run all waits; yield a check that none has ended, which is also made at the end."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]

    def check() -> None:
        for task in tasks:
            if task.done():
                task.result()
                raise RuntimeError("a wait ended early")

    try:
        yield check
        check()
    finally:
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    sys.exit(main())
