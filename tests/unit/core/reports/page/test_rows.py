"""The row of a run: the same as ``status`` says, whatever the order of the records."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import CountsRecord
from dirac_prodsys.core.reports.page.board import Board
from dirac_prodsys.core.reports.page.notes import note
from dirac_prodsys.core.reports.page.rows import AirflowRun, GridLook, Question, RunView, run_view
from dirac_prodsys.core.reports.state_line import State
from dirac_prodsys.core.reports.status_progress import Past, overviews
from dirac_prodsys.core.reports.status_view import status_rows
from tests.unit.core.reports.page.story import NOW, ago, counts, course, merge, place, verdict

AT = NOW.timestamp()


def view(
    records: list[Record], airflow: AirflowRun | None = None, look: GridLook | None = None
) -> RunView:
    board = Board()
    board.learn(records)
    return run_view(board.books["bands", "r1"], airflow, look or GridLook(), AT)


def running(**more: Any) -> AirflowRun:
    return AirflowRun("bands", "r1", "running", **more)


def test_it_is_what_status_says() -> None:
    records = course()
    snapshots = [
        Snapshot(
            1,
            "bands__r1__make",
            "MCSimulation",
            TransformationStatus.COMPLETED,
            tasks={"Done": 14},
        ),
        Snapshot(
            2,
            "bands__r1__merge",
            "Merging",
            TransformationStatus.ACTIVE,
            files={"Processed": 11, "Assigned": 3},
        ),
    ]
    look = GridLook(AT, {one.id: one for one in snapshots})
    past, rows = Past(), status_rows(snapshots)
    past.learn(records)
    past.look(rows, AT)
    (said,) = overviews(rows, past, AT)
    seen = view(records, look=look)
    assert seen.overview == said
    assert seen.row.grid_state == said.state
    assert seen.row.fraction == pytest.approx(said.progress.fraction, abs=1e-4)
    assert seen.row.files.done == said.progress.files.done
    expected = said.progress.forecast.expected
    assert expected is not None
    assert seen.row.eta.expected is not None
    assert seen.row.eta.expected.timestamp() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_records_come_in_any_order_and_twice(seed: int) -> None:
    records = course()
    mixed = [*records, *records]
    random.Random(seed).shuffle(mixed)  # noqa: S311
    assert view(mixed).row == view(records).row


def test_the_grid_counts_only_if_it_was_asked_later_and_means_the_same() -> None:
    records = course()
    files = {"Processed": 12}
    seen = Snapshot(2, "bands__r1__merge", "Merging", TransformationStatus.ACTIVE, files=files)
    assert view(records, look=GridLook(AT, {2: seen})).steps[1].seen == seen
    older = GridLook(ago(500).timestamp(), {2: seen})
    assert view(records, look=older).steps[1].seen != seen
    other = replace(seen, name="others__r9__merge")  # the grid's IDs began anew
    assert view(records, look=GridLook(AT, {2: other})).steps[1].seen != other


def test_the_line_of_a_waiting_task_is_shown_as_it_is() -> None:
    line = "merge Stopped by bob since 13:30 UTC: the tape is full; 10/12 files"
    said = State("stopped", line, "Stopped", since=ago(30).timestamp())
    found = view(course(), running(said={"merge": said}))
    assert found.state.kind == "stopped"
    assert found.state.words.startswith(line)
    assert found.state.since == ago(30)
    assert found.state.needs_person


def test_without_a_task_the_last_verdict_says_why_and_since_when() -> None:
    found = view([*course(), verdict(40, "2 files are Assigned")], running())
    assert found.state.kind == "running"
    assert found.state.reason == "2 files are Assigned"
    assert found.state.since == ago(40)


def test_a_question_of_a_task_is_what_comes_first() -> None:
    asked = Question("Start merge?", ago(3), "merge.start")
    found = view(course(), running(questions=(asked,)))
    assert (found.state.kind, found.state.reason, found.state.since) == (
        "asks",
        "Start merge?",
        ago(3),
    )


def test_a_step_that_began_anew_counts_once() -> None:
    fresh = merge().model_copy(
        update={"at": ago(5), "name": "bands__r1__merge__fresh2", "transformation": 3, "key": ""}
    )
    found = view([*course(), fresh])
    assert [step.track.step.transformation for step in found.steps] == [1, 3]


def test_events_are_those_of_the_steps_that_simulate_them() -> None:
    events = view(course()).row.events
    assert events is not None
    assert (events.done, events.total) == (14000, 14000)


def test_failures_of_the_last_hour_are_the_new_ones() -> None:
    early = counts("merge", 2, 70, files={"Assigned": 2}, tasks={"Failed": 5})
    late = counts("merge", 2, 1, files={"Assigned": 2}, tasks={"Failed": 7, "Running": 1})
    others = [
        one for one in course() if not (isinstance(one, CountsRecord) and one.step == "merge")
    ]
    assert view([*others, early, late]).row.failures_last_hour == 2


def test_what_nobody_knows_is_null() -> None:
    row = view([one for one in course() if not isinstance(one, CountsRecord)]).row
    assert row.eta.expected is None
    assert row.eta.why
    assert row.seen.words == "never seen"
    assert row.failures_last_hour == 0


def test_a_run_that_ended_says_how() -> None:
    from dirac_prodsys.core.reports.ledger.records import RunRecord

    why = "failed tasks: merge.wait"
    end = RunRecord(at=ago(2), state="failed", run_id="r1", reason=why, **place())
    found = view([*course(), end], AirflowRun("bands", "r1", "failed"))
    assert (found.state.kind, found.state.reason, found.row.ended) == ("failed", why, ago(2))
    assert note(found, AT).startswith(f"failed: {why}; ")


def test_a_failed_run_that_was_cleared_goes_on() -> None:
    from dirac_prodsys.core.reports.ledger.records import RunRecord

    end = RunRecord(at=ago(20), state="failed", run_id="r1", **place())
    found = view([*course(), end], running())
    assert found.state.kind == "running"
    assert found.row.ended is None


def test_a_note_says_how_far_and_when() -> None:
    text = note(view(course(), running()), AT)
    assert text.startswith("make 14/14 tasks; merge 10/12 files")
