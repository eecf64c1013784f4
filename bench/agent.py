"""What DIRAC costs a task and the triggerer, by agent and in process: ``python -m bench.agent``.

Starts a light grid. A process that has imported what tasks of Airflow import forks two children in
turns: one creates a transformation with DIRAC in process, one by an agent that already runs. It
prints the medians of their CPU and time, what the agent itself used, and the memory that looking at
transformations adds to such a process, as in a triggerer. Exits 1 if a bar is missed.

Invariant: both children do the same, on the same grid, in the same run; what a task costs besides
is in neither.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil

from dirac_prodsys.core.grid.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.agent.place import FOLDER, place_of
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings
from sandbox import Grid
from sandbox.airflow.settings import connection_to

#: most CPU of a create by the agent, times that in process
BAR = 0.3
BACKENDS = ("dirac", "agent")
#: what a task of Airflow has imported before it begins
_TASK = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    "dirac_prodsys.provider.bundle",
    "dirac_prodsys.provider.operators",
)
_MIB = 2**20


def create(gateway: ProductionGateway) -> None:
    """Create a transformation, as the task of a step does."""
    body = JobSpec(name="bench", job_type="MCSimulation", commands=(Command(executable="true"),))
    name = f"bench_{uuid.uuid4().hex[:10]}"
    spec = TransformationSpec(
        name=name, description="bench", type="MCSimulation", body=body, tasks=1
    )
    assert gateway.find_transformation(name) is None
    gateway.create_transformation(spec)


def look(gateway: ProductionGateway) -> None:
    """Look at transformations, as the triggerer does."""
    gateway.snapshot([1, 2, 3])


def measure(
    settings: GatewaySettings, act: Callable[[ProductionGateway], None]
) -> dict[str, float]:
    """Return CPU and time of ``act`` in a new child, and the memory that it added to it."""
    into, out = os.pipe()
    begin = time.monotonic()
    child = os.fork()
    if not child:
        code = 1
        try:
            before = psutil.Process().memory_full_info().uss
            act(open_gateway(settings))
            added = psutil.Process().memory_full_info().uss - before
            os.write(out, json.dumps(added).encode())
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(out)
    with os.fdopen(into) as pipe:
        text = pipe.read()
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"the child of {settings.backend} failed")
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "time": time.monotonic() - begin,
        "memory": json.loads(text) / _MIB,
    }


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pairs", type=int, default=9)
    pairs: int = parser.parse_args().pairs
    for module in _TASK:
        importlib.import_module(module)
    assert "DIRAC" not in sys.modules
    with tempfile.TemporaryDirectory(prefix="bench-agent-") as folder:
        os.environ[FOLDER] = str(Path(folder, "agents"))
        with Grid(Path(folder, "grid"), profile="light") as grid:
            settings = GatewaySettings(**connection_to(grid)["extra"])
            choices = {name: replace(settings, backend=name) for name in BACKENDS}
            open_gateway(choices["agent"]).snapshot([1])  # it starts
            agent = psutil.Process(int(place_of("").running.read_text()))
            try:
                return _run(choices, pairs, agent)
            finally:
                agent.kill()


def _run(choices: dict[str, GatewaySettings], pairs: int, agent: psutil.Process) -> int:
    gc.collect()
    gc.freeze()
    acts = {"create": create, "look": look}
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    used = 0.0
    for _ in range(pairs):
        for what, act in acts.items():
            for name, settings in choices.items():
                before = _cpu(agent)
                found.setdefault((what, name), []).append(measure(settings, act))
                if (what, name) == ("create", "agent"):
                    used += _cpu(agent) - before
    print(f"medians of {pairs} pairs, in turns")
    print(f"{'':24}{'in process':>12}{'agent':>12}{'ratio':>8}{'bar':>6}")
    ratio = _row("create: CPU, s", found, "create", "cpu", BAR)
    _row("create: time, s", found, "create", "time", 1.0)
    added = _row("look: memory, MiB", found, "look", "memory", 1.0)
    print(f"a create also takes {used / pairs:.3f} s of the agent's CPU")
    return int(ratio > BAR or added >= 1.0)


def _cpu(agent: psutil.Process) -> float:
    each = [agent, *agent.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in each)


def _row(
    title: str,
    found: dict[tuple[str, str], list[dict[str, float]]],
    what: str,
    key: str,
    bar: float,
) -> float:
    """Print one row; return agent / in process."""
    inside, outside = (
        statistics.median(one[key] for one in found[what, name]) for name in BACKENDS
    )
    print(f"{title:24}{inside:>12.3f}{outside:>12.3f}{outside / inside:>8.2f}{bar:>6}")
    return outside / inside


if __name__ == "__main__":
    raise SystemExit(main())
