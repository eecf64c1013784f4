"""Carries out the policy on files that stay behind, and reports on jobs.

A pass reads, decides by ``core.recovery``, records what it is going to retry, and then changes the
files. It may be killed anywhere and repeated: a recorded retry counts as done, and a file that has
changed meanwhile is left unchanged.

Invariant: no file is retried before its task's outputs were looked up, none beyond its declared
bounds, and in passive mode nothing is changed at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.requests import RequestState
from dirac_prodsys.core.grid.specs import BodySpec
from dirac_prodsys.core.grid.status import BAD_TASKS, FINAL_TASKS, FileStatus, TaskStatus
from dirac_prodsys.core.policy import StepRules, questions
from dirac_prodsys.core.policy.counts import bad_tasks, last_tries, retryable
from dirac_prodsys.core.policy.history import History
from dirac_prodsys.core.recovery.decisions import (
    Case,
    FileDecision,
    Outputs,
    StrandedFile,
    decide,
    in_words,
    needs_outputs,
    requeued,
)
from dirac_prodsys.core.recovery.ledger import LEDGER, Ledger
from dirac_prodsys.core.recovery.rules import STATES
from dirac_prodsys.core.recovery.traces import how_many_exist, task_outputs
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.procedures.reports import jobs_of, requests_of
from dirac_prodsys.gateway.procedures.tracing import traced_outputs
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import FileChange

#: sites that job monitoring reports for jobs at no site, or at several
_NO_SITES = frozenset({"", "ANY", "Multiple", "Unknown"})

#: most failed tasks whose sites are looked up
_LATEST_TASKS = 2000


@dataclass(frozen=True)
class RecoveryPass:
    """The findings and changes of a pass.

    :param decisions: about each file that was not simply left unchanged.
    :param changed: new state of each changed file.
    :param asked: files that wait for a person's decision.
    :param tasks: failed tasks that were examined.
    :param files: files in states of failure that are left.
    :param last: files on their last try that the grid may still take back.
    :param enough: Unused files that have used up their tries and stay Unused.
    :param notes: what limited the pass.
    """

    decisions: tuple[FileDecision, ...] = ()
    changed: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    tasks: int = 0
    files: int = 0
    last: int = 0
    enough: int = 0
    passive: bool = False
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return lines for the log."""
        would = "passive, nothing is changed: would " if self.passive else ""
        lines = [would + line for line in in_words(self.decisions)]
        return [*lines, *self.notes] or ["nothing is to be done"]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, for XCom."""
        return {
            "passive": self.passive,
            "changed": dict(Counter(self.changed.values())),
            "requeued": {} if self.passive else requeued(self.decisions),
            "asked": self.asked,
            "lines": self.lines(),
        }

    def given_up(self) -> dict[str, int]:
        """Return the number of files that are not retried any more, by cause."""
        ended = [
            d.cause for d in self.decisions if d.fate == "give_up" and d.file.lfn in self.changed
        ]
        return dict(Counter(ended))

    def remembered(self, history: History, now: float) -> History:
        """Return the wait's history after this pass."""
        return history.looked_into(
            now,
            tasks=self.tasks,
            files=self.files,
            asked=self.asked,
            last=self.last,
            enough=self.enough,
        )


def recover(
    gateway: ProductionGateway,
    transformation: int,
    body: BodySpec,
    rules: StepRules,
    answer: str = "",
) -> RecoveryPass:
    """Make one pass over the files of a transformation that stay behind.

    :param answer: a person's decision about the files that the rules leave to a person.
    :raises GatewayError: the pass was not finished; it may be repeated.
    """
    snapshot = gateway.snapshot([transformation]).get(transformation)
    if snapshot is None:
        return RecoveryPass(notes=(f"transformation {transformation} is not there any more",))
    tasks, left = bad_tasks(snapshot), retryable(snapshot, rules)
    notes: list[str] = []
    ledger, passive = Ledger(), rules.recovery.mode != "active"
    try:
        ledger = Ledger.from_text(gateway.read_note(transformation, LEDGER))
    except ValueError as error:
        notes.append(f"nothing is changed, as tries cannot be counted: {error}")
        passive = True
    cases = _cases(gateway, transformation, body, rules, ledger, notes)
    limit = 0 if passive or rules.by_requests else snapshot.reset_limit
    decisions = questions.apply_answer(decide(cases, rules.recovery, ledger, limit), answer)
    changed: dict[str, str] = {}
    if not passive:
        sites = {d.site for d in decisions if d.fate == "retry_elsewhere"}
        avoid(gateway, transformation, sites | _bad_sites(gateway, transformation, rules), notes)
        changed = _carry_out(gateway, transformation, decisions, ledger, limit)
        if not rules.needs_input:
            notes += _follow(gateway, transformation)
    asked = [d for d in decisions if d.fate == "ask" or passive]
    failing = {str(state) for state in STATES.values()}
    taken = sum(d.file.lfn in changed and d.file.status in failing for d in decisions)
    return RecoveryPass(
        decisions=tuple(decisions),
        changed=changed,
        asked=len(asked),
        tasks=tasks,
        files=max(0, left - taken),
        last=last_tries(snapshot, rules) if passive else 0,
        enough=sum(
            case.file.status == FileStatus.UNUSED
            and case.file.errors > rules.recovery.max_resets
            and case.file.lfn not in changed
            for case in cases
        ),
        passive=passive,
        notes=tuple(notes),
    )


def _follow(gateway: ProductionGateway, transformation: int) -> list[str]:
    """Report to the Transformation System which tasks have ended.

    A site may have its own monitoring of tasks switched off, or it may be stuck.

    :returns: what was done, in words.
    """
    alive = [
        task
        for task in gateway.tasks(transformation).values()
        if task.status not in FINAL_TASKS and task.job
    ]
    notes: list[str] = []
    jobs = jobs_of(gateway, alive, notes)
    states = {task.id: jobs[task.job].status for task in alive if task.job in jobs}
    ended = {task: status for task, status in states.items() if status in FINAL_TASKS}
    if ended:
        gateway.follow_tasks(transformation, ended)
        counts = ", ".join(f"{n} {word}" for word, n in sorted(Counter(ended.values()).items()))
        notes.append(f"{len(ended)} tasks had ended, and DIRAC had not noticed: {counts}")
    return notes


def vanished(gateway: ProductionGateway, transformation: int) -> list[str]:
    """Return the attached files that the catalogue no longer has, by name.

    :raises GatewayError: as its verbs do.
    """
    gone = {FileStatus.REMOVED, FileStatus.DELETED}
    states = [str(state) for state in FileStatus if state not in gone]
    lfns = {file.lfn for file in gateway.attached_files(transformation, states)}
    return sorted(lfns - gateway.existing_files(sorted(lfns)))


def _cases(
    gateway: ProductionGateway,
    transformation: int,
    body: BodySpec,
    rules: StepRules,
    ledger: Ledger,
    notes: list[str],
) -> list[Case]:
    looked_at = rules.recovery.looked_at(rules.by_requests)
    states = {FileStatus.ASSIGNED, FileStatus.UNUSED, *looked_at}
    states |= {FileStatus.MAX_RESET} if ledger.barred else set()
    found_files = gateway.attached_files(transformation, sorted(map(str, states)))

    def is_barred(file: StrandedFile) -> bool:
        return file.status == FileStatus.MAX_RESET and file.lfn in ledger.barred

    # an Unused file that had a task was taken back by the grid
    files = [
        file
        for file in found_files
        if (file.task if file.status == FileStatus.UNUSED else True)
        and (file.status != FileStatus.MAX_RESET or file.status in looked_at or is_barred(file))
    ]
    tasks = gateway.tasks(transformation, [file.task for file in files if file.task])
    jobs: dict[int, JobState] = {}
    requests: dict[int, RequestState] = {}
    if rules.by_requests:
        requests = requests_of(gateway, tasks.values(), notes)
    else:
        jobs = jobs_of(gateway, tasks.values(), notes)

    def case(file: StrandedFile, existing: frozenset[str] | None) -> Case:
        task = tasks.get(file.task)
        one = Case(file, task, jobs.get(task.job) if task else None, barred=is_barred(file))
        if task and task.job in requests:
            state = requests[task.job].of(file.lfn)
            outputs: Outputs = "all" if state.status == TaskStatus.DONE else "unknown"
            one = Case(file, task, state, outputs, by_request=True)
        if existing is None or one.by_request or not needs_outputs(one, rules.recovery):
            there = True if existing is None else file.lfn in existing
            return replace(one, in_catalogue=there)
        named = how_many_exist(task_outputs(body, transformation, file.task), existing)
        outputs = traced.get(file.lfn, named)
        return replace(one, outputs=outputs, in_catalogue=file.lfn in existing)

    first = [case(file, None) for file in files]
    ended = [one.file for one in first if needs_outputs(one, rules.recovery)]
    traced = traced_outputs(gateway, body, transformation, ended, tasks, notes)
    wanted = {
        lfn
        for one in first
        if needs_outputs(one, rules.recovery) or one.file.status != FileStatus.ASSIGNED
        for lfn in (one.file.lfn, *_outputs(one, transformation, body))
    }
    existing = gateway.existing_files(sorted(wanted))
    return [case(file, existing) for file in files]


def _outputs(one: Case, transformation: int, body: BodySpec) -> tuple[str, ...]:
    return task_outputs(body, transformation, one.file.task) if one.file.task else ()


def avoid_failing(
    gateway: ProductionGateway, transformation: int, rules: StepRules
) -> tuple[str, ...]:
    """Let later tasks avoid the sites whose jobs failed, as a rule ``retry_elsewhere`` says.

    :returns: what was done, in words.
    :raises GatewayError: as its verbs do.
    """
    notes: list[str] = []
    if rules.recovery.mode == "active":
        avoid(gateway, transformation, _bad_sites(gateway, transformation, rules), notes)
    return tuple(notes)


def avoid(
    gateway: ProductionGateway, transformation: int, sites: set[str], notes: list[str]
) -> None:
    """Avoid sites before files become Unused: their next task might otherwise go to the same site.

    :param notes: receives a line about what was done.
    """
    sites = sites - _NO_SITES
    if not sites:
        return
    try:
        avoided = gateway.avoid_sites(transformation, sorted(sites))
    except GatewayRejected as error:
        notes.append(f"sites cannot be avoided: {error.reason}")
    else:
        notes.append(f"tasks to come avoid {', '.join(avoided)}")


def _bad_sites(gateway: ProductionGateway, transformation: int, rules: StepRules) -> set[str]:
    """Return the sites with failed jobs whose files are to be retried elsewhere.

    The tasks decide, not the files: the grid may already have taken files back and given them to
    other tasks.
    """
    elsewhere = any(rule.then == "retry_elsewhere" for rule in rules.recovery.errors)
    if rules.by_requests or not elsewhere:
        return set()
    tasks = gateway.tasks(transformation).values()
    bad = sorted((t for t in tasks if t.status in BAD_TASKS and t.job), key=lambda t: t.id)
    jobs = jobs_of(gateway, bad[-_LATEST_TASKS:], [])
    return {
        job.site for job in jobs.values() if rules.recovery.by_error(job).then == "retry_elsewhere"
    }


def _carry_out(
    gateway: ProductionGateway,
    transformation: int,
    decisions: Sequence[FileDecision],
    ledger: Ledger,
    limit: int,
) -> dict[str, str]:
    again = [(d.file.lfn, d.cause) for d in decisions if d.fate.startswith("retry")]
    decided = [
        (d.file.lfn, d.file.task)
        for d in decisions
        if d.file.task and d.fate in ("last", "retry", "retry_elsewhere", "give_up", "hold")
    ]
    last = [d.file for d in decisions if d.fate == "last"]
    if again or decided:
        noted = ledger.with_tries(again).with_decisions(decided)
        noted = noted.with_barred(((file.lfn, file.errors) for file in last), limit)
        gateway.write_note(transformation, LEDGER, noted.to_text())
    changes = [
        FileChange(d.file.lfn, d.file.status, d.file.task, str(d.becomes))
        for d in decisions
        if d.becomes is not None
    ]
    if last:
        gateway.bar_resets(transformation, last)
    return dict(gateway.change_files(transformation, changes)) if changes else {}
