"""One plain line says how a step stands, whatever is the matter with it."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.gates.gate import GateVerdict
from dirac_prodsys.core.grid.jobs import Cause
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy import History, StepRules, Verdict
from dirac_prodsys.core.reports.state_line import (
    Seen,
    State,
    Stop,
    failures,
    gate_state,
    grid_state,
    state_of,
)
from dirac_prodsys.core.text.wording import clock, read_stamp, span, stamp

#: 2026-11-29, 02:14 and 05:14 UTC
EARLY, NOW = 1795918440.0, 1795929240.0
FILES = StepRules(True, group_size=4)
TASKS = StepRules(False, tasks=14)
REQUESTS = StepRules(True, by_requests=True)
HALF = {"Processed": 12, "Assigned": 2}
EXIT = Cause("Failed: Application Finished With Errors: exit status 3", 1, "SIM.SiteA.org", (1234,))
MANY = Cause("Failed: Job stalled", 9, "SIM.SiteB.org", (5, 6, 7, 8, 9))


def seen(
    files: dict[str, int] | None = None,
    tasks: dict[str, int] | None = None,
    status: str = "Active",
    **more: Any,
) -> Seen:
    found = Snapshot(
        7, "p__r__merge", "Merging", TransformationStatus(status), files or {}, tasks or {}
    )
    return Seen("merge", found, **{"rules": FILES, **more})


STALLED = Verdict(
    "wait",
    "",
    "nothing moved for 10800 s: 2 tasks wait: no site takes the jobs",
    about="stalled",
)
ASKS = Verdict("wait", "", "2 of 6 files are Unused, a person flushes", question="flush")
STILL = History(progress_since=EARLY)

TABLE = {
    "at work": (seen(HALF), "waiting", "merge 12/14 files"),
    "without files": (seen(), "waiting", "merge no files"),
    "parents at work": (
        seen(HALF, inputs_final=False),
        "waiting",
        "merge 12/14 files; its parents are still at work",
    ),
    "tasks": (seen(tasks={"Done": 3, "Running": 2}, rules=TASKS), "waiting", "merge 3/14 tasks"),
    "a job failed, and is made good": (
        seen(HALF, {"Done": 3, "Failed": 1}, causes=[EXIT]),
        "waiting",
        (
            "merge 12/14 files, 1 job failed: Application Finished With Errors: exit status 3 at "
            "SIM.SiteA.org (job 1234)"
        ),
    ),
    "a job failed": (
        seen(HALF, {"Failed": 1}, causes=[EXIT], history=History(failed_since=EARLY)),
        "failing",
        (
            "merge 12/14 files, 1 job failed: Application Finished With Errors: exit status 3 at "
            "SIM.SiteA.org (job 1234)"
        ),
    ),
    "jobs failed, and what comes": (
        seen(
            HALF,
            {"Failed": 10},
            causes=[MANY, EXIT],
            verdict=Verdict("flush", "2 are left"),
            history=History(failed_since=EARLY),
        ),
        "failing",
        (
            "merge 12/14 files, 10 jobs failed: Job stalled at SIM.SiteB.org (jobs 5, 6, 7); "
            "Application Finished With Errors: exit status 3 at SIM.SiteA.org (job 1234); "
            "next: flush"
        ),
    ),
    "files that none takes": (
        seen({"Processed": 1, "MaxReset": 2}),
        "failing",
        "merge 1/3 files, files are 2 MaxReset",
    ),
    "too few tasks": (
        seen(tasks={"Done": 3, "Failed": 11}, rules=TASKS),
        "failing",
        "merge 3/14 tasks, 11 jobs failed",
    ),
    "nobody tells why": (
        seen(HALF, {"Failed": 9}, causes=[Cause("Failed", 9, "", (5, 6))]),
        "waiting",
        "merge 12/14 files, 9 jobs failed: jobs 5, 6",
    ),
    "requests": (
        seen(HALF, {"Failed": 1}, rules=REQUESTS),
        "waiting",
        "merge 12/14 files, 1 request failed",
    ),
    "stopped": (
        seen(HALF, status="Stopped", stop=Stop("alice", EARLY, "bad calibration")),
        "stopped",
        "merge Stopped by alice since 02:14 UTC: bad calibration; 12/14 files",
    ),
    "stopped without a reason": (
        seen(HALF, status="Stopped", stop=Stop("prodmgr", EARLY)),
        "stopped",
        "merge Stopped by prodmgr since 02:14 UTC; 12/14 files",
    ),
    "stopped, by whom is unknown": (
        seen(HALF, status="Stopped"),
        "stopped",
        "merge Stopped since 05:14 UTC; 12/14 files",
    ),
    "not started": (
        seen(status="New"),
        "waiting",
        "merge is New: nothing runs until it is Active; no files",
    ),
    "outage": (
        seen(HALF, outage="Can't connect to dips://x"),
        "outage",
        "merge waits for the grid since 05:14 UTC: Can't connect to dips://x",
    ),
    "never seen": (Seen("merge"), "outage", "merge waits for the grid since 05:14 UTC"),
    "stalled": (
        seen(HALF, verdict=STALLED, history=STILL),
        "stalled",
        "merge: nothing has moved for 3 h: 2 tasks wait: no site takes the jobs; 12/14 files",
    ),
    "a person is asked": (
        seen(HALF, verdict=ASKS),
        "asks",
        "merge waits for a person: 2 of 6 files are Unused, a person flushes; 12/14 files",
    ),
    "complete": (
        seen({"Processed": 14}, verdict=Verdict("complete", "all")),
        "ended",
        "merge 14/14 files; next: complete",
    ),
    "given up": (
        seen(HALF, verdict=Verdict("fail", "only 12 of 14")),
        "failed",
        "merge failed: only 12 of 14; 12/14 files",
    ),
}


@pytest.mark.parametrize("what", TABLE)
def test_the_line_and_its_kind(what: str) -> None:
    given, kind, line = TABLE[what]
    state = state_of(given, NOW)
    assert (state.kind, state.line) == (kind, line)


def test_it_is_since_when_it_came_to_be_so() -> None:
    first = state_of(seen(HALF), EARLY)
    later = state_of(seen({"Processed": 14}), NOW, first)
    assert (later.since, later.updated) == (EARLY, NOW)
    stopped = state_of(seen(status="Stopped", stop=Stop("a", EARLY + 60)), NOW, first)
    assert stopped.since == EARLY + 60
    assert state_of(seen(HALF), NOW, stopped).since == NOW
    assert state_of(seen(verdict=STALLED, history=STILL), NOW, first).since == EARLY


def test_the_value_is_small_has_the_numbers_of_status_and_comes_back() -> None:
    state = state_of(seen(HALF, {"Done": 3, "Failed": 1, "Running": 1}, causes=[EXIT]), NOW)
    assert state.to_dict() == {
        "line": state.line,
        "kind": "waiting",
        "status": "Active",
        "files": {"processed": 12, "total": 14},
        "tasks": {"done": 3, "failed": 1, "total": 5},
        "since": "2026-11-29T05:14:00+00:00",
        "updated": "2026-11-29T05:14:00+00:00",
    }
    assert State.from_dict(state.to_dict()) == state
    assert State.from_dict({}) is State.from_dict({"kind": "a word of another version"}) is None


def test_news_is_another_kind_or_another_status_and_no_other_number() -> None:
    first = state_of(seen(HALF), NOW)
    assert first.is_news_after(None)
    assert not state_of(seen({"Processed": 13}), NOW).is_news_after(first)
    assert state_of(seen(HALF, status="Flush"), NOW).is_news_after(first)
    assert state_of(seen(HALF, outage="down"), NOW).is_news_after(first)


def test_words_of_others_stay_one_printable_line() -> None:
    nasty = Cause("Failed: a\nforged line\x1b[2J", 1, "SITE\n", (1,))
    for given in (
        seen(HALF, {"Failed": 1}, causes=[nasty]),
        seen(HALF, status="Stopped", stop=Stop("x\n", NOW, "a\nb")),
        seen(outage="a\nb"),
    ):
        assert state_of(given, NOW).line.isprintable()
    long = Stop("alice", EARLY, "why " * 200)
    assert long.reason.strip() in state_of(seen(status="Stopped", stop=long), NOW).line


def test_failures_are_tasks_and_files_that_none_takes() -> None:
    found = seen({"MaxReset": 2, "Processed": 1}, {"Failed": 3, "Killed": 1}).snapshot
    assert found is not None
    assert failures(found) == 6


def test_gates_and_an_outage_are_reported_in_the_same_way() -> None:
    one = gate_state("merge", GateVerdict("wait", "dataset /a/b does not exist yet"), 1, NOW)
    assert one.line == "merge waits: dataset /a/b does not exist yet"
    more = gate_state("merge", GateVerdict("wait", "file /x does not exist yet", "", 3), 10, NOW)
    assert more.line == "merge waits, 3 of 10 are there: file /x does not exist yet"
    late = gate_state("merge", GateVerdict("fail", "waited for 2 h"), 1, NOW, one)
    assert (late.kind, late.since) == ("failed", NOW)
    assert gate_state("merge", GateVerdict("open", "there"), 1, NOW).kind == "ended"
    down = grid_state("make.start", "no route", EARLY, NOW)
    assert down.line == "make.start waits for the grid since 02:14 UTC: no route"


def test_moments_say_that_they_are_utc_and_their_day_where_it_is_another() -> None:
    assert (clock(EARLY, NOW), clock(EARLY, NOW + 86400)) == ("02:14 UTC", "29 Nov 02:14 UTC")
    assert read_stamp(stamp(EARLY)) == EARLY
    assert read_stamp("nonsense") == 0.0
    spans = [span(seconds) for seconds in (20, 150, 5400, 10800, 86400 * 3)]
    assert spans == ["20 s", "2 min", "90 min", "3 h", "3 days"]
