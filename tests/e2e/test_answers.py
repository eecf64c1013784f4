"""What a person answers to a step that asks is done to its files, on a real grid and Airflow."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from tests.e2e.asking import answer, making, pending, question
from tests.e2e.site import Site
from tests.patience import until

MANUAL, FAILING, TASK = "manual_flush_e2e", "answers_e2e", "merge.wait_for_completion"
HASTY = "hasty_e2e"
ANSWERS = {"mended": "Try again", "hopeless": "Give up"}


@pytest.fixture(scope="module")
def begun(site: Site) -> Site:
    """A run whose flush is left to a person, and two whose only job fails until a gate is open."""
    gate = f"{site.gates}/${{{{ production }}}}__${{{{ run }}}}"
    rules = "{recovery: {errors: [{then: ask, status: Failed}]}}"
    site.drop(MANUAL, making(MANUAL), merging("{flush: manual}", "true"))
    site.drop(FAILING, making(FAILING), merging(rules, f"test -e {gate}"))
    site.begin(MANUAL, "manual")
    for run in ANSWERS:
        site.begin(FAILING, run)
    return site


def merging(policy: str, does: str) -> str:
    """A step that takes files by two, of which there is one."""
    return f"""\
merge:
  type: Merging
  group_size: 2
  input: {{from: make}}
  policy: {policy}
  job: {{type: script, executable: sh, arguments: "-c '{does}'", cpu_time: 600}}
"""


def test_a_manual_flush_is_asked_in_airflow_while_dirac_is_watched(begun: Site) -> None:
    site, run = begun, "manual"
    asked = question(site, run, TASK, "deferred")
    assert asked["options"] == ["Flush", "Try again", "Give up", "Wait on"]
    assert "1 of 1 files are Unused" in asked["body"]
    answer(site.rest, MANUAL, run, TASK, "Flush")
    site.succeeds(MANUAL, run, seconds=240)
    assert [status for _, status in site.rows(MANUAL, run, "merge")] == ["Completed"]
    assert site.tries(MANUAL, run)[TASK] == 1


def test_what_fails_is_tried_again_or_given_up_as_a_person_says(begun: Site) -> None:
    site = begun
    for run, option in ANSWERS.items():
        asked = question(site, run, TASK, "deferred")
        assert asked["options"] == ["Try again", "Give up", "Wait on"]
        if run == "mended":
            site.open_gate(FAILING, run)
        answer(site.rest, FAILING, run, TASK, option)
    site.succeeds(FAILING, "mended", seconds=300)
    assert site.ended(FAILING, "hopeless", 300)["state"] == "failed"
    ends = {"mended": ["Completed", "Processed"], "hopeless": ["Stopped", "MaxReset"]}
    for run, end in ends.items():
        ((number, status),) = site.rows(FAILING, run, "merge")
        assert [status, *site.file_states(number)] == end
        assert site.tries(FAILING, run)[TASK] == 1


@contextlib.contextmanager
def scheduler_held(site: Site) -> Iterator[None]:
    """Hold Airflow's scheduler, but not its workers, while it has no lock on the database."""
    scheduler = site.stack.processes.find("scheduler")
    assert scheduler is not None

    def held_outside_a_transaction() -> bool:
        scheduler.suspend()
        try:
            file = site.stack.home / "airflow.db"
            with contextlib.closing(sqlite3.connect(file, timeout=0.2)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.rollback()
        except sqlite3.OperationalError:
            scheduler.resume()
            return False
        return True

    until("the scheduler is held", 30, held_outside_a_transaction)
    try:
        yield
    finally:
        scheduler.resume()


@pytest.mark.soak
def test_an_answer_before_the_scheduler_knows_that_the_task_waits_is_carried_out(
    site: Site,
) -> None:
    """Airflow then fails the attempt, and the next one finds the answer."""
    site.drop(HASTY, making(HASTY), merging("{flush: manual}", "true"))
    site.begin(HASTY, "run")
    until("the question", 240, lambda: pending(site, "run", TASK))
    with scheduler_held(site):
        until("the wait", 60, lambda: site.states(HASTY, "run")[TASK] == "deferred")
        answer(site.rest, HASTY, "run", TASK, "Flush")
    site.succeeds(HASTY, "run", seconds=400)
    assert site.tries(HASTY, "run")[TASK] == 2
    assert [status for _, status in site.rows(HASTY, "run", "merge")] == ["Completed"]
