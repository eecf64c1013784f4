"""The way out of a failure goes by why jobs failed."""

from __future__ import annotations

import re

import pytest

from dirac_prodsys.core.grid.jobs import Cause
from dirac_prodsys.core.reports.advice import ADVICE, advice_for


@pytest.mark.parametrize(
    ("cause", "way_out"),
    [
        ("Failed: Application Finished With Errors: exit status 3", "mend the arguments"),
        ("Failed: Job stalled: pilot not running", "ban it in DIRAC"),
        ("Failed: Watchdog identified this job as stalled", "ban it in DIRAC"),
        ("Failed: Input Data Resolution: Failed", "input cannot be read"),
        ("Failed: Input Data Not Available", "input cannot be read"),
        ("Failed: Uploading Outputs: SE is full", "storage element takes files"),
        ("Failed: Job has exceeded maximum wall clock time", "raise cpu_time"),
        ("Killed: Marked for termination", "killed the jobs"),
        ("Failed: something new", ""),
    ],
)
def test_the_way_out(cause: str, way_out: str) -> None:
    found = advice_for([Cause(cause, 1, "", ())])
    assert way_out in found
    assert bool(found) == bool(way_out)


def test_the_most_frequent_cause_that_is_known_speaks() -> None:
    causes = [Cause("something new", 9, "", ()), Cause("exit status 1", 2, "", ())]
    assert "mend the arguments" in advice_for(causes)


def test_each_entry_has_words_and_a_way_out() -> None:
    for advice in ADVICE:
        assert re.compile(advice.words)
        assert advice.way_out
