"""What recovering and reporting ask of a production system, beside :mod:`gateway.protocol`.

They are verbs of their own, as nothing else needs single files, tasks and jobs; a backend without
them still runs productions, whose stranded files then wait for a person.

Invariant: as for :class:`ProductionGateway`: blocking, repeatable, in our errors only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dirac_prodsys.core.job_report import JobState
from dirac_prodsys.core.recovery import StrandedFile, TaskState


@dataclass(frozen=True)
class FileChange:
    """A file to be set to another state, if it still is what it was.

    :param was: the state it is expected in.
    :param task: the task it is expected to belong to.
    :param becomes: the new state.
    """

    lfn: str
    was: str
    task: int
    becomes: str


@dataclass(frozen=True)
class StoredFiles:
    """What the catalogue has below a directory.

    :param files: their number.
    :param size: bytes of all of them together, each counted once.
    """

    files: int
    size: int


#: how a line of that log begins which tells a new state (``TransformationDB.py``, 9.1)
STATUS_LOGGED = "Status updated to "


@dataclass(frozen=True)
class LogLine:
    """One line of the Transformation System's own log of a transformation.

    :param by: who did it, as DIRAC knows him; empty: not told.
    :param at: seconds since the epoch; 0: not told.
    """

    text: str
    by: str = ""
    at: float = 0.0


@runtime_checkable
class RecoveryGateway(Protocol):
    """Single files, tasks and jobs of a transformation."""

    def attached_files(self, transformation: int, states: Sequence[str]) -> list[StrandedFile]:
        """The files of a transformation that are in one of these states."""

    def tasks(
        self, transformation: int, numbers: Sequence[int] | None = None
    ) -> dict[int, TaskState]:
        """Tasks of a transformation by ID; all of them, or these; unknown ones are absent."""

    def failed_tasks(self, transformation: int, most: int) -> list[TaskState]:
        """The newest tasks that ended badly, at most so many; one call."""

    def follow_tasks(self, transformation: int, ended: Mapping[int, str]) -> None:
        """Say of tasks how their jobs ended, as the grid's own monitoring of tasks would.

        :param ended: task ID → the final state of its job.
        """

    def job_states(self, jobs: Sequence[int]) -> dict[int, JobState]:
        """What job monitoring says about jobs; unknown ones are absent."""

    def existing_files(self, lfns: Sequence[str]) -> frozenset[str]:
        """Those of these files that the catalogue has."""

    def change_files(self, transformation: int, changes: Sequence[FileChange]) -> Mapping[str, str]:
        """Set files to other states; return what each file that was changed has become.

        A file that is not any more what was expected is left alone. A file that failed a multiple
        of ten times and is to be Unused becomes MaxReset, as with DIRAC's own client; from MaxReset
        it becomes Unused, as whoever asks for it has bounds of his own.
        """

    def bar_resets(self, transformation: int, files: Sequence[StrandedFile]) -> frozenset[str]:
        """Let no client of DIRAC take these Assigned files back: if their task fails they become
        MaxReset, not Unused.

        Their ErrorCount is raised to the next number at which DIRAC gives a file up by itself.

        :returns: names of those for which that holds; one that is not Assigned to the task that was
            seen is left alone.
        """

    def avoid_sites(self, transformation: int, sites: Sequence[str]) -> tuple[str, ...]:
        """Let tasks to come avoid these sites, too; return all that are avoided.

        :raises GatewayRejected: its tasks are no jobs, or ban sites of their own.
        """

    def read_note(self, transformation: int, name: str) -> str:
        """An additional parameter of a transformation; empty if there is none."""

    def write_note(self, transformation: int, name: str, text: str) -> None:
        """Set an additional parameter, read back.

        :param name: letters only, at most 32.
        """

    def status_changes(self, transformation: int) -> tuple[str, ...]:
        """Every state that the transformation was ever set to, by whomever; oldest first.

        Within one second the order is not certain; their number is.
        """

    def told_of(self, transformation: int) -> tuple[LogLine, ...]:
        """What was ever done to the transformation, and by whom; oldest first.

        Within one second the order is not certain.
        """

    def stored_files(self, directories: Sequence[str]) -> dict[str, StoredFiles]:
        """How much lies below each of these directories; those that do not exist are absent."""
