"""What to make of a snapshot: wait, flush, recover, complete or give up, with the reason in words.

Invariant: a pure function of what was seen and remembered. A status is never taken for an end
unless DIRAC says so; files and tasks decide. A flush comes only when the input is settled: the
parents are done, every file that the catalogue finds is attached, and nothing new came for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.core.status import (
    BAD_TASKS,
    ENDED_TRANSFORMATION,
    FINAL_TASKS,
    GOOD_TASKS,
    REMOVED_TRANSFORMATION,
    FileStatus,
    TransformationStatus,
)

Kind = Literal["wait", "flush", "recover", "complete", "fail"]

#: in these the Transformation System's agents work on the transformation
LIVE_TRANSFORMATION = frozenset(
    {
        TransformationStatus.ACTIVE,
        TransformationStatus.IDLE,
        TransformationStatus.FLUSH,
        TransformationStatus.COMPLETING,
    }
)

#: files that were attached once and have left the catalogue
GONE_FILES = frozenset({FileStatus.REMOVED, FileStatus.DELETED})


@dataclass(frozen=True)
class Verdict:
    """What should happen now.

    :param reason: one sentence, with the numbers it rests on.
    """

    kind: Kind
    reason: str


@dataclass(frozen=True)
class StepRules:
    """The rules of one step, as primitives: they travel in triggers for weeks.

    :param needs_input: whether the type works on files; otherwise ``tasks`` decide.
    :param tasks: number of good tasks that complete a step without input.
    :param flush: ``auto`` or ``never``.
    :param max_flushes: how many flushes before giving up.
    :param min_processed: fraction of the attached files that must be Processed, 0 to 1.
    :param by_hand: without input: only a person knows how many tasks are enough, and completes it.
    :param listed: number of input files where the production lists them; None: the catalogue knows.
    """

    needs_input: bool
    tasks: int | None = None
    flush: str = "auto"
    max_flushes: int = 10
    min_processed: float = 1.0
    listed: int | None = None
    by_hand: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StepRules:
        """Inverse of :meth:`to_dict`; unknown keys are ignored, missing ones get their default."""
        return cls(**_known(cls, data))


@dataclass(frozen=True)
class History:
    """What must be remembered between two looks.

    :param attached: number of attached files at the last look; None: never looked.
    :param unchanged_since: when that number was first seen, or the inputs became final, or a flush
        was done, whichever is last; seconds of the caller's clock.
    :param flushes: flushes done so far.
    """

    attached: int | None = None
    unchanged_since: float = 0.0
    flushes: int = 0

    def flushed(self, now: float) -> History:
        """To be remembered when a flush was done: it counts, and the quiet time begins anew."""
        return replace(self, flushes=self.flushes + 1, unchanged_since=now)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """Inverse of :meth:`to_dict`; unknown keys are ignored, missing ones get their default."""
        return cls(**_known(cls, data))


def judge(
    snapshot: Snapshot,
    rules: StepRules,
    history: History,
    *,
    now: float,
    quiet_seconds: float,
    inputs_final: bool,
) -> tuple[Verdict, History]:
    """The verdict on a transformation, and what to remember until the next look.

    The history that comes back does not count a flush that is only advised: whoever does it stores
    :meth:`History.flushed`.

    :param now: seconds of any steady clock that outlives restarts.
    :param quiet_seconds: how long nothing may have been attached: two cycles of the InputDataAgent.
    :param inputs_final: whether no more input files will be made (all parents are complete).
    """
    if rules.listed is not None:
        snapshot = snapshot.with_catalogue(rules.listed)
    seen = _remember(snapshot, history, now, inputs_final)
    verdict = _by_status(snapshot)
    if verdict is None and not rules.needs_input:
        verdict = _by_tasks(snapshot, rules)
    if verdict is None:
        verdict = _by_input(snapshot, now - seen.unchanged_since, quiet_seconds, inputs_final)
    if verdict is None:
        verdict = _by_files(snapshot, rules, seen)
    return verdict, seen


def needs_catalogue(
    snapshot: Snapshot,
    rules: StepRules,
    history: History,
    inputs_final: bool,
    *,
    now: float | None = None,
    quiet_seconds: float = 0.0,
) -> bool:
    """Whether the verdict depends on a number that only the catalogue knows.

    False for as long as something else says "wait" anyway, so that waiting costs no further call.

    :param now: with ``quiet_seconds``, as for :func:`judge`; without it the quiet time is left out.
    """
    if rules.listed is not None:
        return False
    if not (rules.needs_input and inputs_final and snapshot.status in LIVE_TRANSFORMATION):
        return False
    if history.attached != attached_files(snapshot):
        return False
    if now is not None and now - history.unchanged_since < quiet_seconds:
        return False
    unused, assigned = _open(snapshot)
    return unused > 0 or assigned == 0


def attached_files(snapshot: Snapshot) -> int:
    """Number of attached files that have not left the catalogue."""
    return sum(n for status, n in snapshot.files.items() if status not in GONE_FILES)


def _remember(snapshot: Snapshot, history: History, now: float, inputs_final: bool) -> History:
    attached = attached_files(snapshot)
    if attached == history.attached and inputs_final:
        return history
    return replace(history, attached=attached, unchanged_since=now)


def _by_status(snapshot: Snapshot) -> Verdict | None:
    status = snapshot.status
    if status in REMOVED_TRANSFORMATION:
        return Verdict("fail", f"{_label(snapshot)} was removed in DIRAC: its status is {status}")
    if status in ENDED_TRANSFORMATION:
        return Verdict("complete", f"{_label(snapshot)} was completed in DIRAC: {status}")
    if status not in LIVE_TRANSFORMATION:
        return Verdict("wait", f"{_label(snapshot)} is {status}: nothing runs until it is Active")
    return None


def _by_tasks(snapshot: Snapshot, rules: StepRules) -> Verdict:
    total = sum(snapshot.tasks.values())
    good = _count(snapshot.tasks, GOOD_TASKS)
    bad = _count(snapshot.tasks, BAD_TASKS)
    if rules.by_hand:
        return Verdict(
            "wait",
            f"{good} of {total} tasks are done, {bad} failed; whoever extends it in DIRAC has to "
            "complete it there",
        )
    wanted = total if rules.tasks is None else rules.tasks
    if total and good >= wanted:
        return Verdict("complete", f"{good} of {wanted} tasks are done")
    if total and total >= wanted and _count(snapshot.tasks, FINAL_TASKS) == total:
        counts = _say(snapshot.tasks)
        return Verdict("fail", f"only {good} of {wanted} tasks are done, none is left: {counts}")
    return Verdict("wait", f"{good} of {wanted} tasks are done, {bad} failed, {total} exist")


def _by_input(
    snapshot: Snapshot, quiet: float, quiet_seconds: float, inputs_final: bool
) -> Verdict | None:
    attached, catalogue = attached_files(snapshot), snapshot.catalogue_files
    unused, assigned = _open(snapshot)
    if not inputs_final:
        return Verdict("wait", f"{attached} files so far, and the parents are still at work")
    if assigned and not unused:
        return Verdict("wait", f"{assigned} of {attached} files are Assigned to tasks")
    if quiet < quiet_seconds:
        return Verdict(
            "wait", f"{attached} files, unchanged for {quiet:.0f} s of {quiet_seconds:.0f} s"
        )
    if catalogue is None:
        return Verdict("wait", f"{attached} files; the catalogue was not asked how many there are")
    if attached < catalogue:
        return Verdict("wait", f"{attached} of the {catalogue} files in the catalogue are attached")
    if not attached:
        return Verdict("fail", "the parents are done and the catalogue finds no file for this step")
    return None


def _by_files(snapshot: Snapshot, rules: StepRules, history: History) -> Verdict:
    attached = attached_files(snapshot)
    unused, _ = _open(snapshot)
    processed = snapshot.files.get(FileStatus.PROCESSED, 0)
    if unused:
        return _flush(snapshot, rules, history, unused)
    counts = f"{processed} of {attached} files are Processed"
    if processed / attached >= rules.min_processed:
        return Verdict("complete", counts)
    return Verdict(
        "fail",
        f"only {counts}, {rules.min_processed:.1%} are required, and none is left to process: "
        f"{_say(snapshot.files)}",
    )


def _flush(snapshot: Snapshot, rules: StepRules, history: History, unused: int) -> Verdict:
    rest = f"{unused} of {attached_files(snapshot)} files are Unused"
    if snapshot.status is TransformationStatus.FLUSH:
        return Verdict("wait", f"{rest}, and the flush is at work")
    if snapshot.status is not TransformationStatus.ACTIVE:
        return Verdict("wait", f"{rest}, and a flush needs Active: the status is {snapshot.status}")
    if rules.flush != "auto":
        return Verdict("wait", f"{rest}, and the policy leaves the flush to a person")
    if history.flushes >= rules.max_flushes:
        return Verdict("fail", f"{rest} after {history.flushes} flushes, the most that is allowed")
    return Verdict("flush", f"{rest}, all inputs are attached: flush {history.flushes + 1}")


def _open(snapshot: Snapshot) -> tuple[int, int]:
    return (
        snapshot.files.get(FileStatus.UNUSED, 0),
        snapshot.files.get(FileStatus.ASSIGNED, 0),
    )


def _count(counts: Mapping[str, int], wanted: frozenset[Any]) -> int:
    return sum(n for status, n in counts.items() if status in wanted)


def _say(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {status}" for status, n in sorted(counts.items()) if n)


def _label(snapshot: Snapshot) -> str:
    return f"transformation {snapshot.id} ({snapshot.name})"


def _known(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(cls)}
    return {key: value for key, value in data.items() if key in names}
