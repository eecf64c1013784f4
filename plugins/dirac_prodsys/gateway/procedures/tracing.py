"""Finds the outputs of failed tasks' jobs if the body does not name them.

Invariant: read-only; what cannot be looked up is unknown, and a note reports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.grid.specs import BodySpec, CommunityBody
from dirac_prodsys.core.recovery.decisions import Outputs, StrandedFile, TaskState
from dirac_prodsys.core.recovery.traces import OutputPlace, Trace, Traces
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.protocol import ProductionGateway

#: jobs in one query
_JOB_CHUNK = 500


def traced_outputs(
    gateway: ProductionGateway,
    body: BodySpec,
    transformation: int,
    files: Iterable[StrandedFile],
    tasks: Mapping[int, TaskState],
    notes: list[str],
) -> dict[str, Outputs]:
    """Return which outputs of these files exist, by their LFN.

    Empty if the body names its outputs, or nothing is known.

    :param files: files of tasks that have ended.
    :raises GatewayError: the catalogue or the Transformation System does not answer.
    """
    traces, where = _place(body, transformation)
    known = [file for file in files if file.task in tasks]
    if traces is None or where is None or not known:
        return {}
    try:
        return _traced(gateway, traces, where, transformation, known, tasks)
    except GatewayRejected as error:
        owner = community_of(body.kind).words
        notes.append(f"outputs of {owner}'s jobs cannot be looked up: {error.reason}")
        return {}


def tasks_without_output(
    gateway: ProductionGateway, body: BodySpec, transformation: int, tasks: Mapping[int, TaskState]
) -> frozenset[int]:
    """Return the tasks whose job has left no file; empty if that is not certain.

    :raises GatewayError: the catalogue does not answer.
    """
    traces, where = _place(body, transformation)
    if traces is None or where is None:
        return frozenset()
    try:
        if gateway.files_below(where.directory, traces.UNSIGNED):
            return frozenset()
        own = _signed(gateway, traces, where, {task.job for task in tasks.values()})
    except GatewayRejected:  # the catalogue keeps no JobIDs
        return frozenset()
    return frozenset(number for number, task in tasks.items() if task.job and task.job not in own)


def _place(body: BodySpec, transformation: int) -> tuple[Traces | None, OutputPlace | None]:
    """Return the rules for outputs that the body does not name, and their place; None: unknown."""
    if not isinstance(body, CommunityBody):
        return None, None
    community = community_of(body.kind)
    if not community.traces:
        return None, None
    traces: Traces = community.offered(community.traces)
    return traces, traces.place(body, transformation)


def _signed(
    gateway: ProductionGateway, traces: Traces, where: OutputPlace, jobs: Iterable[int]
) -> dict[int, list[Trace]]:
    """Return the files that jobs have left, by JobID."""
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
    traces: Traces,
    where: OutputPlace,
    transformation: int,
    files: list[StrandedFile],
    tasks: Mapping[int, TaskState],
) -> dict[str, Outputs]:
    own = _signed(gateway, traces, where, (tasks[file.task].job for file in files))
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
