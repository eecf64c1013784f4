"""What a person answers to a step that asks is done to its files, on a real grid and Airflow."""

from __future__ import annotations

import pytest

from tests.e2e.asking import answer, making, question
from tests.e2e.site import Site

MANUAL, FAILING, TASK = "manual_flush_e2e", "answers_e2e", "merge.wait_for_completion"
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
