"""Each run's note in Airflow is current, whoever writes it, and never a person's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from airflow.models.dagrun import DagRun, DagRunNote
from airflow.utils.session import create_session

from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page.keeper import Keeper
from dirac_prodsys.provider.page.notes import AUTHOR, keep_notes
from tests.unit.provider.page.scenario import NOW, Story

Shown = dict[str, tuple[str | None, str | None]]


def notes() -> Shown:
    """Dag → note of its newest run, and by whom."""
    with create_session() as session:
        rows = session.query(DagRun.dag_id, DagRunNote.content, DagRunNote.user_id)
        rows = rows.outerjoin(DagRunNote, DagRunNote.dag_run_id == DagRun.id)
        return {dag_id: (text, by) for dag_id, text, by in rows.order_by(DagRun.id)}


def write_as_a_person(dag_id: str, text: str) -> None:
    with create_session() as session:
        runs = session.query(DagRun).filter(DagRun.dag_id == dag_id)
        run = runs.order_by(DagRun.id.desc()).first()
        run.note = (text, "bob")


def look(keeper: Keeper, at: datetime) -> int:
    keeper.clock = at.timestamp
    return keep_notes(keeper.refresh(), lambda: at)


def test_a_note_says_how_a_run_stands(keeper: Keeper, airflow: None, told: Ledger) -> None:
    assert look(keeper, NOW) == 2
    found = notes()
    assert found["bands"][0].startswith("merge waits for a person: 2 files are MaxReset")
    text, by = found["rings"]
    assert text.startswith("merge 11/14 files, ETA 14:")
    assert "±" in text
    assert by == AUTHOR


def test_nothing_is_written_where_nothing_changed(
    keeper: Keeper, airflow: None, told: Ledger
) -> None:
    look(keeper, NOW)
    before = notes()
    assert look(keeper, NOW) == 0
    assert notes() == before


def test_a_note_changes_with_the_run_and_no_more_often_than_once_a_minute(
    keeper: Keeper, airflow: None, told: Ledger, ledger: Ledger
) -> None:
    look(keeper, NOW)
    run = Story("rings", "manual__2026-03-01T12:00:00+00:00", 11, 119)
    files = {"Processed": 13, "Assigned": 1}
    ledger.write([run.counts(1, 0, "Active", files=files, tasks={"Running": 1, "Failed": 1})])
    assert look(keeper, NOW + timedelta(seconds=30)) == 0
    assert look(keeper, NOW + timedelta(seconds=90)) >= 1
    assert notes()["rings"][0].startswith("merge 13/14 files, 1 job failed")


def test_two_servers_write_a_note_once(
    keeper: Keeper, airflow: None, told: Ledger, clock: Callable[[], float]
) -> None:
    other = Keeper(lambda: told, clock=clock)
    seen, also = keeper.refresh(), other.refresh()
    assert keep_notes(seen, lambda: NOW) == 2
    assert keep_notes(also, lambda: NOW) == 0


def test_a_note_of_a_person_stays(keeper: Keeper, airflow: None, told: Ledger) -> None:
    write_as_a_person("bands", "do not touch: calibration")
    assert look(keeper, NOW) == 1
    assert notes()["bands"] == ("do not touch: calibration", "bob")


def test_a_note_that_a_person_changed_meanwhile_stays(
    keeper: Keeper, airflow: None, told: Ledger, ledger: Ledger
) -> None:
    look(keeper, NOW)
    later = NOW + timedelta(minutes=5)
    keeper.clock = later.timestamp
    run = Story("rings", "manual__2026-03-01T12:00:00+00:00", 11, 119)
    ledger.write([run.counts(1, 0, "Active", files={"Processed": 14}, tasks={"Done": 4})])
    seen = keeper.refresh()
    with create_session() as session:
        for one in session.query(DagRunNote):
            one.content, one.user_id = "mine now", "bob"
    assert keep_notes(seen, lambda: later) == 0
    assert notes()["rings"] == ("mine now", "bob")


def test_the_last_note_says_how_it_ended(
    keeper: Keeper, airflow: None, told: Ledger, ledger: Ledger
) -> None:
    look(keeper, NOW)
    run = Story("rings", "manual__2026-03-01T12:00:00+00:00", 11, 119)
    ledger.write([run.end("failed", 0, "failed tasks: merge.wait_for_completion")])
    with create_session() as session:
        for one in session.query(DagRun).filter(DagRun.dag_id == "rings"):
            one.state = "failed"
    look(keeper, NOW + timedelta(minutes=2))
    assert notes()["rings"][0] == (
        "failed: failed tasks: merge.wait_for_completion; 1 of 2 steps completed"
    )
