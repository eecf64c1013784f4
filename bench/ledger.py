"""What people wait for a large ledger: ``python -m bench.ledger [--records N] [--url URL]``.

Fills a ledger with 10,000 transformations and a million records, in a SQLite file or at a URL, and
asks what pages and commands ask: a campaign, one production, the list of runs. Also writes as
tasks do. Prints the seconds; exits 1 if a bar is missed.

Invariant: each question is asked in this process after the ledger was opened anew.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActRecord,
    CountsRecord,
    DatasetRecord,
    RunRecord,
    StepRecord,
)
from dirac_prodsys.ledger.history import campaign, run_history, runs
from dirac_prodsys.ledger.recorder import Recorder
from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger, Search

#: the bars, in seconds
MAX_CAMPAIGN, MAX_PRODUCTION, MAX_RUNS, MAX_WRITE = 3.0, 0.2, 3.0, 0.1

TRANSFORMATIONS, STEPS = 10_000, 10
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH = 20_000


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--url", help="an empty database (default: a SQLite file)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-ledger-") as folder:
        url = options.url or f"sqlite:///{folder}/ledger.db"
        _fill(url, options.records)
        return _ask(url, Path(folder))


def _fill(url: str, total: int) -> None:
    ledger, begin, left = Ledger.at(url), time.perf_counter(), _records(total)
    while batch := list(islice(left, _BATCH)):
        ledger.write(batch)
    print(f"{ledger.count(Search()):,} records written in {time.perf_counter() - begin:.0f} s")
    ledger.close()


def _records(total: int) -> Iterator[Record]:
    """Yield productions of ten steps, a hundred of them in a campaign of their own."""
    counts = max(1, total // TRANSFORMATIONS - 4)
    for number in range(TRANSFORMATIONS // STEPS):
        at, production = BEGIN + timedelta(hours=number), f"production{number}"
        group = "small" if number % 10 == 0 else "large"
        run = {"vo": "sim", "production": production, "run": "r1", "campaign": group}
        yield RunRecord(at=at, state="began", run_id=f"manual__{number}", **run)
        for step in range(STEPS):
            name = f"{production}__r1__step{step}"
            place = {
                **run,
                "step": f"step{step}",
                "transformation": number * STEPS + step,
                "name": name,
            }
            yield StepRecord(at=at, type="Merging", query={"step": f"step{step}"}, **place)
            for phase in ("before", "after"):
                yield ActRecord(at=at, act="start", phase=phase, **place)
            for look in range(counts):
                moment = at + timedelta(minutes=3 * look)
                files = {"Processed": 10 * look, "Unused": 10 * (counts - look)}
                yield CountsRecord(at=moment, status="Active", files=files, **place)
            yield DatasetRecord(at=at, dataset=f"/sim/{name}", files=10 * counts, **place)
        yield RunRecord(at=at + timedelta(days=1), state="completed", **run)


def _ask(url: str, folder: Path) -> int:
    def asked(question: Callable[[Ledger], object]) -> float:
        ledger = Ledger.at(url)
        ledger.first(Search(kinds=("run",)))
        begin = time.perf_counter()
        assert question(ledger)
        took = time.perf_counter() - begin
        ledger.close()
        return took

    def written(ledger: Ledger) -> bool:
        recorder = Recorder(Spool(folder / "spool"), lambda: ledger)
        for number in range(20):
            recorder.write(RunRecord(at=BEGIN, state="began", production="new", run=str(number)))
        return ledger.count(Search(production="new")) == 20

    bars = {
        "the campaign with 9,000 transformations": (
            MAX_CAMPAIGN,
            lambda one: campaign(one, "large"),
        ),
        "the campaign with 1,000 transformations": (
            MAX_CAMPAIGN,
            lambda one: campaign(one, "small"),
        ),
        "one production": (
            MAX_PRODUCTION,
            lambda one: run_history(one, Search(production="production500")),
        ),
        "the list of 1,000 runs": (MAX_RUNS, runs),
        "20 records written as tasks do, each": (MAX_WRITE * 20, written),
    }
    missed = 0
    for what, (bar, question) in bars.items():
        took = asked(question)
        missed += took > bar
        print(f"{what}: {took:.3f} s (bar {bar:g} s){'  MISSED' if took > bar else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
