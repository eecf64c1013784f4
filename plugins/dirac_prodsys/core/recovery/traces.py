"""Names what a task has left in the catalogue, which shows whether its input has been processed.

The outputs that a body declares have certain names. How jobs of a community sign other files is its
own matter (``core/community.py``); the code that looks these up needs the values below.

Invariant: only certain names are given, and a file that names no job may belong to any job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dirac_prodsys.core.grid.specs import BodySpec, CommunityBody, JobSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.decisions import Outputs


def task_outputs(body: BodySpec, transformation: int, task: int) -> tuple[str, ...]:
    """Return the LFNs of one task's outputs; empty if unknown."""
    if not isinstance(body, JobSpec):
        return ()
    names = []
    for output in body.outputs:
        lfn = f"{output.directory.rstrip('/')}/{output.name}"
        # as DIRAC fills them in (WorkflowTasks.py)
        lfn = lfn.replace("@{JOB_ID}", f"{task:08d}")
        names.append(lfn.replace("@{PRODUCTION_ID}", f"{transformation:08d}"))
    return tuple(names)


def how_many_exist(names: Collection[str], existing: Collection[str]) -> Outputs:
    """Return how many of these files exist."""
    if not names:
        return "unknown"
    there = sum(name in existing for name in names)
    if there == len(names):
        return "all"
    return "some" if there else "none"


@dataclass(frozen=True)
class OutputPlace:
    """Where the jobs of a transformation leave their data.

    :param one: whether a task leaves one file, however many it takes; else one for each that it
        takes.
    :param counted: whether the number of files is known; a simulation leaves any number of files,
        and the pattern of uploaded files may have been changed.
    """

    directory: str
    one: bool
    counted: bool = True


@dataclass(frozen=True)
class Trace:
    """A file that some job left.

    :param job: its JobID; 0: it names none.
    :param runs: its run number; empty: unknown; for a file that names no job, all numbers in its
        name.
    """

    job: int
    runs: frozenset[int]


class Traces(Protocol):
    """A community's module that knows what its jobs have left."""

    #: files that were registered by a job that ended before it signed them
    UNSIGNED: MetaQuery

    def place(self, body: CommunityBody, transformation: int) -> OutputPlace | None:
        """Return where to look; None: the place is unknown before the jobs run."""

    def signed_by(self, jobs: Iterable[int]) -> MetaQuery:
        """Return the query for files of these jobs."""

    def trace(self, lfn: str, metadata: Mapping[str, Any]) -> Trace:
        """Return what a file with these metadata of its own shows."""

    def left(
        self,
        where: OutputPlace,
        lfn: str,
        inputs: Collection[str],
        own: Sequence[Trace],
        others: Iterable[Trace],
    ) -> Outputs:
        """Return how much exists of the output that a task made of one of its files.

        :param inputs: all files that the task was given; empty: unknown.
        :param own: what its job left.
        :param others: files at that place that name no job.
        """
