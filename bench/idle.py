"""What an Airflow costs that only waits: ``python -m bench.idle [--waits N] [--seconds N]``.

Starts a light sandbox grid and an Airflow with the times of the image, and measures CPU and memory
of its four processes: without our bundle, with it and 20 productions of which none runs, and with
runs whose steps wait for jobs that do not end. Prints CPU seconds a minute and MiB (PSS, so that
what processes share counts once). Has no bar: the figures are for people who size machines.

Invariant: while it measures, no task runs, and nobody asks the API server.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psutil

from sandbox import Grid
from sandbox.airflow.rest import until
from sandbox.airflow.settings import LOCAL_BUNDLE, connection_to
from sandbox.airflow.stack import PROCESSES, AirflowStack

PRODUCTIONS = 20
#: steps that wait in each run
STEPS = 10
_STEP = """\
  step_{number}:
    type: MCSimulation
    tasks: 1
    job: {{type: script, executable: sleep, arguments: "86400", cpu_time: 600}}
"""
#: where the image differs from a sandbox's Airflow, which people and tests wait for
IMAGE = MappingProxyType(
    {
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "2",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "5",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
    }
)
#: seconds after which caches are filled and new DAGs stored
_SETTLED = 30.0


class IdleStack(AirflowStack):
    """An Airflow with the times of the image."""

    #: settings that replace those of the sandbox
    changes: Mapping[str, str] = IMAGE

    def env(self) -> dict[str, str]:
        """See :meth:`AirflowHome.env`."""
        return super().env() | self.changes


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--waits", type=int, default=50, help="steps that wait, a multiple of 10")
    parser.add_argument("--seconds", type=int, default=60, help="how long each case is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-idle-") as folder:
        place = Path(folder)
        productions = place / "productions"
        productions.mkdir()
        for number in range(PRODUCTIONS):
            (productions / f"idle_{number}.yaml").write_text(_text(f"idle_{number}"))
        with Grid(place / "grid", profile="light") as grid:
            connection = connection_to(grid)
            for short in ("poll_interval", "agent_cycle"):
                del connection["extra"][short]
            connections = {"dirac_default": connection}
            plain = IdleStack(place / "plain", productions, connections)
            plain.changes = {**IMAGE, **_without_our_bundle(place)}
            with plain:
                _report("without our bundle", _measure(plain, options.seconds))
            with IdleStack(place / "airflow", productions, connections) as stack:
                until("all DAGs", 300, lambda: len(stack.rest.dags()) > PRODUCTIONS, each=1)
                what = f"{PRODUCTIONS} productions, no run"
                _report(what, _measure(stack, options.seconds))
                _wait_for_all(stack, options.waits // STEPS)
                _report(f"{options.waits} steps wait", _measure(stack, options.seconds))
    return 0


def _text(name: str) -> str:
    head = f"version: 1\nproduction: {{name: {name}, vo: sim}}\nsteps:\n"
    return head + "".join(_STEP.format(number=number) for number in range(STEPS))


def _without_our_bundle(place: Path) -> dict[str, str]:
    (place / "dags").mkdir()
    bundle = {"name": "dags", "classpath": LOCAL_BUNDLE, "kwargs": {"path": str(place / "dags")}}
    return {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle])}


def _wait_for_all(stack: AirflowStack, runs: int) -> None:
    """Begin runs, one after the other, until all their steps wait."""
    for number in range(runs):
        dag_id = f"idle_{number}"
        stack.rest.trigger(dag_id, "run")
        until(f"the waits of {dag_id}", 900, lambda dag_id=dag_id: _waits(stack, dag_id), each=2)


def _waits(stack: AirflowStack, dag_id: str) -> bool:
    tasks = stack.rest.task_instances(dag_id, "run")
    waiting = [name for name, task in tasks.items() if task["state"] == "deferred"]
    return len(waiting) == STEPS and all(name.endswith(".wait_for_completion") for name in waiting)


def _measure(stack: AirflowStack, seconds: float) -> dict[str, tuple[float, float]]:
    """Return process → CPU seconds a minute, MiB."""
    time.sleep(_SETTLED)
    before, began = {name: _cpu(stack, name) for name in PROCESSES}, time.monotonic()
    time.sleep(seconds)
    minutes = (time.monotonic() - began) / 60
    return {
        name: ((_cpu(stack, name) - before[name]) / minutes, _memory(stack, name))
        for name in PROCESSES
    }


def _family(stack: AirflowStack, name: str) -> list[psutil.Process]:
    process = stack.processes.find(name)
    if process is None:
        raise RuntimeError(f"{name} is not running")
    return [process, *process.children(recursive=True)]


def _cpu(stack: AirflowStack, name: str) -> float:
    """Return the CPU seconds of a process and of all that it has started, also those that ended."""
    return sum(sum(process.cpu_times()[:4]) for process in _family(stack, name))


def _memory(stack: AirflowStack, name: str) -> float:
    return sum(process.memory_full_info().pss for process in _family(stack, name)) / 2**20


def _report(what: str, found: Mapping[str, tuple[float, float]]) -> None:
    print(f"{what:28}{'CPU s a minute':>16}{'MiB':>8}")
    for name, (cpu, mib) in found.items():
        print(f"  {name:26}{cpu:>16.1f}{mib:>8.0f}")
    cpu, mib = (sum(column) for column in zip(*found.values(), strict=True))
    print(f"  {'all':26}{cpu:>16.1f}{mib:>8.0f}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
