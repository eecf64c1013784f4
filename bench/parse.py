"""What it costs to draw a DAG: ``python -m bench.parse [--managers N] [--json]``.

The same DAG of 20 tasks three times: a production under our Dag bundle, written by hand, and for
dag-factory. Airflow's own manager of the DAG processor starts a process for each file, as it does
on a site; the CPU time of that process is measured. All three take turns under one manager, so that
what our bundle makes the manager load helps the others, too. Several managers are started, one
after the other: the first turn of each is the row *fresh manager*.

It also measures what 1,000 steps cost to build and to serialise, one after the other and fanned out
and in, and how that grows. Prints a table; exits 1 if a bar is missed.

dag-factory is fetched into a temporary folder: it brings a plugin that every Airflow of the tests
would load if it were a dependency. If it cannot be fetched, its bars count as missed.

Invariant: no wall clock decides, and no number is compared with one of another run.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib.util
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.equal_dags import (
    TASKS,
    chain,
    fan,
    write_by_hand,
    write_for_dag_factory,
    write_production,
)

REPOSITORY = Path(__file__).resolve().parents[1]

#: the bars: at most this many times the CPU time of the other
BARS = {"by hand": 1.35, "dag-factory": 0.45}
#: CPU seconds for 1,000 steps one after the other, on the machine on which the bars were set
SECONDS = 2.5
#: ten times the steps cost at most this many times as much
GROWTH = 12.0
STEPS = (100, 1000)

#: the release of dag-factory in the comparison
FACTORY_RELEASE = "dag-factory==1.1.0"

OURS, BY_HAND, FACTORY = "production", "by hand", "dag-factory"
#: names of the DAGs
NAMES = {OURS: "ours", BY_HAND: "hand", FACTORY: "factory"}

Samples = dict[str, list[float]]


def main() -> int:
    """Run the benchmark; or, with ``--measure``, one part of it in this process."""
    options = _options()
    if options.measure:
        part = {"manager": _manager, "steps": _steps}[options.measure]
        print(json.dumps(part(Path(options.folder), options.turns)))
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-parse-") as name:
        folder = Path(name)
        _write(folder)
        _fetch(folder / "dag-factory")
        managers = [_part("manager", folder, options.turns) for _ in range(options.managers)]
        steps = [_part("steps", folder, number) for _ in range(3) for number in STEPS]
    return _report(managers, steps, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--managers", type=int, default=9, help="managers, one after the other")
    parser.add_argument("--turns", type=int, default=4, help="turns under each of them")
    parser.add_argument("--json", action="store_true", help="numbers instead of a table")
    parser.add_argument("--measure", choices=("manager", "steps"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


def _write(folder: Path) -> None:
    productions, dags = folder / "productions", folder / "dags"
    for each in (productions, dags, folder / "home"):
        each.mkdir()
    write_production(productions, NAMES[OURS])
    write_by_hand(dags, NAMES[BY_HAND])
    write_for_dag_factory(dags, NAMES[FACTORY])
    # the bundle reads only files that have come to rest
    before = time.time() - 60
    os.utime(productions / f"{NAMES[OURS]}.yaml", (before, before))


def _fetch(folder: Path) -> None:
    """Install dag-factory into the folder; Airflow has all its dependencies."""
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    command += ["--target", str(folder), FACTORY_RELEASE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{FACTORY_RELEASE} cannot be had: {done.stderr.strip()}", file=sys.stderr)


def _part(what: str, folder: Path, turns: int) -> dict[str, Any]:
    """Return what a fresh interpreter measures."""
    arguments = ["--measure", what, "--folder", str(folder), "--turns", str(turns)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.parse", *arguments],
        cwd=REPOSITORY,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"it fails:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    ours = {
        "name": "productions",
        "classpath": "dirac_prodsys.provider.bundle.ProductionsDagBundle",
        "kwargs": {"productions": str(folder / "productions"), "refresh_interval": 1},
    }
    others = {
        "name": "dags",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(folder / "dags")},
    }
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(folder / "dags"),
        "CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/home/airflow.db",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([ours, others]),
        "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
        "LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(folder / "logs"),
        "DAG_FACTORY__ENABLE_TELEMETRY": "False",
    }
    return {
        **kept,
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        "AIRFLOW_HOME": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "plugins"), str(folder / "dag-factory"))),
    }


# -- in a separate process ------------------------------------------------------------------------


def _manager(folder: Path, turns: int) -> dict[str, Any]:
    """Return the CPU seconds of each turn, by contender, and what the manager paid for ours."""
    with _quiet():
        return _under_a_manager(folder, turns)


def _under_a_manager(folder: Path, turns: int) -> dict[str, Any]:
    # `airflow dag-processor` imports this
    from airflow.cli.commands import dag_processor_command
    from airflow.dag_processing.manager import DagFileInfo
    from airflow.providers_manager import ProvidersManager

    ProvidersManager().initialize_providers_configuration()
    manager = dag_processor_command.DagFileProcessorManager(max_runs=-1)
    # as its before_run and its loop do, but without the database
    manager.prepare_server_process_context()
    manager.prepare_process_context()
    started = time.process_time()
    manager.load_dag_bundles()
    gc.freeze()
    for bundle in manager._dag_bundles:
        bundle.initialize()
        bundle.refresh()
    paid = time.process_time() - started

    places = {bundle.name: bundle.path for bundle in manager._dag_bundles}
    files = {
        name: DagFileInfo(Path(f"{NAMES[name]}.py"), bundle, places[bundle])
        for name, bundle in ((OURS, "productions"), (BY_HAND, "dags"), (FACTORY, "dags"))
        if name != FACTORY or importlib.util.find_spec("dagfactory")
    }
    found: Samples = {name: [] for name in files}
    order = list(files)
    random.shuffle(order)
    for _ in range(turns):
        for name in order:
            found[name].append(_parse(manager, files[name]))
        order.append(order.pop(0))
    return {"seconds": found, "manager": paid}


def _parse(manager: Any, file: Any) -> float:
    """Return the CPU seconds of the process that Airflow starts for a file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = manager._create_process(file)
    while not process.is_ready:
        manager._service_processor_sockets(timeout=0.05)
    process.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = process.parsing_result
    assert result is not None
    assert not result.import_errors, result.import_errors
    (dag,) = result.serialized_dags
    assert len(dag.data["dag"]["tasks"]) == TASKS, dag.dag_id
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _steps(_folder: Path, steps: int) -> dict[str, Any]:
    """Return the CPU seconds to build and serialise this many steps, after a small DAG."""
    with _quiet():
        from airflow.serialization.serialized_objects import DagSerialization

        from dirac_prodsys.core.dialects import load_production
        from dirac_prodsys.provider.dag_builder import build_dag

        def cost(text: str) -> float:
            production = load_production(text, "long.yaml")
            # repeat few steps, so that they take as long as many
            times = STEPS[-1] // steps
            started = time.process_time()
            for _ in range(times):
                DagSerialization.to_dict(build_dag(production))
            return (time.process_time() - started) / times

        cost(chain(3))
        gc.collect()
        gc.freeze()  # as Airflow's manager does before it forks
        return {"steps": steps, "chain": cost(chain(steps)), "fan": cost(fan(steps))}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send Airflow's log elsewhere: only the result is printed."""
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        yield


# -- results --------------------------------------------------------------------------------------


def _report(managers: list[dict[str, Any]], steps: list[dict[str, Any]], *, as_json: bool) -> int:
    rows = {
        "fresh manager": _medians(managers, slice(0, 1)),
        "running manager": _medians(managers, slice(1, None)),
    }
    cost = {
        shape: {n: min(each[shape] for each in steps if each["steps"] == n) for n in STEPS}
        for shape in ("chain", "fan")
    }
    growth = {shape: seconds[STEPS[1]] / seconds[STEPS[0]] for shape, seconds in cost.items()}
    missed = [
        f"{row}: {bar:g} x {other}"
        for row, medians in rows.items()
        for other, bar in BARS.items()
        if other not in medians or medians[OURS] > bar * medians[other]
    ]
    missed += [f"{STEPS[1]} steps: {SECONDS:g} s"] if cost["chain"][STEPS[1]] > SECONDS else []
    missed += [f"growth: {GROWTH:g} x"] if growth["chain"] > GROWTH else []
    paid = statistics.median(each["manager"] for each in managers)
    if as_json:
        figures = {
            "cpu_seconds": rows,
            "manager_cpu_seconds": paid,
            "steps": cost,
            "growth": growth,
            "missed": missed,
            "machine": _machine(),
        }
        print(json.dumps(figures, indent=2))
    else:
        _print_table(rows, paid, cost, growth, missed)
    return int(bool(missed))


def _medians(managers: list[dict[str, Any]], turns: slice) -> dict[str, float]:
    found: Samples = {}
    for each in managers:
        for name, seconds in each["seconds"].items():
            found.setdefault(name, []).extend(seconds[turns])
    return {name: statistics.median(seconds) for name, seconds in found.items() if seconds}


def _print_table(
    rows: dict[str, dict[str, float]],
    paid: float,
    cost: dict[str, dict[int, float]],
    growth: dict[str, float],
    missed: list[str],
) -> None:
    print(f"CPU of a file's process, median, ms; {_machine()}")
    print(f"{'':<16}{OURS:>12}" + "".join(f"{other:>14}{'ratio':>7}{'bar':>6}" for other in BARS))
    for row, medians in rows.items():
        line = f"{row:<16}{1000 * medians[OURS]:>12.0f}"
        for other, bar in BARS.items():
            theirs = medians.get(other)
            shown = "-" if theirs is None else f"{1000 * theirs:.0f}"
            ratio = "-" if theirs is None else f"{medians[OURS] / theirs:.2f}"
            line += f"{shown:>14}{ratio:>7}{bar:>6.2f}"
        print(line)
    print(f"\nthe manager pays {paid:.2f} s once, its first look at the folder included")
    print(f"build and serialise (bars: {SECONDS:.2f} s for a chain, {GROWTH:g} times as much)")
    for shape, seconds in cost.items():
        times = ", ".join(f"{steps} steps {spent:.2f} s" for steps, spent in seconds.items())
        print(f"{shape:>8}: {times}: {growth[shape]:.1f} times as much")
    if missed:
        print(f"missed: {'; '.join(missed)}")


def _machine() -> str:
    return f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main())
