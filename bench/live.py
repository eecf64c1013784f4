"""How soon Airflow shows what a user drops or edits: ``python -m bench.live [--count N]``.

Starts an Airflow of its own and measures, file by file, what the REST API (and so the UI) shows:
drop a YAML → its DAG; edit it → its new task; break it → the import error; mend it → no
error; delete it → no DAG. Prints the seconds of each; exits 1 if a bar is missed.

Invariant: nothing else touches the changed file, and the effect is read through the API, never
from a file or database of Airflow's.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.airflow.rest import until
from sandbox.airflow.stack import AirflowStack

#: measured change -> its bar in seconds; None: no bar
BARS = {"drop": 3.0, "edit": 10.0, "break": None, "mend": None, "delete": None}

_STEP = '  {name}: {{type: MCSimulation, tasks: 1, job: {{type: script, executable: "true"}}}}\n'
_MEMORY = {"conn_type": "dirac", "extra": {"backend": "memory", "config": "bench"}}


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--count", type=int, default=5, help="files to drop")
    count: int = parser.parse_args().count
    with tempfile.TemporaryDirectory(prefix="bench-live-") as folder:
        productions = Path(folder) / "productions"
        productions.mkdir()
        with AirflowStack(
            Path(folder) / "airflow", productions, {"dirac_default": _MEMORY}
        ) as stack:
            found = [_one(stack, productions / f"live_{number}.yaml") for number in range(count)]
    return _report(found)


def _one(stack: AirflowStack, path: Path) -> dict[str, float]:
    """Make the five changes of one file, in order; return the seconds of each."""
    name, rest = path.stem, stack.rest
    before = _text(name, "one")
    after = _text(name, "one", "two")

    def changed() -> bool:
        return "prepare.create.two" in rest.tasks(name) and bool(rest.versions(name))

    return {
        "drop": _seconds(lambda: path.write_text(before), lambda: name in rest.dags()),
        "edit": _seconds(lambda: path.write_text(after), changed),
        "break": _seconds(
            lambda: path.write_text(f"{after}typo: 1\n"), lambda: _errors(stack, name)
        ),
        "mend": _seconds(lambda: path.write_text(after), lambda: not _errors(stack, name)),
        "delete": _seconds(path.unlink, lambda: name not in rest.dags()),
    }


def _seconds(change: Callable[[], object], seen: Callable[[], bool]) -> float:
    start = time.monotonic()
    change()
    until("the change", 60, seen, each=0.05)
    return time.monotonic() - start


def _errors(stack: AirflowStack, name: str) -> bool:
    return any(Path(file).name.startswith(f"{name}.") for file in stack.rest.import_errors())


def _text(name: str, *steps: str) -> str:
    head = f"version: 1\nproduction: {{name: {name}, vo: sim}}\nsteps:\n"
    return head + "".join(_STEP.format(name=step) for step in steps)


def _report(found: list[dict[str, float]]) -> int:
    missed = False
    print(f"{'change':<8}{'median':>8}{'worst':>8}{'bar':>8}   each, seconds")
    for change, bar in BARS.items():
        seconds = [item[change] for item in found]
        missed |= bar is not None and max(seconds) > bar
        print(
            f"{change:<8}{statistics.median(seconds):>8.2f}{max(seconds):>8.2f}"
            f"{'-' if bar is None else bar:>8}   {' '.join(f'{value:.2f}' for value in seconds)}"
        )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
