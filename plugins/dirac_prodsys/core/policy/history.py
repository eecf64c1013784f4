"""Remembers what is needed from one look at a transformation to the next.

Invariant: everything is primitive and travels with the wait. Losing it costs time (the quiet time
begins again, failures are looked at once more), never correctness: what limits an action is kept in
the Transformation System itself, see ``core/recovery/ledger.py``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot, known_fields
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.policy.counts import (
    assigned_files,
    attached_files,
    bad_tasks,
    last_tries,
    retryable,
    tried_enough,
    unused_files,
)
from dirac_prodsys.core.policy.rules import StepRules

#: number of events of a wait that a report names; more are not worth reading
MOST_EVENTS = 20

#: stored key of :attr:`History.reported`: waits that an earlier version began have it
_REPORTED = "told"

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class History:
    """What was seen and done; times are seconds of the caller's clock.

    :param attached: number of attached files at the last look; None: never looked.
    :param unchanged_since: the latest of: that number was first seen, the inputs became final, a
        flush was done.
    :param compared: fingerprint of the state in which the attached files were last compared, file
        by file, with those that the catalogue finds; ``compared_at``: when; ``unattached`` and
        ``others``: the result.
    :param flushes: flushes done so far.
    :param flushed_files: number of attached files at the last flush; None: no flush is known.
    :param flushing_since: when the status was first seen as Flush with Unused files; None: it is
        not in that state.
    :param progress: fingerprint of everything that changes with progress.
    :param progress_since: when it last changed.
    :param failed_since: when failures were first seen that have not been looked into; None: none.
    :param handled_tasks: number of failed tasks that have been looked into.
    :param handled_files: number of files in failure states that have been looked into.
    :param handled_last: number of files on their last try that could not be kept from the grid.
    :param handled_enough: number of Unused files that have been tried often enough, and are tried
        again because somebody wants it.
    :param looked: when stranded files were last looked for.
    :param asked: number of files that wait for a person's decision.
    :param reported: causes of alarms that were reported since the wait last made progress.
    :param tell_after: no alarm is reported before this time, because the last attempt failed.
    :param late: whether it was reported that the run misses its deadline.
    :param jobs_at: when the jobs were last looked at for a table that people get; ``jobs_seen``:
        the numbers of tasks that had ended then.
    :param events: what a report should name: alarms and actions, each kind once.
    """

    attached: int | None = None
    unchanged_since: float = 0.0
    compared: str = ""
    compared_at: float = 0.0
    unattached: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    flushes: int = 0
    flushed_files: int | None = None
    flushing_since: float | None = None
    progress: str = ""
    progress_since: float = 0.0
    failed_since: float | None = None
    handled_tasks: int = 0
    handled_files: int = 0
    handled_last: int = 0
    handled_enough: int = 0
    looked: float = 0.0
    asked: int = 0
    reported: tuple[str, ...] = ()
    tell_after: float = 0.0
    late: bool = False
    jobs_at: float = 0.0
    jobs_seen: str = ""
    events: tuple[str, ...] = ()

    def telling(self, *lines: str) -> History:
        """Add lines to the report; a line that differs only in its numbers is not new."""
        events = list(self.events)
        known = {_NUMBER.sub("#", line) for line in events}
        for line in lines:
            if line and len(events) < MOST_EVENTS and _NUMBER.sub("#", line) not in known:
                known.add(_NUMBER.sub("#", line))
                events.append(line)
        same = len(events) == len(self.events)
        return self if same else replace(self, events=tuple(events))

    def flushed(self, now: float) -> History:
        """Record a flush: it counts, and the quiet time begins again."""
        return replace(
            self,
            flushes=self.flushes + 1,
            flushed_files=self.attached,
            flushing_since=None,
            unchanged_since=now,
        )

    def looked_into(
        self, now: float, *, tasks: int, files: int, asked: int, last: int = 0, enough: int = 0
    ) -> History:
        """Record that stranded files were looked for.

        :param tasks: number of failed tasks.
        :param files: number of files still in failure states.
        :param asked: number of files left to a person.
        :param last: number of files on their last try that the grid may still take back.
        :param enough: number of Unused files that were tried often enough and stay Unused.
        """
        return replace(
            self,
            handled_tasks=tasks,
            handled_files=files,
            handled_last=last,
            handled_enough=enough,
            asked=asked,
            looked=now,
            failed_since=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        data = asdict(self)
        return {**data, _REPORTED: data.pop("reported")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """Inverse of :meth:`to_dict`; unknown keys are ignored, missing ones get their default."""
        values = known_fields(cls, data)
        lists = {"reported": data.get(_REPORTED), "events": data.get("events")}
        return cls(**{**values, **{key: tuple(value or ()) for key, value in lists.items()}})


def remember(
    snapshot: Snapshot, rules: StepRules, history: History, *, now: float, inputs_final: bool
) -> History:
    """Return the history after this look."""
    attached = attached_files(snapshot)
    seen = history
    if attached != history.attached or not inputs_final:
        seen = replace(seen, attached=attached, unchanged_since=now)
    if snapshot.unattached is not None:
        seen = replace(
            seen,
            compared=what_is_compared(snapshot),
            compared_at=now,
            unattached=snapshot.unattached,
            others=dict(snapshot.others),
        )
    fingerprint = _fingerprint(snapshot)
    if fingerprint != history.progress:
        seen = replace(seen, progress=fingerprint, progress_since=now)
    flushing = snapshot.status is TransformationStatus.FLUSH and unused_files(snapshot) > 0
    seen = replace(seen, flushing_since=_since(flushing, history.flushing_since, now))
    tasks, files = bad_tasks(snapshot), retryable(snapshot, rules)
    seen = replace(
        seen,
        handled_tasks=min(history.handled_tasks, tasks),
        handled_files=min(history.handled_files, files),
        handled_last=min(history.handled_last, last_tries(snapshot, rules)),
        handled_enough=min(history.handled_enough, tried_enough(snapshot, rules)),
    )
    if not assigned_files(snapshot) and not files:
        seen = replace(seen, asked=0)
    # where the grid takes files back by itself, files of failed tasks are Unused or at work again
    waiting = assigned_files(snapshot) + unused_files(snapshot)
    stranded = waiting > 0 and tasks > seen.handled_tasks
    new = stranded or files > seen.handled_files
    return replace(seen, failed_since=_since(new, history.failed_since, now))


def _since(holds: bool, before: float | None, now: float) -> float | None:
    if not holds:
        return None
    return now if before is None else before


def what_is_compared(snapshot: Snapshot) -> str:
    """Return a fingerprint of all that the comparison of attached and found files depends on."""
    return f"{_fingerprint(snapshot)} {snapshot.catalogue_files}"


def _fingerprint(snapshot: Snapshot) -> str:
    parts = [str(snapshot.status), *sorted(snapshot.files.items()), *sorted(snapshot.tasks.items())]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
