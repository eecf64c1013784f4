"""Defines the values that the verbs of the contract take and return.

Values that the core knows as well (specs, snapshots, states of tasks and jobs) are defined there.

Invariant: nothing here makes a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class GatewaySettings:
    """The access to one grid as one identity.

    :param backend: one of ``gateway.BACKENDS``.
    :param config: path of a DIRAC configuration file, or URL of a Configuration Server
        (``dips://host:port/Configuration/Server``).
    :param proxy: path of the proxy file of a production group.
    :param group: DIRAC group; empty: the proxy's own.
    :param vo: virtual organisation, checked against the proxy's group when given.
    :param ca_dir: directory of CA certificates; empty: as the configuration says.
    :param timeout: seconds after which any call counts as an outage.
    :param poll_interval: seconds between two looks at all waiting transformations.
    :param registry: whether runs are entered in DIRAC's ProductionSystem.
    :param agent_cycle: polling time of the grid's InputDataAgent, seconds: the unit in which
        "unchanged" is measured.
    :param portal: address of the DIRAC web portal.
    :param job_portal: address of a job, with ``{id}``; empty: the portal's job monitor.
    :param job_log: address of the log of a job, with ``{id}``; empty: there is none.
    :param dirac_python: the Python, with DIRAC, that runs the agent; empty: our own.
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
    dirac_python: str = ""
    job_portal: str = ""
    job_log: str = ""


@dataclass(frozen=True)
class Identity:
    """The identity that the grid sees, and the versions that it runs."""

    user: str
    group: str
    vo: str
    version: str
    services: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TransformationRecord:
    """A transformation as the Transformation System has it.

    :param adopted: True if it existed already and equals the requested one.
    """

    id: int
    name: str
    status: str
    adopted: bool = False


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset as the file catalogue has it.

    The catalogue counts the files of a dataset when somebody asks for it; for a frozen one that is
    just before it was frozen.

    :param files: number of files it holds now.
    :param counted: number of files when the catalogue last counted them.
    :param size: bytes of these files then.
    :param list_checksum: of their names then (``core/grid/catalogue_files.list_checksum``).
    :param owner: DIRAC's name of the user who made it; empty: unknown.
    :param created: when, in UTC, as ``2026-11-29 10:00:00``; empty: unknown.
    """

    name: str
    files: int
    query: Mapping[str, Any]
    frozen: bool
    annotation: str = ""
    adopted: bool = False
    counted: int = 0
    size: int = 0
    list_checksum: str = ""
    owner: str = ""
    created: str = ""


@dataclass(frozen=True)
class ComparedFiles:
    """Files of a transformation compared with those of its query.

    :param unattached: number of files that the query finds and that are not attached.
    :param others: number of attached files that the query does not find, by status; the catalogue
        has them.
    """

    unattached: int
    others: Mapping[str, int]


@dataclass(frozen=True)
class FileChange:
    """A file to be set to another state, if its state is still the expected one.

    :param was: the expected state.
    :param task: the task it is expected to belong to.
    :param becomes: the new state.
    """

    lfn: str
    was: str
    task: int
    becomes: str


@dataclass(frozen=True)
class StoredReplica:
    """A file as a storage element has it.

    :param checksum: Adler-32 in hexadecimal; empty: the storage does not report it.
    """

    size: int
    checksum: str


@dataclass(frozen=True)
class Configured:
    """What the configuration of a grid names; an empty value is unknown."""

    storage_elements: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    transformation_types: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StoredFiles:
    """What the catalogue has below a directory.

    :param files: their number.
    :param size: bytes of all of them together, each counted once.
    """

    files: int
    size: int


#: start of a log line that reports a new state (``TransformationDB.py``, 9.1)
STATUS_LOGGED = "Status updated to "


@dataclass(frozen=True)
class LogLine:
    """One line of the Transformation System's own log of a transformation.

    :param by: DIRAC's name of the author; empty: unknown.
    :param at: seconds since the epoch; 0: unknown.
    """

    text: str
    by: str = ""
    at: float = 0.0
