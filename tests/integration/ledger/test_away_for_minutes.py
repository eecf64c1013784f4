"""The database is away for minutes while tasks write: nothing is lost, doubled, or held up.

It is gone, or it is there and answers nobody who writes.
"""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from dirac_prodsys.core.reports.ledger.records import DatasetRecord
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.ledger.database import migrate, open_engine
from dirac_prodsys.ledger.history import run_history
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.reporting.ledger_settings import background
from dirac_prodsys.provider.reporting.ledger_settings import recorder as of_tasks
from tests.integration.dag_runs import DATASET, Run, completed, text
from tests.integration.ledger.databases import (
    Database,
    a_minute_passes,
    deliver_all,
    recorder,
    texts,
)
from tests.patience import until
from tests.unit.ledger.example_records import event

#: how the database is away
WAYS: dict[str, Callable[[Database], contextlib.AbstractContextManager[None]]] = {
    "gone": Database.gone,
    "held": Database.held,
}
MINUTES = 4

ways = pytest.mark.parametrize("way", WAYS)


def task(database: Database, folder: Path, by: str) -> int:
    """A task in a process of its own, which writes four records and ends; its process ID."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            own = recorder(database, folder)
            for number in range(4):
                own.write(event(number, by=by))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return process


def end_of(processes: list[int]) -> None:
    """Wait until all have ended well; a task that waits for its ledger does not."""
    left = set(processes)

    def look() -> bool:
        for process in list(left):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                assert os.waitstatus_to_exitcode(status) == 0
                left.discard(process)
        return not left

    until("the end of the tasks", 90, look)


@ways
def test_tasks_end_while_it_is_away_and_all_they_wrote_is_there_afterwards(
    database: Database, tmp_path: Path, way: str
) -> None:
    folder = tmp_path / "spool"
    engine = open_engine(database.url)
    migrate(engine)
    engine.dispose()
    # a triggerer: it has a connection from before
    lasting = recorder(database, folder)
    lasting.write(event(0, by="lasting"))
    assert texts(database) == ["lasting 0"]
    writers = ["lasting"]
    with WAYS[way](database):
        for minute in range(1, 1 + MINUTES):
            a_minute_passes(folder)
            names = [f"{minute}{name}" for name in "abc"]
            writers += names
            started = [task(database, folder, name) for name in names]
            lasting.write(event(minute, by="lasting"))
            end_of(started)
    a_minute_passes(folder)
    writers += ["last"]
    end_of([task(database, folder, "last")])
    until("all is delivered", 60, lambda: not lasting.waiting() or not lasting.deliver().waiting)
    found = texts(database)
    expected = {f"{by} {number}" for by in writers[1:] for number in range(4)}
    expected |= {f"lasting {number}" for number in range(1 + MINUTES)}
    assert len(found) == len(set(found))
    assert set(found) == expected
    for by in writers:  # by their moments, which are those of the numbers
        own = [words for words in found if words.startswith(f"{by} ")]
        assert own == sorted(own)


@ways
def test_a_production_comes_to_its_end_while_it_is_away(
    database: Database,
    tmp_path: Path,
    way: str,
    run: Run,
    grid: MemoryGrid,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_URL", database.url)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SUMMARY_FOLDER", str(tmp_path / "summaries"))
    engine = open_engine(database.url)
    migrate(engine)
    engine.dispose()
    name = f"away_{way}"
    steps = [("make", "tasks: 5"), ("merge", "input: {from: make}")]
    with WAYS[way](database):
        dag_run = run(text(name, *steps, tail=DATASET % (name, 2)))
    assert completed(dag_run)
    writer, recording = background(), of_tasks()
    assert writer is not None
    assert recording is not None
    assert writer.drain(60)
    assert recording.waiting()
    deliver_all(database, tmp_path / "spool")
    ledger = Ledger.at(database.url)
    history = run_history(ledger, Search(production=name))
    assert history is not None
    assert history.row.state == "completed"
    assert [each.counts and each.counts.status for each in history.steps] == ["Completed"] * 2
    datasets = [each for each in history.story if isinstance(each, DatasetRecord)]
    assert [each.files for each in datasets] == [2]
    ledger.close()
