"""What the production page costs with 1,000 productions: ``python -m bench.page [--runs N]``.

Fills a ledger with runs of ten steps that are under way, an Airflow database with their Dags, and a
grid in memory with their transformations. Asks the page's application for the list, as a viewer
with Airflow's login, and lets 50 viewers ask while the grid's calls are counted. Prints the
times; exits 1 if a bar is missed.

Invariant: the times are those of the whole application, with login and rights, without a network.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

#: the bars: median milliseconds of the list; calls of the grid while 50 viewers ask; seconds of the
#: first answer
MAX_LIST, MAX_CALLS, MAX_FIRST = 300.0, 3, 10.0

STEPS, COUNTS, ASKED, VIEWERS = 10, 20, 20, 50
NOW = datetime.now(UTC)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-page-") as folder:
        _set_up(Path(folder))
        return _ask(Path(folder), options.runs)


def _set_up(folder: Path) -> None:
    """Make an Airflow home before Airflow is imported."""
    extra = {"backend": "memory", "config": "bench", "poll_interval": 30}
    os.environ |= {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
        "AIRFLOW_CONN_DIRAC_DEFAULT": json.dumps({"conn_type": "dirac", "extra": extra}),
    }
    from airflow.utils.db import initdb

    initdb()


def _records(runs: int) -> Iterator[Any]:
    from dirac_prodsys.core.reports.ledger.records import (
        CountsRecord,
        RunRecord,
        StepRecord,
        VerdictRecord,
    )

    for run in range(runs):
        place: dict[str, Any] = {"vo": "sim", "production": f"prod{run}", "run": "r1"}
        place["campaign"] = f"campaign{run % 10}"
        began = NOW - timedelta(hours=10)
        yield RunRecord(at=began, state="began", run_id="r1", by="alice", **place)
        for step in range(STEPS):
            number = run * STEPS + step + 1
            own = {**place, "step": f"step{step}", "transformation": number}
            own["name"] = f"prod{run}__r1__step{step}"
            parents = (f"step{step - 1}",) if step else ()
            tasks = None if step else 2 * COUNTS
            yield StepRecord(at=began, type="Merging", parents=parents, tasks=tasks, **own)
            for count in range(COUNTS):
                at = began + timedelta(minutes=25 * count)
                files = {"Processed": count, "Assigned": COUNTS - count} if step else {}
                done = {"Done": count, "Running": COUNTS - count}
                yield CountsRecord(at=at, status="Active", files=files, tasks=done, **own)
            reason = f"{COUNTS} files are Assigned"
            at = NOW - timedelta(minutes=30)
            yield VerdictRecord(at=at, verdict="wait", reason=reason, cause="a", **own)


def _fill_airflow(runs: int) -> None:
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        session.add(DagBundleModel(name="productions"))
        session.flush()
        names = [f"prod{run}" for run in range(runs)]
        session.add_all(
            [DagModel(dag_id=one, bundle_name="productions", fileloc=one) for one in names]
        )
        session.flush()
        session.add_all([DagTag(name="production", dag_id=one) for one in names])
        for one in names:
            session.add(
                DagRun(
                    dag_id=one,
                    run_id="r1",
                    state="running",
                    run_type=DagRunType.MANUAL,
                    triggered_by=DagRunTriggeredByType.UI,
                )
            )


class _CountedGrid:
    """A grid that answers at once, and counts how often it is asked."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self.looks = 0

    def snapshot(self, ids: Any) -> dict[int, Any]:
        """Return the transformations."""
        from dirac_prodsys.core.grid.snapshot import Snapshot
        from dirac_prodsys.core.grid.status import TransformationStatus

        self.looks += 1
        found = {}
        for number in ids:
            run, step = divmod(number - 1, STEPS)
            files = {"Processed": COUNTS, "Assigned": 4} if step else {}
            found[number] = Snapshot(
                number,
                f"prod{run}__r1__step{step}",
                "Merging",
                TransformationStatus.ACTIVE,
                files=files,
                tasks={"Done": COUNTS, "Running": 4},
            )
        return found


def _ask(folder: Path, runs: int) -> int:
    from airflow.api_fastapi.app import get_auth_manager, init_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from dirac_prodsys.ledger.store import Ledger
    from dirac_prodsys.provider.page import from_grid
    from dirac_prodsys.provider.page.app import make_app
    from dirac_prodsys.provider.page.keeper import Keeper

    ledger = Ledger.at(f"sqlite:///{folder}/ledger.db")
    ledger.write(list(_records(runs)))
    _fill_airflow(runs)
    grids: list[_CountedGrid] = []

    def opened(settings: Any) -> Any:
        grids.append(_CountedGrid(settings))
        return grids[-1]

    from_grid.open_gateway = opened
    init_auth_manager()
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="v", role="viewer"))
    keeper = Keeper(lambda: ledger)
    headers = {"Authorization": f"Bearer {token}"}
    client = TestClient(make_app(keeper), headers=headers)
    print(f"{runs:,} runs of {STEPS} steps")
    keeper.start()
    first = _seconds(keeper.published)
    print(f"first answer: {first:.1f} s (bar {MAX_FIRST:g}){'  MISSED' * (first > MAX_FIRST)}")
    keeper.stop()
    print(f"all pasts: {_seconds(keeper.refresh):.1f} s")
    print(f"another look: {_seconds(keeper.refresh):.1f} s")
    missed = int(first > MAX_FIRST)
    for what, params, bar in (
        ("the list, 50 rows", {}, MAX_LIST),
        ("the list, filtered by text and sorted", {"text": "prod9", "sort": "eta"}, MAX_LIST),
        ("the list, all rows", {"per_page": runs}, 0.0),
        ("one run", None, MAX_LIST),
    ):
        path = "/api/productions" if params is not None else "/api/dags/prod7/runs/r1"
        keeper._published = keeper.refresh()
        found = statistics.median(_each(client, path, params))
        late = bool(bar) and found > bar
        missed += late
        print(f"{what}: {found:.0f} ms{f' (bar {bar:g})' if bar else ''}{'  MISSED' * late}")
    looks = [grid.looks for grid in grids]
    for _ in range(VIEWERS):
        client.get("/api/productions").raise_for_status()
    calls = 3 * (sum(grid.looks for grid in grids) - sum(looks))
    missed += calls > MAX_CALLS
    print(f"calls of the grid while {VIEWERS} viewers asked: {calls} (bar {MAX_CALLS})")
    return 1 if missed else 0


def _each(client: Any, path: str, params: dict[str, Any] | None) -> Iterator[float]:
    for _ in range(ASKED):
        begin = time.perf_counter()
        client.get(path, params=params).raise_for_status()
        yield 1000 * (time.perf_counter() - begin)


def _seconds(what: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    what()
    return time.perf_counter() - begin


if __name__ == "__main__":
    raise SystemExit(main())
