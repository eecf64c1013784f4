"""Judges steps with input: their files decide, but only once the input is settled.

Invariant: no flush before every file that the catalogue finds is attached and nothing new came for
a while. After a flush the files are watched, not the status: the status stays Flush when nothing is
Unused (``TransformationAgent``, 9.1).
"""

from __future__ import annotations

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.core.policy.counts import (
    alive_tasks,
    assigned_files,
    attached_files,
    tally,
    unused_files,
    vanished_files,
)
from dirac_prodsys.core.policy.history import History
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.policy.verdict import Verdict
from dirac_prodsys.core.recovery.rules import STATES


def by_input(
    snapshot: Snapshot, quiet: float, quiet_seconds: float, inputs_final: bool
) -> Verdict | None:
    """Wait until the input is settled; return None when it is.

    :param quiet: seconds since the last file was attached.
    """
    attached, catalogue = attached_files(snapshot), snapshot.catalogue_files
    assigned = assigned_files(snapshot)
    if not inputs_final:
        return Verdict("wait", f"{attached} files so far, and the parents are still at work")
    if assigned and not unused_files(snapshot):
        return Verdict("wait", f"{assigned} of {attached} files are Assigned to tasks")
    if quiet < quiet_seconds:
        return Verdict(
            "wait", f"{attached} files, unchanged for {quiet:.0f} s of {quiet_seconds:.0f} s"
        )
    if catalogue is None:
        return Verdict("wait", f"{attached} files; the catalogue was not asked how many there are")
    if missing := snapshot.unattached:
        found = f"{catalogue - missing} of the {catalogue} files"
        return Verdict("wait", f"{found} that the query finds are attached")
    if attached < catalogue:
        return Verdict("wait", f"{attached} of the {catalogue} files in the catalogue are attached")
    if not attached:
        return Verdict("fail", "the parents are done and the catalogue finds no file for this step")
    return None


def by_expectation(snapshot: Snapshot, expected: int | None) -> Verdict | None:
    """Wait for a person if the parents made more files than the query finds; return None otherwise.

    A person repairs what keeps files from being found, or accepts that the step is complete without
    them.
    """
    found = snapshot.catalogue_files
    if expected is None or found is None or found >= expected:
        return None
    alarm = (
        f"the query finds {found} files, and the parents made {expected} for it: the step is not "
        "complete"
    )
    return Verdict("wait", alarm, alarm, about="needs_person", question="inputs")


def by_files(snapshot: Snapshot, rules: StepRules, history: History) -> Verdict:
    """Judge a step whose input is settled."""
    unused = unused_files(snapshot)
    if unused and not _rest_is_left(snapshot, rules):
        return _flush(snapshot, rules, history, unused)
    if assigned := assigned_files(snapshot):
        return Verdict("wait", f"{assigned} of {attached_files(snapshot)} files are Assigned")
    if rules.by_requests and (alive := alive_tasks(snapshot)):
        return Verdict("wait", f"all files are done, and {alive} requests are not final")
    counts = processed_of(snapshot, rules) + _notes(snapshot, rules)
    if lost := by_expectation(snapshot, rules.expected):
        return lost
    if enough_files(snapshot, rules):
        return Verdict("complete", counts)
    if asked := _to_be_asked(snapshot, rules):
        alarm = f"only {counts}, {_required(rules)}, and a person is to decide about {asked}"
        return Verdict("wait", alarm, alarm, about="needs_person", question="files")
    return Verdict(
        "fail",
        f"only {counts}, {_required(rules)}, and none is left to process: {tally(snapshot.files)}",
    )


def enough_files(snapshot: Snapshot, rules: StepRules) -> bool:
    """Whether as many files are Processed as the rules require."""
    processed, counted = _processed(snapshot), _counted(snapshot, rules)
    if not counted:
        return False
    limit = rules.max_problematic
    if limit is not None and counted - processed > limit:
        return False
    if limit is not None and rules.min_processed == 1.0:
        return True
    return processed / counted >= rules.min_processed


def processed_of(snapshot: Snapshot, rules: StepRules) -> str:
    """Write in words how many files are Processed."""
    return f"{_processed(snapshot)} of {_counted(snapshot, rules)} files are Processed"


def _flush(snapshot: Snapshot, rules: StepRules, history: History, unused: int) -> Verdict:
    attached = attached_files(snapshot)
    rest = f"{unused} of {attached} files are Unused" + _vanished(snapshot, rules)
    if snapshot.status is TransformationStatus.FLUSH:
        return Verdict("wait", f"{rest}, and the flush is at work")
    if snapshot.status is not TransformationStatus.ACTIVE:
        return Verdict("wait", f"{rest}, and a flush needs Active: the status is {snapshot.status}")
    if not rules.leaves_rests:
        return Verdict("wait", f"{rest}: the plugin leaves no rest, the TransformationAgent's turn")
    if rules.flush == "manual":
        alarm = f"{rest}, and the policy leaves the flush to a person"
        return Verdict("wait", alarm, alarm, about="needs_person", question="flush")
    if rules.flush != "auto":
        return Verdict("wait", f"{rest}, and they are not flushed")
    if history.flushes >= rules.max_flushes:
        return Verdict("fail", f"{rest} after {history.flushes} flushes, the most that is allowed")
    number = history.flushes + 1
    if history.flushed_files is None or not history.flushes:
        return Verdict("flush", f"{rest}, all inputs are attached: flush {number}")
    late = attached - history.flushed_files
    why = f"{late} came after flush {number - 1}" if late > 0 else f"left by flush {number - 1}"
    return Verdict(
        "flush", f"{rest}, {why}: the step is open again, flush {number} of {rules.max_flushes}"
    )


def _rest_is_left(snapshot: Snapshot, rules: StepRules) -> bool:
    """Whether the policy leaves the remaining files, because they are too few for a task."""
    if rules.flush != "never" or not rules.leaves_rests or assigned_files(snapshot):
        return False
    return unused_files(snapshot) < max(rules.group_size, 1)


def _to_be_asked(snapshot: Snapshot, rules: StepRules) -> str:
    """Name the files in states left to a person, who is asked only if it matters."""
    if rules.recovery.mode == "off":
        return ""
    states = [s for s in STATES.values() if rules.recovery.by_state(s) == "ask"]
    return tally({state: snapshot.files.get(state, 0) for state in states})


def _processed(snapshot: Snapshot) -> int:
    return snapshot.files.get(FileStatus.PROCESSED, 0)


def _counted(snapshot: Snapshot, rules: StepRules) -> int:
    """Count the files that should become Processed: all attached except a rest that is left."""
    attached = attached_files(snapshot)
    return attached - unused_files(snapshot) if rules.flush == "never" else attached


def _required(rules: StepRules) -> str:
    wanted = [] if rules.max_problematic is None else [f"at most {rules.max_problematic} others"]
    if not wanted or rules.min_processed < 1:
        wanted.insert(0, f"{rules.min_processed:.1%}")
    return f"{' and '.join(wanted)} are required"


def _notes(snapshot: Snapshot, rules: StepRules) -> str:
    unused = unused_files(snapshot)
    left = f", a rest of {unused} is left" if unused else ""
    others = sum(snapshot.others.values())
    unfound = f" ({others} others are attached, which the query does not find)" if others else ""
    return left + unfound + _vanished(snapshot, rules)


def _vanished(snapshot: Snapshot, rules: StepRules) -> str:
    """Note attached files that left the catalogue; not for requests, which may remove them."""
    vanished = 0 if rules.by_requests else vanished_files(snapshot)
    return f" ({vanished} attached are not in the catalogue any more)" if vanished else ""
