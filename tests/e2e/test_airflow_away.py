"""All of Airflow is away, and the grid goes on: nothing is lost, nothing is done twice.

First for a day, then because its database is restored from a backup. The day passes in Airflow's
database: while nothing of Airflow runs, all its times are set back.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dirac_prodsys.errors import NotFound
from tests.e2e.site import Site
from tests.patience import until

pytestmark = pytest.mark.soak

STEPS = ("make", "other")
#: as Airflow writes times into SQLite
_FORM = "%Y-%m-%d %H:%M:%f"


def a_day_passes(database: Path) -> int:
    """Set all times of an Airflow's database back by a day; return how many were."""
    changed = 0
    with closing(sqlite3.connect(database)) as connection, connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
                if kind in ("TIMESTAMP", "DATETIME"):
                    done = connection.execute(
                        f"UPDATE {table} SET {column} = strftime(?, {column}, '-1 day')"  # noqa: S608
                        f" WHERE {column} IS NOT NULL",
                        (_FORM,),
                    )
                    changed += done.rowcount
    return changed


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database with what stands only in its write-ahead log.

    Airflow sets that log (`airflow/utils/orm_event_handlers.py`), and processes that were killed
    leave rows in it. A log that stays beside a file that is put in its place would be read into it.
    """
    with closing(sqlite3.connect(source)) as rows, closing(sqlite3.connect(target)) as copy:
        rows.backup(copy)


def jobs_have_ended(site: Site, name: str, run_id: str) -> bool:
    """Whether the Transformation System knows that the jobs of all steps have ended."""
    with closing(site.database()) as connection:
        cursor = connection.cursor()
        for step in STEPS:
            ((number, _status),) = site.rows(name, run_id, step)
            cursor.execute(
                "SELECT ExternalStatus FROM TransformationTasks WHERE TransformationID = %s",
                (number,),
            )
            if [status for (status,) in cursor.fetchall()] != ["Done"]:
                return False
    return True


def made_once(site: Site, name: str, run_id: str, *steps: str) -> None:
    """Check that each step has one transformation, and that it is Completed."""
    made = {step: [status for _id, status in site.rows(name, run_id, step)] for step in steps}
    assert made == {step: ["Completed"] for step in steps}


def test_airflow_is_away_for_a_day_and_later_restored_from_a_backup(
    site: Site, tmp_path: Path
) -> None:
    database, backup = site.stack.home / "airflow.db", tmp_path / "backup.db"
    site.drop("away", *map(site.gated, STEPS))
    site.drop("cut_short", site.quick("step"))
    site.known("cut_short")
    site.begin("away", "run")
    site.waiting("away", "run", *(f"{step}.wait_for_completion" for step in STEPS))
    # a run of which nobody knows how far it is
    site.begin("cut_short", "run")
    site.stack.down()

    copy_database(database, backup)
    assert a_day_passes(database) > 0
    # meanwhile the author edits the file, and the jobs end
    site.drop("away", *map(site.gated, STEPS), site.quick("third"))
    site.open_gate("away", "run")
    until("the jobs' end", 120, lambda: jobs_have_ended(site, "away", "run"), each=0.5)
    site.stack.up()
    site.succeeds("away", "run", seconds=300)
    assert {*site.tries("away", "run").values()} == {1}
    assert not any(task.startswith("third") for task in site.states("away", "run"))
    made_once(site, "away", "run", *STEPS)
    # its tasks may have been killed half-way
    site.succeeds("cut_short", "run", seconds=300)
    made_once(site, "cut_short", "run", "step")
    # a new run takes the edited file
    site.known("away", "third.complete")
    site.open_gate("away", "later")
    site.begin("away", "later")
    site.succeeds("away", "later", seconds=300)
    made_once(site, "away", "later", *STEPS, "third")

    site.stack.down()
    copy_database(backup, database)
    site.stack.up()
    # what was done since is found on the grid, and not done again
    for name in ("away", "cut_short"):
        site.succeeds(name, "run", seconds=300)
    made_once(site, "away", "run", *STEPS)
    made_once(site, "cut_short", "run", "step")
    # a run that began since is unknown; begun again by its name, it takes what there is
    with pytest.raises(NotFound):
        site.rest.run("away", "later")
    site.known("away", "third.complete")
    site.begin("away", "later")
    site.succeeds("away", "later", seconds=300)
    made_once(site, "away", "later", *STEPS, "third")
