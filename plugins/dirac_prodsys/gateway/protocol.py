"""The only door to the grid: what the rest of the house may ask of a production system.

Invariant: verbs are few, named in DIRAC's words, and idempotent: each may be repeated after a crash
at any instruction, and the grid holds exactly one of everything. They block; callers in an event
loop use threads. They raise the errors of ``dirac_prodsys.errors`` and nothing else: an outage is
always ``GatewayUnavailable`` and comes within ``GatewaySettings.timeout`` seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from dirac_prodsys.core.comparison import Meeting
from dirac_prodsys.core.inventory import Inventory
from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.run_ranges import RunRange
from dirac_prodsys.core.snapshot import Snapshot
from dirac_prodsys.core.specs import DatasetSpec, DirectorySpec, TransformationSpec


@dataclass(frozen=True)
class GatewaySettings:
    """How to reach one grid as one identity.

    :param backend: name of a module of ``gateway`` with an ``open(settings)`` function.
    :param config: path of a DIRAC configuration file, or URL of a Configuration Server
        (``dips://host:port/Configuration/Server``).
    :param proxy: path of the proxy file of a production group.
    :param group: DIRAC group; empty: the proxy's own.
    :param vo: virtual organisation, checked against the proxy's group when given.
    :param ca_dir: directory of CA certificates; empty: as the configuration says.
    :param timeout: seconds after which any call counts as an outage.
    :param poll_interval: seconds between two looks at all waiting transformations.
    :param registry: whether runs are entered in DIRAC's ProductionSystem.
    :param agent_cycle: polling time of the grid's InputDataAgent, seconds: what "unchanged" is
        measured in.
    """

    backend: str = "dirac"
    config: str = ""
    proxy: str = ""
    group: str = ""
    vo: str = ""
    ca_dir: str = ""
    timeout: float = 60.0
    poll_interval: float = 30.0
    agent_cycle: float = 120.0
    portal: str = ""
    registry: bool = True


@dataclass(frozen=True)
class Identity:
    """Who the grid takes us for, and what it runs."""

    user: str
    group: str
    vo: str
    version: str
    services: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TransformationRecord:
    """A transformation as it stands in the Transformation System.

    :param adopted: True when it existed already and equals what was asked for.
    """

    id: int
    name: str
    status: str
    adopted: bool = False


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset as it stands in the file catalogue.

    :param files: number of files it holds now.
    """

    name: str
    files: int
    query: Mapping[str, Any]
    frozen: bool
    annotation: str = ""
    adopted: bool = False


@dataclass(frozen=True)
class ComparedFiles:
    """Files of a transformation beside those of its query.

    :param unattached: number of files that the query finds and that are not attached.
    :param others: number of attached files by status that the query does not find, though the
        catalogue has them.
    """

    unattached: int
    others: Mapping[str, int]


@runtime_checkable
class ProductionGateway(Protocol):
    """About a dozen verbs; the same contract tests hold every implementation to one behaviour."""

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
