"""Describes, as values, what jobs without declared outputs have left in the catalogue.

How a community's jobs sign their files is its own matter (``core/community.py``); the code that
looks the files up needs these values.

Invariant: a file that names no job may belong to any job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.decisions import Outputs


@dataclass(frozen=True)
class Place:
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

    def place(self, body: CommunityBody, transformation: int) -> Place | None:
        """Return where to look; None: the place is unknown before the jobs run."""

    def signed_by(self, jobs: Iterable[int]) -> MetaQuery:
        """Return the query for files of these jobs."""

    def trace(self, lfn: str, metadata: Mapping[str, Any]) -> Trace:
        """Return what a file with these metadata of its own shows."""

    def left(
        self,
        where: Place,
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
