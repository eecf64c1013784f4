"""The only door to the grid: what the rest of the house may ask of a production system.

Invariant: verbs are few, named in DIRAC's words, and idempotent: each may be repeated after a crash
at any instruction, and the grid holds exactly one of everything. They block; callers in an event
loop use threads. They raise the errors of ``dirac_prodsys.errors`` and nothing else: an outage is
always ``GatewayUnavailable`` and comes within ``GatewaySettings.timeout`` seconds.

A backend has all of them. What its grid lacks it refuses with ``GatewayRejected``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from dirac_prodsys.core.grid.inventory import Inventory
from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.listed import FileShare, Listed
from dirac_prodsys.core.grid.requests import RequestState
from dirac_prodsys.core.grid.run_numbers import RunRange
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import DatasetSpec, DirectorySpec, TransformationSpec
from dirac_prodsys.core.plan.against_grid import Meeting
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.consistency import LiveTask
from dirac_prodsys.core.recovery.decisions import StrandedFile, TaskState
from dirac_prodsys.core.run.registry import Member, RegisteredProduction
from dirac_prodsys.gateway.records import (
    ComparedFiles,
    DatasetRecord,
    FileChange,
    GatewaySettings,
    Identity,
    LogLine,
    StoredFiles,
    TransformationRecord,
)


@runtime_checkable
class ProductionGateway(Protocol):
    """Every verb of every backend; the same contract tests hold them all to one behaviour."""

    settings: GatewaySettings

    def ping(self) -> Identity:
        """One authenticated call to every service in use."""

    def inventory(self) -> Inventory:
        """What the grid has that a production may name: fields, storage elements, sites, types."""

    def find_transformation(self, name: str) -> TransformationRecord | None:
        """Look up by exact name; None when there is none."""

    def find_transformations(self, names: Sequence[str]) -> dict[str, TransformationRecord]:
        """Look up many by exact name; those that do not exist are absent.

        :raises Conflict: several transformations have one of the names.
        """

    def compare_transformations(
        self, specs: Sequence[TransformationSpec], group: str = ""
    ) -> tuple[Meeting, ...]:
        """What creating each of these would meet, in their order; reads, and changes nothing.

        :param group: TransformationGroup whose other transformations are told after them, as
            ``unknown``; empty: none are.
        """

    def create_transformation(self, spec: TransformationSpec) -> TransformationRecord:
        """Create, or adopt the one of that name if it equals ``spec``; read back what was written.

        The new transformation is New: nothing runs before :meth:`start_transformation`.

        :raises Conflict: the name exists and type, plugin, group size, body or a meta query
            differ; the reason lists the differences.
        """

    def used_runs(self, campaign: str) -> tuple[RunRange, ...]:
        """Run numbers of a campaign that transformations use, by their names; not removed ones.

        Creating a transformation whose parameters say such numbers is a :class:`Conflict`.
        """

    def prepare_directories(self, directories: Sequence[DirectorySpec]) -> None:
        """Create catalogue directories with their metadata; existing equal ones are left alone.

        :raises Conflict: a directory exists with another value.
        """

    def ensure_tasks(self, transformation: int, total: int) -> int:
        """Extend a transformation without input to ``total`` tasks; return how many were added."""

    def add_files(self, transformation: int, lfns: Sequence[str]) -> int:
        """Attach these files; return how many were not attached before.

        :raises NotFound: the catalogue does not have one of them; then none is attached.
        """

    def add_sample(self, transformation: int, query: MetaQuery, limit: int) -> int:
        """Attach the first files that the catalogue finds; return how many were not there before.

        A transformation that has as many already is left alone.

        :raises NotFound: the catalogue finds fewer than ``limit``; then none is attached.
        """

    def start_transformation(self, transformation: int) -> None:
        """New → Active; any other is left alone: a person may have stopped it just now."""

    def resume_transformation(self, transformation: int) -> None:
        """Stopped → Active; any other is left alone."""

    def stop_transformation(self, transformation: int) -> None:
        """Active, Idle or Flush → Stopped; ended ones are left alone."""

    def flush_transformation(self, transformation: int) -> bool:
        """Active → Flush, read back; False, and nothing done, in any other state."""

    def complete_transformation(self, transformation: int) -> None:
        """→ Completed; ended ones are left alone.

        :raises TransformationFailed: the transformation was cleaned or deleted.
        """

    def clean_transformation(self, transformation: int) -> None:
        """→ Cleaning, from any state but those in which nothing is left to clean.

        The grid's TransformationCleaningAgent does the work: it kills the jobs, removes the files
        that it finds by the transformation's ID, and forgets tasks and attached files.
        """

    def snapshot(self, transformations: Sequence[int]) -> dict[int, Snapshot]:
        """State and counts of all of them by 3 calls, however many; unknown IDs are absent."""

    def count_files(self, query: MetaQuery) -> int:
        """Number of files that the catalogue finds for the query now."""

    def compare_files(self, transformation: int, query: MetaQuery) -> ComparedFiles:
        """The attached files, one by one, beside those that the catalogue finds for the query."""

    def create_dataset(self, spec: DatasetSpec) -> DatasetRecord:
        """Create or adopt, annotate, check against the catalogue, freeze; read back.

        :raises Conflict: the name exists with another query.
        :raises GatewayRejected: ``expect_files`` does not hold; nothing is left behind.
        """

    def dataset_query(self, name: str) -> Mapping[str, Any]:
        """The meta query of a dataset, in the form in which the catalogue keeps it.

        :param name: full path, or base name alone.
        :raises NotFound: there is no such dataset.
        """

    def find_dataset(self, name: str) -> DatasetRecord | None:
        """Look up by full path; None when there is none."""

    # -- single files, tasks and jobs ------------------------------------------------------------

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

    def live_tasks(self, transformation: int, limit: int) -> list[LiveTask]:
        """Tasks that have not ended, with their input files; the oldest, up to ``limit`` of them.

        A task without input has no files. The service looks up each task's files by itself, so
        that this costs more than other calls.
        """

    def files_below(self, directory: str, query: MetaQuery) -> dict[str, Mapping[str, Any]]:
        """Files below a directory that fulfil the query, with the metadata of their own.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """

    def task_inputs(
        self, transformation: int, numbers: Sequence[int]
    ) -> dict[int, tuple[str, ...]]:
        """The files that tasks were made of, by task ID; unknown tasks are absent.

        They stay what they were, whatever task has a file by now.
        """

    def request_states(self, requests: Sequence[int], most: int) -> dict[int, RequestState]:
        """What became of requests, by ID; unknown ones are absent.

        :param most: how many that did not end well are asked for their errors, the newest first:
            each is a call of its own. Of the others, the status alone is told.
        """

    # -- the content of files, and their copies --------------------------------------------------

    def selected_files(self, query: MetaQuery) -> list[str]:
        """LFNs of the files that the catalogue finds for the query now, wherever they lie.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """

    def size_of(self, lfns: Sequence[str]) -> int:
        """Bytes of all these files together; those that the catalogue does not have count none."""

    def file_versions(self, lfns: Sequence[str]) -> Mapping[str, str]:
        """Those of these files that the catalogue has, each with a mark of its version.

        The mark is of size, checksum and file ID: while it is the same, the content is.
        """

    def read_file(self, lfn: str, limit: int) -> bytes:
        """The content of a small file, from any of its replicas.

        :param limit: bytes; a file that is longer is not fetched.
        :raises NotFound: the catalogue does not have it.
        :raises GatewayRejected: it is longer than that.
        :raises GatewayUnavailable: no replica could be read within ``GatewaySettings.timeout``.
        """

    def bad_replicas(self, se: str, lfns: Sequence[str]) -> Mapping[str, str]:
        """Which of these files have no good replica at a storage element, and why.

        DIRAC copies and removes what its catalogue says; whether the bytes at a storage element are
        those of the file nobody asks before a removal (``ReplicateAndRegister.__checkReplicas`` and
        ``DataManager.removeReplica``, 9.1). A replica is good only if both its size and its
        checksum were read from the storage itself and are those of the catalogue; what cannot be
        read is not good.

        :raises GatewayUnavailable: the storage, or the catalogue, does not answer.
        :raises GatewayRejected: the storage cannot be read from here.
        """

    # -- what people do --------------------------------------------------------------------------

    def list_transformations(
        self, groups: Sequence[str] = (), ids: Sequence[int] = ()
    ) -> list[Listed]:
        """All transformations, or those of these TransformationGroups or IDs, in pages."""

    def set_group_size(self, transformation: int, size: float) -> None:
        """Let tasks to come have another number of files; GB for plugin BySize. Read back.

        :raises TransformationFailed: the transformation was cleaned or deleted.
        """

    def delete_transformation(self, transformation: int) -> bool:
        """Remove the transformation and all that the Transformation System knows of it.

        Jobs and files are not touched. False: there is none.
        """

    def put_back(self, transformation: int, wrote: str, before: Sequence[str]) -> str:
        """Mend what an attempt that was killed may have left; returns the state that stands.

        An end or a removal that somebody set after ``before``, and that the attempt overwrote
        without having seen it, is set again (:func:`dirac_prodsys.core.grid.precedence.to_mend`).

        :param wrote: the state that the attempt set, or was about to set.
        :param before: :meth:`status_changes` when it began.
        """

    def attached_share(self, transformation: int, states: Sequence[str]) -> FileShare:
        """The attached files that are in these states, and their size in the catalogue."""

    def output_share(self, transformation: int) -> FileShare:
        """The files that cleaning removes: those that carry the transformation's ID.

        ``staying`` are those that its output query finds beside them.
        """

    # -- DIRAC's ProductionSystem, on which nothing depends; none of these changes a transformation

    def find_production(self, name: str) -> RegisteredProduction | None:
        """Look up by exact name; None when there is none."""

    def register_production(
        self, name: str, description: str, members: Sequence[Member]
    ) -> RegisteredProduction:
        """Enter a production, or adopt the one of that name; then the members that it lacks.

        A member must be New. One whose link to its parents the ProductionSystem refuses is
        entered without parents; one that it refuses altogether is told in ``notes``. A production
        that gets members is New afterwards.
        """

    def mark_production(self, name: str, status: str) -> str:
        """Let a production have this status, and nothing else; return the one that it has then.

        What DIRAC's own clients would refuse (such as Completed → Active) is left as it is.

        :raises NotFound: there is no such production.
        :raises GatewayRejected: the service did not take the status.
        """
