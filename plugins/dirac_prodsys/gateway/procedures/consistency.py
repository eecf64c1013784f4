"""Compares files, jobs and catalogue of a transformation, and repairs what is certain.

Everything is asked in bulk and bounded; a note reports what lies beyond a bound or is unknown.
If a body does not name its outputs, only their number is known: the number of files below the
directories of the step. If these are too few, files of a community's jobs may show which tasks lack
outputs.

Invariant: only :func:`repair` changes anything, and only files whose right state is certain and
that are unchanged since they were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, TransformationSpec
from dirac_prodsys.core.grid.status import GOOD_TASKS, FileStatus
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.recovery.consistency import (
    Inconsistency,
    LiveTask,
    Readings,
    in_words,
    inconsistencies,
)
from dirac_prodsys.core.recovery.decisions import Outputs, StrandedFile, TaskState
from dirac_prodsys.core.recovery.traces import how_many_exist, task_outputs
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.procedures.tracing import tasks_without_output
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import FileChange

#: most tasks whose outputs are looked up; most live tasks whose files are looked up
MOST_TASKS, MOST_LIVE = 20_000, 5_000

#: up to this number of files, Processed ones are compared as well
MOST_FILES = 100_000


@dataclass(frozen=True)
class Checked:
    """The result of a check.

    :param notes: what limits the result.
    :param repaired: files that were set Processed.
    """

    found: tuple[Inconsistency, ...] = ()
    notes: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return lines for a log; empty if everything fits."""
        done = f"{len(self.repaired)} of these files were set Processed"
        return [*in_words(self.found), *([done] if self.repaired else []), *self.notes]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "inconsistencies": [one.to_dict() for one in self.found],
            "notes": list(self.notes),
            "repaired": list(self.repaired),
        }


def check(
    gateway: ProductionGateway,
    transformation: int,
    spec: TransformationSpec | None,
    *,
    transient: bool = False,
) -> Checked:
    """Return what does not fit in a transformation.

    :param spec: the spec that was sent; None: unknown, and its outputs are not looked up.
    :param transient: whether another step removes its outputs; they are not looked up.
    :raises GatewayError: the Transformation System or the catalogue does not answer.
    """
    notes: list[str] = []
    snapshot = gateway.snapshot([transformation]).get(transformation)
    if snapshot is None:
        return Checked(notes=(f"transformation {transformation} is not there any more",))
    files = _files(gateway, transformation, sum(snapshot.files.values()), notes)
    needs_input = bool(files) if spec is None else spec.input_query is not None or bool(spec.files)
    tasks = _tasks(gateway, transformation, files, needs_input)
    live = gateway.live_tasks(transformation, MOST_LIVE)
    if len(live) == MOST_LIVE:
        notes.append(f"only the {MOST_LIVE} oldest live tasks were looked into")
    kind = TRANSFORMATION_TYPES.get(snapshot.type)
    jobs = None
    if kind is None or kind.body != "request":  # IDs of requests would look like job IDs
        jobs = _jobs(gateway, tasks.values(), live, notes)
    outputs: dict[int, Outputs] = {}
    if transient:
        notes.append("its outputs are transient: whether they are still there was not compared")
    else:
        outputs = _outputs(gateway, transformation, spec, tasks, notes)
    seen = Readings(files, tasks, live, outputs, jobs, needs_input)
    return Checked(tuple(inconsistencies(seen)), tuple(notes))


def repair(gateway: ProductionGateway, transformation: int, checked: Checked) -> Checked:
    """Set those files Processed for which that is certain.

    :raises GatewayError: the repair was not finished; it may be repeated.
    """
    changes = [
        FileChange(one.file.lfn, one.file.status, one.file.task, str(FileStatus.PROCESSED))
        for one in checked.found
        if one.file is not None
    ]
    if not changes:
        return checked
    done = gateway.change_files(transformation, changes)
    processed = sorted(lfn for lfn, status in done.items() if status == FileStatus.PROCESSED)
    return replace(checked, repaired=tuple(processed))


def _files(
    gateway: ProductionGateway, transformation: int, attached: int, notes: list[str]
) -> list[StrandedFile]:
    """Return the files that have, or had, a task."""
    states = {str(state) for state in FileStatus}
    if attached > MOST_FILES:
        states.discard(str(FileStatus.PROCESSED))
        notes.append(f"of more than {MOST_FILES} files, those that are Processed were left out")
    found = gateway.attached_files(transformation, sorted(states))
    return [file for file in found if file.task]


def _tasks(
    gateway: ProductionGateway,
    transformation: int,
    files: Sequence[StrandedFile],
    needs_input: bool,
) -> dict[int, TaskState]:
    if not needs_input:
        return gateway.tasks(transformation)
    return gateway.tasks(transformation, sorted({file.task for file in files}))


def _jobs(
    gateway: ProductionGateway,
    tasks: Iterable[TaskState],
    live: Sequence[LiveTask],
    notes: list[str],
) -> dict[int, JobState] | None:
    """Return the jobs of live and of badly ended tasks: jobs of good tasks add nothing."""
    asked = [task for task in tasks if task.status not in GOOD_TASKS]
    numbers = {task.job for task in (*asked, *(one.task for one in live)) if task.job}
    try:
        return gateway.job_states(sorted(numbers)) if numbers else {}
    except GatewayRejected as error:
        notes.append(f"job monitoring was not asked: {error.reason}")
        return None


def _outputs(
    gateway: ProductionGateway,
    transformation: int,
    spec: TransformationSpec | None,
    tasks: dict[int, TaskState],
    notes: list[str],
) -> dict[int, Outputs]:
    if spec is None:
        notes.append("which outputs there should be is not known: give the production file")
        return {}
    names = {number: task_outputs(spec.body, transformation, number) for number in sorted(tasks)}
    named = {number: lfns for number, lfns in names.items() if lfns}
    if not named:
        fewer = _by_number(gateway, transformation, spec, tasks)
        done = [task for task in tasks.values() if task.status in GOOD_TASKS][:MOST_TASKS]
        asked = {task.id: task for task in done} if fewer else {}
        empty = tasks_without_output(gateway, spec.body, transformation, asked)
        notes.extend(() if empty else fewer)
        return dict.fromkeys(empty, "none")
    if len(named) > MOST_TASKS:
        notes.append(f"of {len(named)} tasks, the outputs of {MOST_TASKS} were looked up")
        named = dict(list(named.items())[:MOST_TASKS])
    existing = gateway.existing_files(sorted({lfn for lfns in named.values() for lfn in lfns}))
    return {number: how_many_exist(lfns, existing) for number, lfns in named.items()}


def _by_number(
    gateway: ProductionGateway,
    transformation: int,
    spec: TransformationSpec,
    tasks: dict[int, TaskState],
) -> list[str]:
    """Compare the number of outputs of a body that names none; return one line per difference."""
    done = sum(task.status in GOOD_TASKS for task in tasks.values())
    own = [one.path for one in spec.directories if TRANSFORMATION_ID in one.path]
    leaves = [path for path in own if not any(other.startswith(f"{path}/") for other in own)]
    wanted = [path for path in leaves if not path.endswith("/Log")]
    if not done:
        return []
    if not wanted:
        return ["its body names no outputs: whether they are there is unknown"]
    directories = [one.of(transformation).path for one in spec.directories if one.path in wanted]
    files = sum(one.files for one in gateway.stored_files(directories).values())
    if files >= done:
        return []
    counts = f"{done} tasks are Done, and {files} files are in {', '.join(directories)}"
    return [f"{counts}: which are missing is unknown, as the body names no outputs"]
