"""The lines of a wait stay readable over its deferrals, and stay few."""

from __future__ import annotations

import json

from dirac_prodsys.core.grid.jobs import Cause
from dirac_prodsys.core.reports.state_line import State, Stop
from dirac_prodsys.core.reports.story import MOST_CHARACTERS, MOST_LINES, Story

BEGAN = 1795918440.0


def test_lines_are_repeated_with_their_times() -> None:
    story = Story().saying("4 of 6 files", BEGAN).saying("it is down", BEGAN + 60, matters=True)
    kept = json.loads(json.dumps(story.lines_to_dict()))
    assert Story().with_lines(kept) == story
    head, *lines = story.opening_lines()
    assert "this wait so far" in head
    assert lines == [
        "  2026-11-29T02:14:00+00:00 4 of 6 files",
        "  2026-11-29T02:15:00+00:00 ! it is down",
    ]
    assert Story().opening_lines() == []


def test_of_many_lines_old_counts_go_first_and_that_is_reported() -> None:
    story = Story()
    for number in range(500):
        story = story.saying(f"count {number}", BEGAN + number, matters=number == 3)
    assert len(story.lines) == MOST_LINES
    texts = [line.text for line in story.lines]
    assert texts[0] == "count 3"
    assert texts[-1] == "count 499"
    assert f"without {500 - MOST_LINES} lines" in story.opening_lines()[0]


def test_long_lines_are_bounded_together() -> None:
    story = Story()
    for number in range(50):
        story = story.saying("x" * 5000, BEGAN + number, matters=True)
    assert sum(len(line.text) for line in story.lines) <= MOST_CHARACTERS
    assert len(json.dumps(story.lines_to_dict())) < 2 * MOST_CHARACTERS


def test_what_travels_comes_back_without_the_lines() -> None:
    state = State("stopped", "merge Stopped", "Stopped", since=BEGAN, updated=BEGAN)
    cause = Cause("Failed: x", 2, "SITE", (1, 2))
    story = Story((), 0, state, Stop("alice", BEGAN, "why"), (cause,), 2, "stopped", {"stopped": 1})
    longer = story.saying("a line", BEGAN)
    assert Story.from_dict(json.loads(json.dumps(longer.to_dict()))) == story
    assert Story.from_dict({}) == Story()
    assert Story().with_lines("nonsense") == Story()
