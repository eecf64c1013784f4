"""Looking up what the jobs of failed tasks have left, where their body does not name it.

Invariant: read-only; what cannot be looked up is unknown, which is said in a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dirac_prodsys.core.grid.specs import BodySpec, CtaoSpec
from dirac_prodsys.core.recovery.decisions import Outputs, StrandedFile, TaskState
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.protocol import ProductionGateway

if TYPE_CHECKING:
    from dirac_prodsys.core.ctao.traces import Place, Trace

#: jobs named in one query
_JOB_CHUNK = 500


def traced_outputs(
    gateway: ProductionGateway,
    body: BodySpec,
    transformation: int,
    files: Iterable[StrandedFile],
    tasks: Mapping[int, TaskState],
    notes: list[str],
) -> dict[str, Outputs]:
    """What there is of the outputs that were made of these files, by their LFN.

    Empty where the body names its outputs, or nothing can be said.

    :param files: of tasks that have ended.
    :raises GatewayError: the catalogue or the Transformation System does not answer.
    """
    where = _place(body, transformation)
    known = [file for file in files if file.task in tasks]
    if where is None or not known:
        return {}
    try:
        return _traced(gateway, where, transformation, known, tasks)
    except GatewayRejected as error:
        notes.append(f"outputs of CTAO's jobs cannot be looked up: {error.reason}")
        return {}


def tasks_without_output(
    gateway: ProductionGateway, body: BodySpec, transformation: int, tasks: Mapping[int, TaskState]
) -> frozenset[int]:
    """Those of the tasks whose job has left no file; empty where that is not certain.

    :raises GatewayError: the catalogue does not answer.
    """
    where = _place(body, transformation)
    if where is None:
        return frozenset()
    from dirac_prodsys.core.ctao import traces

    try:
        if gateway.files_below(where.directory, traces.UNSIGNED):
            return frozenset()
        own = _signed(gateway, where, {task.job for task in tasks.values()})
    except GatewayRejected:  # the catalogue keeps no JobIDs
        return frozenset()
    return frozenset(number for number, task in tasks.items() if task.job and task.job not in own)


def _place(body: BodySpec, transformation: int) -> Place | None:
    """Where the jobs leave their files, if their body does not name them."""
    if not isinstance(body, CtaoSpec):
        return None
    from dirac_prodsys.core.ctao import traces  # costs time, and few have such jobs

    return traces.place(body, transformation)


def _signed(
    gateway: ProductionGateway, where: Place, jobs: Iterable[int]
) -> dict[int, list[Trace]]:
    """What jobs have left, by JobID."""
    from dirac_prodsys.core.ctao import traces

    wanted = sorted(set(jobs) - {0})
    own: dict[int, list[Trace]] = {}
    for start in range(0, len(wanted), _JOB_CHUNK):
        query = traces.signed_by(wanted[start : start + _JOB_CHUNK])
        for lfn, metadata in gateway.files_below(where.directory, query).items():
            found = traces.trace(lfn, metadata)
            own.setdefault(found.job, []).append(found)
    return own


def _traced(
    gateway: ProductionGateway,
    where: Place,
    transformation: int,
    files: list[StrandedFile],
    tasks: Mapping[int, TaskState],
) -> dict[str, Outputs]:
    from dirac_prodsys.core.ctao import traces

    own = _signed(gateway, where, (tasks[file.task].job for file in files))
    unsigned = gateway.files_below(where.directory, traces.UNSIGNED)
    others = [traces.trace(lfn, metadata) for lfn, metadata in unsigned.items()]
    left_something = [file.task for file in files if tasks[file.task].job in own]
    inputs = gateway.task_inputs(transformation, left_something) if left_something else {}
    outputs: dict[str, Outputs] = {}
    for file in files:
        mine = own.get(tasks[file.task].job, [])
        given = inputs.get(file.task, ())
        outputs[file.lfn] = traces.left(where, file.lfn, given, mine, others)
    return outputs
