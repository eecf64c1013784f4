"""Describes the state of a step in one plain line, and as a small value for any surface.

The line is made of what was seen and of the policy's verdict; the value is stored with the task in
Airflow, for every view of runs.

Invariant: pure. The numbers are those of the snapshot, as ``dirac-prodsys status`` shows them; a
line begins with the problem, and is never cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from dirac_prodsys.core.gates.gate import GateVerdict
from dirac_prodsys.core.grid.jobs import Cause
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.core.policy import LIVE_TRANSFORMATION, History, StepRules, Verdict
from dirac_prodsys.core.policy.counts import (
    alive_tasks,
    attached_files,
    bad_tasks,
    good_tasks,
    tally,
)
from dirac_prodsys.core.text.wording import clock, one_line, plural, read_stamp, span, stamp

StateKind = Literal["waiting", "failing", "stalled", "asks", "stopped", "outage", "ended", "failed"]

#: states of files that no task will take unless something changes
BAD_FILES = (
    FileStatus.PROBLEMATIC,
    FileStatus.MAX_RESET,
    FileStatus.MISSING_IN_FC,
    FileStatus.PROB_IN_FC,
)

#: maximum number of jobs and of causes in a line, and of characters of quoted text
_SAMPLES, _CAUSES, _MOST = 3, 2, 2000

#: the status of a job, which the line contains already
_STATUS = re.compile(r"^(Failed|Killed|Canceled|Deleted)(: |$)")

_NEXT = {
    "flush": "flush",
    "recover": "look after the files that failed",
    "extend": "add tasks in place of failed ones",
    "complete": "complete",
}


@dataclass(frozen=True)
class Stop:
    """Who stopped a transformation, according to DIRAC's log and the notes with the transformation.

    :param by: user; empty: unknown.
    :param at: seconds since the epoch; 0: unknown.
    :param reason: empty: none was given.
    """

    by: str = ""
    at: float = 0.0
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"by": self.by, "at": self.at, "reason": self.reason}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Stop:
        """Inverse of :meth:`to_dict`."""
        return cls(
            str(data.get("by") or ""), float(data.get("at") or 0), str(data.get("reason") or "")
        )

    def in_words(self, now: float) -> str:
        """Write it in words: ``Stopped by alice since 02:14 UTC: the reason``."""
        by = f" by {one_line(self.by)}" if self.by else ""
        since = f" since {clock(self.at, now)}" if self.at else ""
        why = f": {one_line(self.reason, _MOST)}" if self.reason else ""
        return f"Stopped{by}{since}{why}"


@dataclass(frozen=True)
class Seen:
    """Everything that a state is made of.

    :param step: its name in the production.
    :param snapshot: the last one; None: the grid has not answered yet.
    :param verdict: None: nothing has been judged yet.
    :param history: the history after that look; None: the wait begins.
    :param causes: why jobs failed, as far as this was asked.
    :param stop: who stopped it; None: nobody, or it was not asked.
    :param outage: why the grid does not answer; empty: it does.
    :param inputs_final: False: its parents are still at work.
    """

    step: str
    snapshot: Snapshot | None = None
    rules: StepRules | None = None
    verdict: Verdict | None = None
    history: History | None = None
    causes: Sequence[Cause] = ()
    stop: Stop | None = None
    outage: str = ""
    inputs_final: bool = True


@dataclass(frozen=True)
class State:
    """The state of a step.

    :param line: the whole state in words, for people.
    :param status: DIRAC's status; empty: unknown.
    :param since: when the state became of this kind, seconds since the epoch.
    :param updated: when it was seen, seconds since the epoch; an unchanged state is not written
        again.
    """

    kind: StateKind
    line: str
    status: str = ""
    processed: int = 0
    files: int = 0
    done: int = 0
    failed: int = 0
    tasks: int = 0
    since: float = 0.0
    updated: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, small because it is written often; times are ISO 8601."""
        return {
            "line": self.line,
            "kind": self.kind,
            "status": self.status,
            "files": {"processed": self.processed, "total": self.files},
            "tasks": {"done": self.done, "failed": self.failed, "total": self.tasks},
            "since": stamp(self.since),
            "updated": stamp(self.updated),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> State | None:
        """Inverse of :meth:`to_dict`; None if the data are no state, or of an unknown kind."""
        kinds: tuple[StateKind, ...] = get_args(StateKind)
        kind = next((each for each in kinds if each == data.get("kind")), None)
        if kind is None:
            return None
        files, tasks = data.get("files") or {}, data.get("tasks") or {}
        return cls(
            kind,
            str(data.get("line") or ""),
            str(data.get("status") or ""),
            int(files.get("processed") or 0),
            int(files.get("total") or 0),
            int(tasks.get("done") or 0),
            int(tasks.get("failed") or 0),
            int(tasks.get("total") or 0),
            read_stamp(str(data.get("since") or "")),
            read_stamp(str(data.get("updated") or "")),
        )

    def same_as(self, other: State) -> bool:
        """Whether both say the same, whenever they were seen."""
        return replace(self, updated=0.0) == replace(other, updated=0.0)

    def is_news_after(self, before: State | None) -> bool:
        """Whether the kind or status is new, so that it is reported at once."""
        return before is None or (self.kind, self.status) != (before.kind, before.status)


def state_of(seen: Seen, now: float, before: State | None = None) -> State:
    """Return the state of a step now.

    :param now: seconds since the epoch.
    :param before: the state when this was last asked.
    """
    kind = _kind(seen)
    since = before.since if before is not None and before.kind == kind else now
    if kind == "stopped" and seen.stop is not None and seen.stop.at:
        since = seen.stop.at
    if kind == "stalled" and seen.history is not None and seen.history.progress_since:
        since = seen.history.progress_since
    line = _line(kind, seen, since, now)
    found = seen.snapshot
    if found is None:
        return State(kind, line, since=since, updated=now)
    return State(
        kind,
        line,
        str(found.status),
        found.files.get(FileStatus.PROCESSED, 0),
        attached_files(found),
        good_tasks(found),
        bad_tasks(found),
        sum(found.tasks.values()),
        since,
        now,
    )


def failures(snapshot: Snapshot) -> int:
    """Count the failed tasks and the files that no task will take: it grows while a step fails."""
    return bad_tasks(snapshot) + sum(snapshot.files.get(status, 0) for status in BAD_FILES)


def why_in_words(causes: Sequence[Cause], unit: str = "job") -> str:
    """Write the causes in words, the most frequent first.

    For example ``exit status 3 at SIM.SiteA.org (job 1234)``; without a known cause only ``job
    1234``.
    """
    return "; ".join(_cause(cause, unit) for cause in causes[:_CAUSES])


def jobs_in_words(causes: Sequence[Cause], unit: str = "job") -> str:
    """Write ``18 jobs failed: …``, with all jobs that a report counts."""
    failed = sum(cause.total for cause in causes)
    return f"{failed} {plural(unit, failed)} failed: {why_in_words(causes, unit)}"


def failed_in_words(snapshot: Snapshot, causes: Sequence[Cause], unit: str = "job") -> str:
    """Write ``files are 2 MaxReset, 3 jobs failed: …``; empty: nothing failed.

    :param unit: what its tasks are.
    """
    parts = []
    if bad := tally({status: snapshot.files.get(status, 0) for status in BAD_FILES}):
        parts.append(f"files are {bad}")
    if failed := bad_tasks(snapshot):
        why = why_in_words(causes, unit)
        parts.append(f"{failed} {plural(unit, failed)} failed{f': {why}' if why else ''}")
    return ", ".join(parts)


def gate_state(
    step: str, verdict: GateVerdict, gates: int, now: float, before: State | None = None
) -> State:
    """Return the state of a step that waits for its gates before it starts.

    :param gates: number of gates.
    """
    known: dict[str, StateKind] = {"wait": "waiting", "fail": "failed"}
    kind = known.get(verdict.kind, "ended")
    since = before.since if before is not None and before.kind == kind else now
    words = {"waiting": "waits", "failed": "failed"}.get(kind, "goes on")
    if kind == "waiting" and gates > 1:
        words = f"waits, {verdict.opened} of {gates} are there"
    line = f"{step} {words}: {one_line(verdict.reason, _MOST)}"
    return State(kind, line, since=since, updated=now)


def grid_state(name: str, reason: str, since: float, now: float) -> State:
    """Return the state of a task that found the grid down.

    :param reason: why the grid does not answer.
    """
    line = f"{name} waits for the grid since {clock(since, now)}: {one_line(reason, _MOST)}"
    return State("outage", line, since=since, updated=now)


def _kind(seen: Seen) -> StateKind:
    if seen.outage or seen.snapshot is None:
        return "outage"
    verdict = seen.verdict
    if verdict is not None and verdict.kind == "fail":
        return "failed"
    if verdict is not None and verdict.kind == "complete":
        return "ended"
    if seen.snapshot.status is TransformationStatus.STOPPED:
        return "stopped"
    if verdict is not None and (verdict.question or verdict.about == "needs_person"):
        return "asks"
    if verdict is not None and verdict.about == "stalled":
        return "stalled"
    return "failing" if _is_failing(seen, seen.snapshot) else "waiting"


def _is_failing(seen: Seen, snapshot: Snapshot) -> bool:
    """Whether there are failures that have not been repaired yet."""
    if any(snapshot.files.get(status, 0) for status in BAD_FILES):
        return True
    if not bad_tasks(snapshot):
        return False
    if seen.rules is not None and not seen.rules.needs_input:
        wanted = seen.rules.tasks or sum(snapshot.tasks.values())
        return good_tasks(snapshot) + alive_tasks(snapshot) < wanted
    return seen.history is not None and seen.history.failed_since is not None


def _line(kind: StateKind, seen: Seen, since: float, now: float) -> str:
    step, counts, verdict = seen.step, _counts(seen), seen.verdict
    alarm = "" if verdict is None else verdict.alarm or verdict.reason
    match kind:
        case "outage":
            why = f": {one_line(seen.outage, _MOST)}" if seen.outage else ""
            return f"{step} waits for the grid since {clock(since, now)}{why}"
        case "stopped":
            stop = seen.stop or Stop(at=since)
            return f"{step} {stop.in_words(now)}; {counts}"
        case "failed":
            return f"{step} failed: {alarm}; {counts}"
        case "asks":
            return f"{step} waits for a person: {alarm}; {counts}"
        case "stalled":
            silent = re.sub(r"^nothing moved for [\d.]+ s: ", "", alarm)
            return f"{step}: nothing has moved for {span(now - since)}: {silent}; {counts}"
    status = "" if seen.snapshot is None else seen.snapshot.status
    if kind == "waiting" and status not in LIVE_TRANSFORMATION:
        return f"{step} is {status}: nothing runs until it is Active; {counts}"
    comes = _NEXT.get(verdict.kind, "") if verdict is not None else ""
    after = f"; next: {comes}" if comes else ""
    if not after and not seen.inputs_final:
        after = "; its parents are still at work"
    return f"{step} {counts}{after}"


def _counts(seen: Seen) -> str:
    found, rules = seen.snapshot, seen.rules
    if found is None:
        return "nothing is known yet"
    by_requests = rules is not None and rules.by_requests
    if rules is not None and not rules.needs_input:
        total = max(rules.tasks or 0, sum(found.tasks.values()))
        progress = f"{good_tasks(found)}/{total} tasks" if total else "no tasks yet"
    else:
        total = attached_files(found)
        progress = (
            f"{found.files.get(FileStatus.PROCESSED, 0)}/{total} files" if total else "no files"
        )
    failed = failed_in_words(found, seen.causes, "request" if by_requests else "job")
    return f"{progress}, {failed}" if failed else progress


def _cause(cause: Cause, unit: str) -> str:
    words = one_line(_STATUS.sub("", cause.text), _MOST)
    at = f" at {one_line(cause.site)}" if cause.site else ""
    samples = [str(job) for job in cause.samples[:_SAMPLES]]
    which = f"{plural(unit, len(samples))} {', '.join(samples)}" if samples else ""
    if not words:
        return f"{which}{at}".strip()
    return f"{words}{at}{f' ({which})' if which else ''}"
