"""Defines the contract of the gateway: every request to a production system goes through it.

Invariant: verbs are few, named in DIRAC's words, and idempotent: each may be repeated after a crash
at any instruction, and the grid holds exactly one of everything. They block; callers in an event
loop use threads. They raise the errors of ``dirac_prodsys.errors`` and nothing else: an outage is
always ``GatewayUnavailable`` and comes within ``GatewaySettings.timeout`` seconds.

Every backend has all verbs. It refuses with ``GatewayRejected`` what its grid lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile
from dirac_prodsys.core.grid.inventory import FileShare, Inventory, Listed
from dirac_prodsys.core.grid.jobs import JobState, JobTimes
from dirac_prodsys.core.grid.requests import RequestState
from dirac_prodsys.core.grid.run_numbers import RunRange
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import (
    DatasetSpec,
    DirectorySpec,
    MetaValue,
    TransformationSpec,
)
from dirac_prodsys.core.plan.against_grid import Meeting
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.consistency import LiveTask
from dirac_prodsys.core.recovery.decisions import StrandedFile, TaskState
from dirac_prodsys.core.run.registry import Member, RegisteredProduction
from dirac_prodsys.gateway.examination_protocol import ExaminationVerbs
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
class ProductionGateway(ExaminationVerbs, Protocol):
    """Every verb of every backend; the same contract tests check all backends."""

    settings: GatewaySettings

    def ping(self) -> Identity:
        """Make one authenticated call to every service in use."""

    def inventory(self) -> Inventory:
        """Return what a production may name on the grid: fields, storage elements, sites, types."""

    def find_transformation(self, name: str) -> TransformationRecord | None:
        """Look up by exact name; None if there is none."""

    def find_transformations(self, names: Sequence[str]) -> dict[str, TransformationRecord]:
        """Look up many by exact name; missing ones are absent.

        :raises Conflict: several transformations have one of the names.
        """

    def compare_transformations(
        self, specs: Sequence[TransformationSpec], group: str = ""
    ) -> tuple[Meeting, ...]:
        """Return what creating each of these would meet, in their order; reads only.

        :param group: TransformationGroup whose other transformations follow, as ``unknown``; empty:
            none follow.
        """

    def create_transformation(self, spec: TransformationSpec) -> TransformationRecord:
        """Create, or adopt the one of that name if it equals ``spec``; read back what was written.

        The new transformation is New: nothing runs before :meth:`start_transformation`.

        :raises Conflict: the name exists and type, plugin, group size, body or a meta query
            differ; the reason lists the differences.
        """

    def used_runs(self, campaign: str) -> tuple[RunRange, ...]:
        """Return the run numbers of a campaign that transformations use; not of removed ones.

        Each range has its transformation's name. Creating a transformation whose parameters name
        such numbers is a :class:`Conflict`.
        """

    def prepare_directories(self, directories: Sequence[DirectorySpec]) -> None:
        """Create catalogue directories with their metadata; existing equal ones are left unchanged.

        :raises Conflict: a directory exists with another value.
        """

    def ensure_tasks(self, transformation: int, total: int) -> int:
        """Extend a transformation without input to ``total`` tasks; return how many were added."""

    def add_files(self, transformation: int, lfns: Sequence[str]) -> int:
        """Attach these files; return how many were not attached before.

        :raises NotFound: the catalogue does not have one of them; then none is attached.
        """

    def add_sample(self, transformation: int, query: MetaQuery, limit: int) -> int:
        """Attach the first files found by the query; return how many were not attached before.

        A transformation that already has as many is left unchanged.

        :raises NotFound: the catalogue finds fewer than ``limit``; then none is attached.
        """

    def start_transformation(self, transformation: int) -> None:
        """New → Active; any other state is left unchanged: a person may just have stopped it."""

    def resume_transformation(self, transformation: int) -> None:
        """Stopped → Active; any other state is left unchanged."""

    def stop_transformation(self, transformation: int) -> None:
        """Active, Idle or Flush → Stopped; ended ones are left unchanged."""

    def flush_transformation(self, transformation: int) -> bool:
        """Active → Flush, read back; return False, and change nothing, in any other state."""

    def complete_transformation(self, transformation: int) -> None:
        """Set it Completed; ended ones are left unchanged.

        :raises TransformationFailed: the transformation was cleaned or deleted.
        """

    def clean_transformation(self, transformation: int) -> None:
        """Set it Cleaning, from any state with something left to clean.

        The grid's TransformationCleaningAgent does the work: it kills the jobs, removes the files
        that it finds by the transformation's ID, and forgets tasks and attached files.
        """

    def snapshot(self, transformations: Sequence[int]) -> dict[int, Snapshot]:
        """Return state and counts of all by 3 calls, however many; unknown IDs are absent."""

    def count_files(self, query: MetaQuery) -> int:
        """Return the number of files that the catalogue finds for the query now."""

    def compare_files(self, transformation: int, query: MetaQuery) -> ComparedFiles:
        """Compare the attached files, one by one, with those that the query finds."""

    def create_dataset(self, spec: DatasetSpec) -> DatasetRecord:
        """Create or adopt, annotate, check against the catalogue, freeze; read back.

        :raises Conflict: the name exists with another query.
        :raises GatewayRejected: ``expect_files`` does not hold; nothing is left behind.
        """

    def dataset_query(self, name: str) -> Mapping[str, Any]:
        """Return the meta query of a dataset, in the catalogue's form.

        :param name: full path, or base name alone.
        :raises NotFound: there is no such dataset.
        """

    def find_dataset(self, name: str) -> DatasetRecord | None:
        """Look up by full path; None if there is none."""

    def list_datasets(self, folder: str) -> list[DatasetRecord]:
        """Return the datasets in a folder and the folders below it, sorted by name.

        Their numbers of files are those that the catalogue last counted.
        """

    def dataset_files(self, name: str) -> list[str]:
        """Return the LFNs that a dataset holds now, sorted; removed files are absent.

        :param name: full path.
        :raises NotFound: there is no such dataset.
        """

    def remove_dataset(self, name: str) -> bool:
        """Remove the dataset of that full path, and no file; return False if there is none.

        :raises Conflict: another folder has a dataset of the same base name: DIRAC removes by base
            name alone.
        """

    def input_query(self, transformation: int) -> MetaQuery | None:
        """Return the input query of a transformation; None: it has none, or one that is not ours.

        A transformation that was cleaned or archived has none any more.
        """

    def output_query(self, transformation: int) -> MetaQuery | None:
        """Return the query that finds what a transformation makes; None as for the input query."""

    def describe_files(self, lfns: Sequence[str]) -> dict[str, CatalogueFile]:
        """Return size, checksum and replicas of those of these files that the catalogue has."""

    def mark_files(self, field: str, values: Mapping[str, str]) -> int:
        """Give each file a value of a metadata field of files; return how many had none before.

        :param values: LFN → value.
        :raises Conflict: a file has another value; then nothing is written.
        :raises GatewayRejected: the catalogue has no such field of files.
        """

    # -- single files, tasks and jobs ------------------------------------------------------------

    def attached_files(self, transformation: int, states: Sequence[str]) -> list[StrandedFile]:
        """Return the files of a transformation that are in one of these states."""

    def tasks(
        self, transformation: int, numbers: Sequence[int] | None = None
    ) -> dict[int, TaskState]:
        """Return tasks of a transformation by ID: all, or these; unknown ones are absent."""

    def failed_tasks(self, transformation: int, most: int) -> list[TaskState]:
        """Return the newest tasks that ended badly, at most ``most`` of them; one call."""

    def follow_tasks(self, transformation: int, ended: Mapping[int, str]) -> None:
        """Report how the jobs of tasks ended, as the grid's own monitoring of tasks would.

        :param ended: task ID → the final state of its job.
        """

    def job_states(self, jobs: Sequence[int]) -> dict[int, JobState]:
        """Return the states of jobs by job monitoring; unknown ones are absent."""

    def job_times(self, jobs: Sequence[int]) -> dict[int, JobTimes]:
        """Return the times that jobs reported to job monitoring; those without are absent."""

    def existing_files(self, lfns: Sequence[str]) -> frozenset[str]:
        """Return those of these files that the catalogue has."""

    def change_files(self, transformation: int, changes: Sequence[FileChange]) -> Mapping[str, str]:
        """Set files to other states; return the new state of each changed file.

        A file whose state or task is no longer the expected one is left unchanged. A file that
        failed a multiple of ten times and is to be Unused becomes MaxReset, as with DIRAC's own
        client. From MaxReset it becomes Unused: the caller has bounds of its own.
        """

    def bar_resets(self, transformation: int, files: Sequence[StrandedFile]) -> frozenset[str]:
        """Keep DIRAC's clients from taking these Assigned files back.

        If their task fails they become MaxReset, not Unused. For that, their ErrorCount is raised
        to the next number at which DIRAC gives up a file by itself.

        :returns: names of the files for which that holds; a file that is no longer Assigned to the
            expected task is left unchanged.
        """

    def avoid_sites(self, transformation: int, sites: Sequence[str]) -> tuple[str, ...]:
        """Let later tasks avoid these sites as well; return all avoided sites.

        :raises GatewayRejected: its tasks are no jobs, or ban sites of their own.
        """

    def read_note(self, transformation: int, name: str) -> str:
        """Return an additional parameter of a transformation; empty if there is none."""

    def write_note(self, transformation: int, name: str, text: str) -> None:
        """Set an additional parameter, and read it back.

        :param name: letters only, at most 32.
        """

    def status_changes(self, transformation: int) -> tuple[str, ...]:
        """Return every state that the transformation was ever set to, by anybody; oldest first.

        Within one second the order is not certain; their number is.
        """

    def log_of(self, transformation: int) -> tuple[LogLine, ...]:
        """Return the log of the transformation: each action and its author; oldest first.

        Within one second the order is not certain.
        """

    def stored_files(self, directories: Sequence[str]) -> dict[str, StoredFiles]:
        """Return number and size of files below each directory; missing directories are absent."""

    def live_tasks(self, transformation: int, limit: int) -> list[LiveTask]:
        """Return tasks that have not ended, with their input files; the oldest, up to ``limit``.

        A task without input has no files. The service looks up the files of each task separately,
        so this costs more than other calls.
        """

    def files_below(self, directory: str, query: MetaQuery) -> dict[str, Mapping[str, Any]]:
        """Return the files below a directory that fulfil the query, with their own metadata.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """

    def count_files_by(
        self, directory: str, query: MetaQuery, fields: Sequence[str]
    ) -> dict[tuple[MetaValue, ...], int]:
        """Return the numbers of files below a directory that fulfil the query, by field values.

        The values are those of the files themselves, or of the directories above. A file without
        one of the fields is left out.

        :param fields: metadata fields of files or directories.
        :raises GatewayRejected: the query is empty, or the catalogue does not know a field.
        """

    def task_inputs(
        self, transformation: int, numbers: Sequence[int]
    ) -> dict[int, tuple[str, ...]]:
        """Return the files that tasks were made of, by task ID; unknown tasks are absent.

        They stay the same, even if another task has a file by now.
        """

    def request_states(self, requests: Sequence[int], most: int) -> dict[int, RequestState]:
        """Return the states of requests, by ID; unknown ones are absent.

        :param most: how many badly ended requests are asked for their errors, the newest first:
            each is a separate call. For the others, only the status is returned.
        """

    # -- the content of files, and their copies --------------------------------------------------

    def selected_files(self, query: MetaQuery) -> list[str]:
        """Return the LFNs that the catalogue finds for the query now, in any directory.

        :raises GatewayRejected: the query is empty, or has a field that the catalogue does not
            know.
        """

    def size_of(self, lfns: Sequence[str]) -> int:
        """Return the bytes of all these files together; a file without an entry counts as 0."""

    def file_versions(self, lfns: Sequence[str]) -> Mapping[str, str]:
        """Return those of these files that the catalogue has, each with a mark of its version.

        The mark is made of size, checksum and file ID: while it is the same, the content is.
        """

    def read_file(self, lfn: str, limit: int) -> bytes:
        """Return the content of a small file, from any of its replicas.

        :param limit: bytes; a longer file is not fetched.
        :raises NotFound: the catalogue does not have it.
        :raises GatewayRejected: it is longer than ``limit``.
        :raises GatewayUnavailable: no replica could be read within ``GatewaySettings.timeout``.
        """

    def bad_replicas(self, se: str, lfns: Sequence[str]) -> Mapping[str, str]:
        """Return the files that have no good replica at a storage element, and why.

        DIRAC copies and removes what its catalogue says. Before a removal it does not check whether
        the bytes at a storage element are those of the file
        (``ReplicateAndRegister.__checkReplicas`` and ``DataManager.removeReplica``, 9.1). A replica
        is good only if both its size and its checksum were read from the storage itself and equal
        those of the catalogue. A replica that cannot be read is not good.

        :raises GatewayUnavailable: the storage, or the catalogue, does not answer.
        :raises GatewayRejected: the storage cannot be read from here.
        """

    # -- what people do --------------------------------------------------------------------------

    def list_transformations(
        self, groups: Sequence[str] = (), ids: Sequence[int] = ()
    ) -> list[Listed]:
        """Return all transformations, or those of these TransformationGroups or IDs, in pages."""

    def set_group_size(self, transformation: int, size: float) -> None:
        """Set the number of files for later tasks; GB for plugin BySize. Read back.

        :raises TransformationFailed: the transformation was cleaned or deleted.
        """

    def delete_transformation(self, transformation: int) -> bool:
        """Remove the transformation and all its data in the Transformation System.

        Jobs and files are not touched. Return False if there is none.
        """

    def put_back(self, transformation: int, wrote: str, before: Sequence[str]) -> str:
        """Repair what a killed attempt may have left; return the resulting state.

        If somebody set an end or a removal after ``before`` and the attempt overwrote it unseen,
        that state is set again (:func:`dirac_prodsys.core.grid.precedence.to_mend`).

        :param wrote: the state that the attempt set, or was about to set.
        :param before: :meth:`status_changes` at the start of the attempt.
        """

    def attached_share(self, transformation: int, states: Sequence[str]) -> FileShare:
        """Return the attached files in these states, and their size in the catalogue."""

    def output_share(self, transformation: int) -> FileShare:
        """Return the files that cleaning removes: those that carry the transformation's ID.

        ``staying`` are the other files that its output query finds.
        """

    # -- DIRAC's ProductionSystem, on which nothing depends; none of these changes a transformation

    def find_production(self, name: str) -> RegisteredProduction | None:
        """Look up by exact name; None if there is none."""

    def register_production(
        self, name: str, description: str, members: Sequence[Member]
    ) -> RegisteredProduction:
        """Enter a production, or adopt the one of that name; then add the missing members.

        A member must be New. If the ProductionSystem refuses the link to its parents, it is entered
        without parents; if it refuses the member altogether, ``notes`` reports it. A production
        that gets members is New afterwards.
        """

    def mark_production(self, name: str, status: str) -> str:
        """Set the status of a production, and nothing else; return its status afterwards.

        A change that DIRAC's own clients would refuse (such as Completed → Active) is not made.

        :raises NotFound: there is no such production.
        :raises GatewayRejected: the service did not accept the status.
        """
