"""What people do to a run, and what Airflow does to its triggers: grid work stops only when it
should, by whoever's hand it should, and goes on from there."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from tests.e2e.site import Site
from tests.patience import until

NAME = "cancelled"
WAITS = ("left.wait_for_completion", "right.wait_for_completion")
GROUP = ("start", "wait_for_completion", "complete")

#: seconds; Airflow gives a triggerer's waits to another after half of it
STALL = 50.0


def row(site: Site, run_id: str, step: str) -> tuple[int, str]:
    ((number, status),) = site.rows(NAME, run_id, step)
    return int(number), str(status)


def history(site: Site, run_id: str, step: str) -> list[str]:
    """Every state that the transformation was set to, from DIRAC's own log."""
    with closing(site.database()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT Message FROM TransformationLog WHERE TransformationID = %s"
            " AND Message LIKE 'Status updated%%' ORDER BY recid",
            (row(site, run_id, step)[0],),
        )
        return [message.split()[-1] for (message,) in cursor.fetchall()]


def by_hand(site: Site, run_id: str, step: str, status: str) -> None:
    """A person sets a state in DIRAC, which logs it."""
    number, _ = row(site, run_id, step)
    with closing(site.database()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "UPDATE Transformations SET Status = %s WHERE TransformationID = %s", (status, number)
        )
        cursor.execute(
            "INSERT INTO TransformationLog (TransformationID, Message, Author, MessageDate)"
            " VALUES (%s, %s, 'person', UTC_TIMESTAMP())",
            (number, f"Status updated to {status}"),
        )


def becomes(site: Site, run_id: str, step: str, status: str) -> None:
    until(f"{step} {status}", 120, lambda: row(site, run_id, step)[1] == status, each=0.3)


def ends(site: Site, run_id: str, state: str) -> None:
    assert site.ended(NAME, run_id, 300)["state"] == state, site.states(NAME, run_id)


def wait_again(site: Site, run_id: str, *tasks: str) -> None:
    """Clear tasks, and wait until their new attempts wait."""
    before = site.tries(NAME, run_id)
    site.clear(NAME, run_id, *tasks, downstream=True)

    def look() -> bool:
        tries, states = site.tries(NAME, run_id), site.states(NAME, run_id)
        return all(tries[t] > before[t] and states[t] == "deferred" for t in tasks)

    until(f"{run_id}: {tasks} deferred again", 300, look, each=0.3)


def a_failed_run_is_stopped_and_taken_up_again_but_for_what_a_person_stopped(site: Site) -> None:
    run_id = "run-failed"
    site.mark_run(NAME, run_id, "failed")
    ends(site, run_id, "failed")
    for step in ("left", "right"):
        assert history(site, run_id, step) == ["Active", "Stopped"]

    wait_again(site, run_id, *WAITS)
    for step in ("left", "right"):
        assert history(site, run_id, step) == ["Active", "Stopped", "Active"]
    assert site.tries(NAME, run_id)["prepare.create.left"] == 1

    by_hand(site, run_id, "right", "Stopped")
    site.mark_run(NAME, run_id, "failed")
    ends(site, run_id, "failed")
    wait_again(site, run_id, *WAITS)
    assert history(site, run_id, "left")[-2:] == ["Stopped", "Active"]
    assert history(site, run_id, "right") == ["Active", "Stopped", "Active", "Stopped"]
    by_hand(site, run_id, "right", "Active")


def a_run_marked_success_is_completed_where_a_task_was_and_stopped_where_not(site: Site) -> None:
    run_id = "accepted"
    site.mark_task(NAME, run_id, "left.wait_for_completion", "success")
    becomes(site, run_id, "left", "Completed")
    assert row(site, run_id, "right")[1] == "Active"
    site.mark_run(NAME, run_id, "success")
    ends(site, run_id, "success")
    assert history(site, run_id, "left") == ["Active", "Completed"]
    assert history(site, run_id, "right") == ["Active", "Stopped"]


def triggerers(site: Site, run_id: str) -> set[int]:
    """The triggerers that have the waits of a run."""
    tasks = site.rest.task_instances(NAME, run_id)
    jobs = (tasks[wait]["triggerer_job"] for wait in WAITS)
    return {job["id"] for job in jobs if job is not None}


def logged(site: Site, run_id: str, words: str, task: str = "*.wait_for_completion") -> int:
    """How many lines the triggers of a run's waits have written."""
    folder = site.stack.state.log / "tasks" / f"dag_id={NAME}" / f"run_id={run_id}"
    logs = folder.glob(f"task_id={task}/*.trigger.*.log")
    return sum(log.read_text().count(words) for log in logs)


def a_triggerer_that_stalls_stops_nothing(site: Site) -> None:
    run_id = "stalled"
    first = triggerers(site, run_id)
    with site.stack.second_triggerer():
        with site.stack.frozen("triggerer"):
            since = time.monotonic()
            until("another has the waits", 60, lambda: triggerers(site, run_id).isdisjoint(first))
            until("it has stalled long enough", STALL, lambda: time.monotonic() > since + STALL - 1)
        refused = "the task is deferred: nothing is stopped"
        until("its waits are killed", 60, lambda: logged(site, run_id, refused) >= len(WAITS))
        for step in ("left", "right"):
            assert history(site, run_id, step) == ["Active"]


def begun(site: Site, *run_ids: str) -> Path:
    """Runs of a production of two steps, all waiting; its file."""
    path = site.drop(NAME, site.gated("left"), site.gated("right"))
    for run_id in run_ids:
        site.begin(NAME, run_id)
    for run_id in run_ids:
        site.waiting(NAME, run_id, *WAITS, seconds=300)
    return path


def test_a_clear_and_a_triggerer_that_stalls_stop_nothing(site: Site) -> None:
    begun(site, "stalled")
    wait_again(site, "stalled", "left.wait_for_completion")
    assert site.tries(NAME, "stalled")["prepare.create.left"] == 1
    a_triggerer_that_stalls_stops_nothing(site)
    site.open_gate(NAME, "stalled")
    ends(site, "stalled", "success")
    assert history(site, "stalled", "left") == ["Active", "Completed"]


def test_a_run_is_stopped_by_a_mark_and_taken_up_by_a_clear(site: Site) -> None:
    production = begun(site, "task-failed", "run-failed", "accepted")
    good = production.read_text()
    # from here on the file is broken: what runs goes on by what it began with
    production.write_text("version: 1\nproduction: [")
    until("the import error", 60, site.rest.import_errors)

    # a wait that no triggerer has begun is not killed: then the run's end stops its work
    until("it is looked at", 60, lambda: logged(site, "task-failed", "tasks are done", WAITS[0]))
    site.mark_task(NAME, "task-failed", "left.wait_for_completion", "failed")
    a_run_marked_success_is_completed_where_a_task_was_and_stopped_where_not(site)
    a_failed_run_is_stopped_and_taken_up_again_but_for_what_a_person_stopped(site)
    becomes(site, "task-failed", "left", "Stopped")
    assert history(site, "task-failed", "right") == ["Active"]
    wait_again(site, "task-failed", "left.wait_for_completion")

    # all gates before any end: few jobs run at once, and one that waits keeps others from running
    for run_id in ("task-failed", "run-failed", "accepted"):
        site.open_gate(NAME, run_id)
    for run_id in ("task-failed", "run-failed"):
        ends(site, run_id, "success")
    assert history(site, "task-failed", "left") == ["Active", "Stopped", "Active", "Completed"]
    production.write_text(good)
    until("it is mended", 60, lambda: not site.rest.import_errors())


def test_what_a_person_cleaned_begins_anew_when_its_group_is_cleared(site: Site) -> None:
    begun(site, "fresh")
    by_hand(site, "fresh", "left", "Cleaned")
    # the scheduler has gone on from the failure: on SQLite, a clear in between may end it
    behind = "left.complete"
    until(
        "it fails", 120, lambda: site.states(NAME, "fresh")[behind] == "upstream_failed", each=0.3
    )
    first = row(site, "fresh", "left")
    site.clear(NAME, "fresh", *(f"left.{task}" for task in GROUP))
    site.open_gate(NAME, "fresh")
    ends(site, "fresh", "success")
    assert row(site, "fresh", "left") == first
    ((number, status),) = site.rows(NAME, "fresh", "left__fresh2")
    assert number > first[0]
    assert status == "Completed"
    tries = site.tries(NAME, "fresh")
    assert (tries["left.start"], tries["prepare.create.left"]) == (2, 1)
