"""What jobs whose body names no output have left in the catalogue, as values.

How a community's jobs sign their files is its own affair (``core/community.py``); who looks them up
needs these.

Invariant: a file that names no job may be anybody's.
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

    :param one: a task leaves one file, however many it takes; else one for each that it takes.
    :param counted: whether that is so; a simulation leaves as many as it likes, and the pattern of
        uploaded files may have been written anew.
    """

    directory: str
    one: bool
    counted: bool = True


@dataclass(frozen=True)
class Trace:
    """A file that some job left.

    :param job: its JobID; 0: it names none.
    :param runs: its run number; empty: it is not known; of a file that names no job, all numbers
        that its name holds.
    """

    job: int
    runs: frozenset[int]


class Traces(Protocol):
    """A community's module that knows what its jobs have left."""

    #: files that were registered, and whose job ended before it said that they are its own
    UNSIGNED: MetaQuery

    def place(self, body: CommunityBody, transformation: int) -> Place | None:
        """Where to look; None: where its jobs leave their files is not known before they run."""

    def signed_by(self, jobs: Iterable[int]) -> MetaQuery:
        """The query for files of these jobs."""

    def trace(self, lfn: str, metadata: Mapping[str, Any]) -> Trace:
        """What a file with these metadata of its own tells."""

    def left(
        self,
        where: Place,
        lfn: str,
        inputs: Collection[str],
        own: Sequence[Trace],
        others: Iterable[Trace],
    ) -> Outputs:
        """What there is of the output that a task made of one of its files.

        :param inputs: all files that the task was given; empty: not known.
        :param own: what its job left.
        :param others: files at that place that name no job.
        """
