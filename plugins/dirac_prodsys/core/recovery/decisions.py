"""Decides what happens to each file that stays behind, and why.

A file stays behind if its task has ended and it is still Assigned (no agent monitors files, or the
Transformation System missed the end of the job), or if it is in a failure state. Before a file is
tried again, the outputs of its task are looked up: a file that has been processed is set Processed,
and is not processed twice.

Invariant: a pure function of what was read. No file is tried again more often than its rules allow,
all causes counted together; uncertain cases are left to a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.status import BAD_TASKS, GOOD_TASKS, FileStatus, TaskStatus
from dirac_prodsys.core.recovery.ledger import Ledger
from dirac_prodsys.core.recovery.rules import ErrorRule, RecoveryRules
from dirac_prodsys.core.text.wording import first_of

#: how many of a task's outputs the catalogue has; unsigned: a file that may be one exists, but
#: names no job; unknown: the outputs are not known
Outputs = Literal["all", "some", "none", "unsigned", "unknown"]

#: ``keep``: nothing is to be done; ``last``: its task is at work, and if it fails the grid may not
#: take the file back once more; ``processed``: set it Processed; ``missing``: set it MissingInFC,
#: as DIRAC's own agents do; ``hold``: keep the grid from it until a person has decided
FileFate = Literal[
    "keep", "last", "retry", "retry_elsewhere", "processed", "missing", "give_up", "hold", "ask"
]

#: final states of a job; job monitoring has more states than tasks have
_ENDED_BADLY = frozenset(map(str, BAD_TASKS))
_ENDED_WELL = frozenset(map(str, GOOD_TASKS))


@dataclass(frozen=True)
class StrandedFile:
    """A file of a transformation, as recorded in the Transformation System.

    :param task: ID of its last task; 0: it never had one.
    :param errors: ErrorCount: how often a task failed on it.
    """

    lfn: str
    status: str
    task: int = 0
    errors: int = 0


@dataclass(frozen=True)
class TaskState:
    """A task, as recorded in the Transformation System.

    :param job: ID of its job or request; 0: none was submitted.
    """

    id: int
    status: str
    job: int = 0


@dataclass(frozen=True)
class Case:
    """All that is known about a file that stays behind.

    :param job: its task's job in the words of job monitoring; None: unknown there.
    :param outputs: what the catalogue has of its task's outputs.
    :param in_catalogue: whether the catalogue has the file itself.
    :param barred: whether the grid was kept from taking it back, and made it MaxReset instead.
    :param by_request: whether its task is a request; then ``job`` is the file's result in it.
    """

    file: StrandedFile
    task: TaskState | None = None
    job: JobState | None = None
    outputs: Outputs = "unknown"
    in_catalogue: bool = True
    by_request: bool = False
    barred: bool = False

    @property
    def end(self) -> JobState | None:
        """Return how its task ended, None if it has not ended; job monitoring has the last word.

        If job monitoring no longer knows the job, or the task is a request, the task's own state
        counts.
        """
        known = self.job
        if known is None and self.task is not None:
            known = JobState(self.task.job, self.task.status)
        if known is None or known.status not in _ENDED_BADLY | _ENDED_WELL:
            return None
        return known

    @property
    def failed_request(self) -> JobState | None:
        """Return how its request failed, if DIRAC calls it Problematic only for that (9.1)."""
        end = self.end
        if not self.by_request or self.file.status != FileStatus.PROBLEMATIC or end is None:
            return None
        return end if end.status in _ENDED_BADLY else None


@dataclass(frozen=True)
class FileDecision:
    """What happens to one file.

    :param cause: why it stays behind, without numbers and names, so that equal causes are counted.
    :param reason: why this is done.
    :param site: where its task ran.
    :param may_be_retried: for ``ask``: a retry would be safe.
    """

    file: StrandedFile
    fate: FileFate
    cause: str
    reason: str
    site: str = ""
    may_be_retried: bool = False

    @property
    def becomes(self) -> FileStatus | None:
        """Return the state that the file is to be set to; None: it stays as it is."""
        return _BECOMES.get(self.fate)


_BECOMES: Mapping[FileFate, FileStatus] = {
    "retry": FileStatus.UNUSED,
    "retry_elsewhere": FileStatus.UNUSED,
    "processed": FileStatus.PROCESSED,
    "missing": FileStatus.MISSING_IN_FC,
    "give_up": FileStatus.MAX_RESET,
    "hold": FileStatus.MAX_RESET,
}


def is_barred(errors: int, limit: int) -> bool:
    """Whether DIRAC's clients make a file with this ErrorCount MaxReset when it fails once more.

    :param limit: ``FilesMaxResetCounter`` (``TransformationClient.py``, 9.1).
    """
    return errors > 0 and errors % limit == 0


def decide(
    cases: Iterable[Case], rules: RecoveryRules, ledger: Ledger, limit: int = 0
) -> list[FileDecision]:
    """Decide about each file, in the order of their names; files to keep are left out.

    :param ledger: what has been tried again before.
    :param limit: at each multiple of this number of failures the grid gives a file up by itself; 0:
        it never takes a file back.
    """
    per_cause = Counter(ledger.by_cause())
    decisions = []
    for case in sorted(cases, key=lambda case: case.file.lfn):
        decision = _decide(case, rules, ledger, per_cause, limit)
        if decision.fate.startswith("retry"):
            per_cause[decision.cause] += 1
        if decision.fate != "keep":
            decisions.append(decision)
    return decisions


def needs_outputs(case: Case, rules: RecoveryRules) -> bool:
    """Whether the decision about a file depends on its task's outputs in the catalogue."""
    if not case.file.task:
        return False
    if case.file.status == FileStatus.ASSIGNED:
        return case.end is not None
    if case.file.status == FileStatus.UNUSED:
        return case.file.errors > 0 or (case.end is not None and case.end.status in _ENDED_BADLY)
    if case.failed_request is not None:
        return True
    return (
        case.barred
        or case.file.status == FileStatus.MISSING_IN_FC
        or rules.by_state(case.file.status) != "give_up"
    )


def _decide(
    case: Case, rules: RecoveryRules, ledger: Ledger, per_cause: Counter[str], limit: int
) -> FileDecision:
    file = case.file
    if file.status == FileStatus.ASSIGNED:
        end = case.end
        if end is None:
            return _at_work(file, rules, ledger, limit)
        if end.status in _ENDED_WELL:
            return _of_good_task(case, end)
        rule = rules.by_error(end)
        cause, action, site = end.cause, rule.then, end.site
    elif file.status == FileStatus.UNUSED:
        return _taken_back(case, rules, ledger)
    elif (failed := case.failed_request) is not None:
        rule = rules.by_request(failed, file.status)
        cause, action, site = failed.cause, rule.then, failed.site
        if action == "give_up" or not case.in_catalogue:
            why = f"the rule for {rule.label}" if case.in_catalogue else _GONE
            return FileDecision(file, "keep", cause, why, site)
    else:
        rule = ErrorRule(rules.by_state(file.status))
        cause, action, site = f"file {file.status}", rule.then, ""
        if case.by_request and case.outputs == "all":
            return FileDecision(file, "processed", cause, _REQUESTED, site)
        if case.barred and case.outputs == "all":
            return FileDecision(file, "processed", cause, _LEFT, site)
        if file.status == FileStatus.MISSING_IN_FC and action == "give_up" and case.in_catalogue:
            action = "retry"  # the cause is gone
        if action == "give_up" or file.status not in map(str, _FAILURES):
            return FileDecision(file, "keep", cause, "it has ended")
    if case.outputs == "all":
        return FileDecision(file, "processed", cause, _LEFT, site)
    if doubt := _in_doubt(case):
        return FileDecision(file, "ask", cause, f"{doubt}: again, they were there twice", site)
    if action in ("ask", "give_up"):
        free = action == "ask" and case.in_catalogue
        return FileDecision(file, action, cause, f"the rule for {rule.label}", site, free)
    if not case.in_catalogue:
        gone = file.status == FileStatus.ASSIGNED and rules.missing_in_fc == "give_up"
        what: FileFate = "missing" if gone else "ask"
        return FileDecision(file, what, cause, _GONE, site)
    # what a failed request makes Problematic has been counted as an error
    failures = ledger.failures(file.lfn, file.errors)
    counted = failures - (case.failed_request is not None)
    bound = _bound(file, cause, rule, rules, ledger, per_cause, counted)
    if bound:
        fate: FileFate = "give_up" if file.status == FileStatus.ASSIGNED else "keep"
        return FileDecision(file, fate, cause, bound, site)
    looked = "not to be known" if case.outputs == "unknown" else "not in the catalogue"
    why = _AGAIN if case.by_request else f"outputs of its task are {looked}"
    return FileDecision(file, action, cause, why, site)


def _in_doubt(case: Case) -> str:
    """Say why another try might make existing outputs twice; empty: it would not."""
    if case.outputs == "some":
        return f"some outputs of task {case.file.task} are in the catalogue"
    if case.outputs == "unsigned":
        return "where its task leaves its outputs are files that name no job"
    return ""


_LEFT = "all outputs of its task are in the catalogue"
_GONE = "the catalogue does not have the file"
_REQUESTED = "its request has done all that it was to do with it"
_AGAIN = "what a request has done already is not done twice"

_FAILURES = (
    FileStatus.MAX_RESET,
    FileStatus.PROBLEMATIC,
    FileStatus.MISSING_IN_FC,
    FileStatus.PROB_IN_FC,
)


def _at_work(file: StrandedFile, rules: RecoveryRules, ledger: Ledger, limit: int) -> FileDecision:
    """Decide about a file whose task has not ended.

    If the task fails, the grid takes the file back by itself and hands it on before it can be
    looked at; on its last try it must not.
    """
    tries = max(sum(ledger.of_file(file.lfn).values()), ledger.failures(file.lfn, file.errors))
    if not limit or tries < rules.max_resets or is_barred(file.errors, limit):
        return FileDecision(file, "keep", "", "its task is at work")
    why = f"tried again {tries} times of {rules.max_resets}: if this task fails it is given up"
    return FileDecision(file, "last", "its last task", why)


def _of_good_task(case: Case, end: JobState) -> FileDecision:
    cause = f"task {end.status}, file {case.file.status}"
    if case.outputs == "all":
        done = "its task is done and all outputs are in the catalogue"
        why = _REQUESTED if case.by_request else done
        return FileDecision(case.file, "processed", cause, why, end.site)
    found = {"some": "only some outputs are", "none": "no output is"}.get(case.outputs)
    if found is None:
        return FileDecision(case.file, "keep", cause, "its task is done")
    return FileDecision(case.file, "ask", cause, f"its task is done, but {found} in the catalogue")


def _taken_back(case: Case, rules: RecoveryRules, ledger: Ledger) -> FileDecision:
    """Decide about a file that was set Unused again, by us or by the grid (``MonitorFiles``).

    The grid does this ten times. The file is about to be tried again, which the rules may forbid.
    This is decided once for each failed task: a file that is Unused after that is so because a
    person wants it, or because it was allowed.
    """
    file, end = case.file, case.end
    # this try is already counted
    failures = ledger.failures(file.lfn, file.errors)
    total = max(sum(ledger.of_file(file.lfn).values()), failures) - 1
    if end is None or end.status not in _ENDED_BADLY:
        if failures == 0 or total < rules.max_resets:
            return FileDecision(file, "keep", "", "it waits for a task")
        # the end of its task is unknown, and it has failed too often
        end = JobState(0, str(TaskStatus.FAILED))
    rule, cause, again = rules.by_error(end), end.cause, "the grid is about to try it again"
    if case.outputs == "all":
        why = f"{again}, and all outputs of its task are in the catalogue"
        return FileDecision(file, "processed", cause, why, end.site)
    if ledger.decided.get(file.lfn) == file.task:
        return FileDecision(file, "keep", cause, f"it was decided about after task {file.task}")
    if doubt := _in_doubt(case):
        return FileDecision(file, "give_up", cause, f"{again}, and {doubt}", end.site)
    if rule.then == "give_up":
        return FileDecision(file, "give_up", cause, f"the rule for {rule.label}", end.site)
    if rule.then == "ask":
        why = f"the rule for {rule.label}: the grid may not try it again until a person says so"
        return FileDecision(file, "hold", cause, why, end.site)
    if total >= rules.max_resets:
        why = f"tried again {total} times of {rules.max_resets}"
        return FileDecision(file, "give_up", cause, why, end.site)
    return FileDecision(file, "keep", cause, again, end.site)


def _bound(
    file: StrandedFile,
    cause: str,
    rule: ErrorRule,
    rules: RecoveryRules,
    ledger: Ledger,
    per_cause: Counter[str],
    errors: int,
) -> str:
    """Name the bound that forbids to try the file again; empty: none."""
    tried = ledger.of_file(file.lfn)
    # failures that the grid took back by itself count as well
    total = max(sum(tried.values()), errors)
    if total >= rules.max_resets:
        return f"tried again {total} times of {rules.max_resets}"
    if rule.max is not None and tried.get(cause, 0) >= rule.max:
        return f"tried again {tried.get(cause, 0)} times of {rule.max} for this cause"
    if rules.max_per_cause is not None and per_cause[cause] >= rules.max_per_cause:
        return f"{per_cause[cause]} files were tried again for this cause, the most allowed"
    return ""


def requeued(decisions: Iterable[FileDecision]) -> dict[str, int]:
    """Count the files that are tried again, by cause."""
    return dict(Counter(d.cause for d in decisions if d.fate.startswith("retry")))


def in_words(decisions: Sequence[FileDecision]) -> list[str]:
    """Write the decisions for a log: one line for all files with the same fate and cause."""
    groups: dict[tuple[str, str, str], list[FileDecision]] = {}
    for decision in decisions:
        groups.setdefault((decision.fate, decision.cause, decision.reason), []).append(decision)
    lines = []
    for (fate, cause, reason), alike in groups.items():
        files = first_of([decision.file.lfn for decision in alike], 3)
        lines.append(f"{fate}: {len(alike)} files ({cause}): {reason}: {files}")
    return lines
