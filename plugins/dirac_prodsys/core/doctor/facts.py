"""Holds what doctor looks at, as plain values.

A fact that is not there is a :class:`Missing`, which says why: either nothing answered, or this
proxy, this grid or this machine does not show it. Neither is good or bad.

Invariant: nothing here was judged. Times are seconds since the epoch, 0 where nothing has happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from dirac_prodsys.core.grid.inventory import Inventory

T = TypeVar("T")


@dataclass(frozen=True)
class Missing:
    """Why a fact is not there.

    :param outage: it was asked for, and no answer came; otherwise it cannot be seen from here.
    """

    why: str
    outage: bool = False


class NotThere(Exception):
    """A check needs a fact that is not there."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.why)
        self.missing = missing


def known(fact: T | Missing) -> T:
    """Return the fact.

    :raises NotThere: it is not there.
    """
    if isinstance(fact, Missing):
        raise NotThere(fact)
    return fact


_NOT_ASKED = Missing("nobody asked")


@dataclass(frozen=True)
class ProxyFacts:
    """The proxy file of a connection, as this machine has it.

    :param ends: when it, and all that it was made of, is over.
    :param shared: whether others than its owner may read the file.
    """

    file: str
    ends: float
    group: str = ""
    shared: bool = False


@dataclass(frozen=True)
class Authorities:
    """The directory of CA certificates.

    :param found: files that OpenSSL finds, by the hash of a CA's name.
    """

    folder: str
    found: int


@dataclass(frozen=True)
class Caller:
    """Who the grid takes us for; ``properties`` are those of the group."""

    user: str
    group: str
    vo: str
    properties: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ServiceAnswer:
    """A service's answer to a ping.

    :param clock: its clock when it answered; 0: it did not say.
    :param asked: our clock when we asked; ``answered``: when the answer came.
    """

    version: str
    clock: float
    asked: float
    answered: float


@dataclass(frozen=True)
class LiveTransformation:
    """A transformation that an agent has something to do with.

    :param changed: when it was last changed (``LastUpdate``).
    :param max_tasks: MaxNumberOfTasks.
    """

    id: int
    name: str
    type: str
    plugin: str
    status: str
    agent_type: str = "Automatic"
    group_size: float = 1.0
    max_tasks: int = 0
    changed: float = 0.0


@dataclass(frozen=True)
class TaskTraces:
    """Traces that agents have left in the tasks of some transformations.

    :param waiting: number of tasks that are Created since before the given moment.
    :param oldest: CreationTime of the oldest task that is Created.
    :param made: CreationTime of the newest task.
    :param moved: LastUpdateTime of the newest task that is not Created any more.
    """

    waiting: int = 0
    oldest: float = 0.0
    made: float = 0.0
    moved: float = 0.0


@dataclass(frozen=True)
class RequestTraces:
    """Traces that agents have left in requests.

    :param oldest: LastUpdate of the request that is Waiting for longest.
    :param ended: whether any request has ended since the given moment.
    """

    oldest: float = 0.0
    ended: bool = False


@dataclass(frozen=True)
class LeftFiles:
    """Files of a transformation that an agent has left alone."""

    name: str
    files: int


@dataclass(frozen=True)
class GridWork:
    """What waits for the agents of the Transformation System, and what they did last.

    :param patience: seconds after which waiting work is held against an agent.
    :param jobs: tasks that become jobs; ``requests``: tasks that become requests.
    :param with_input: tasks of transformations with input, which the TransformationAgent makes.
    :param attached: when a file was last attached; ``cleaned``: when a transformation was last
        cleaned or archived.
    :param unattached: files that the query finds, and that are not attached for longer than
        ``patience``.
    :param unused: files that are enough for groups, and Unused for longer than ``patience``.
    """

    patience: float
    transformations: tuple[LiveTransformation, ...] = ()
    jobs: TaskTraces = TaskTraces()
    requests: TaskTraces = TaskTraces()
    with_input: TaskTraces = TaskTraces()
    attached: float = 0.0
    cleaned: float = 0.0
    unattached: tuple[LeftFiles, ...] = ()
    unused: tuple[LeftFiles, ...] = ()


@dataclass(frozen=True)
class GridFacts:
    """All that doctor has learned of a grid.

    :param group: group that the connection names; empty: none. Likewise ``vo``.
    :param agent_cycle: the connection's.
    :param now: the clock of the TransformationManager; of this machine if it does not answer.
    :param options: options of the configuration, by path.
    :param identity: who the grid takes us for.
    :param services: answers by service.
    :param installed: agents that are installed somewhere, by module.
    :param delegated: end of our proxy in the ProxyManager; 0: there is none.
    """

    group: str = ""
    vo: str = ""
    agent_cycle: float = 0.0
    now: float = 0.0
    options: Mapping[str, str] | Missing = _NOT_ASKED
    authorities: Authorities | Missing = _NOT_ASKED
    proxy: ProxyFacts | Missing = _NOT_ASKED
    identity: Caller | Missing = _NOT_ASKED
    services: Mapping[str, ServiceAnswer | Missing] = field(default_factory=dict)
    inventory: Inventory | Missing = _NOT_ASKED
    work: GridWork | Missing = _NOT_ASKED
    requests: RequestTraces | Missing = _NOT_ASKED
    installed: frozenset[str] | Missing = _NOT_ASKED
    delegated: float | Missing = _NOT_ASKED


@dataclass(frozen=True)
class Bundle:
    """A Dag bundle of Airflow's configuration.

    :param ours: whether it serves productions.
    :param folder: folder of the productions; empty: it has none.
    :param trouble: why that folder cannot be read here; empty: it can.
    """

    name: str
    ours: bool = False
    folder: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Component:
    """A component of Airflow, as its health report has it.

    :param heartbeat: time of its last heartbeat, as Airflow writes it; empty: none.
    """

    status: str
    heartbeat: str = ""


@dataclass(frozen=True)
class AirflowFacts:
    """All that doctor has learned of an Airflow, read in its own environment.

    :param options: ``section/option`` → value, of options without secrets.
    :param secrets: ``section/option`` → where it comes from: ``environment``, ``file``, ``default``
        (every process makes its own) or ``empty``.
    :param bundles: Dag bundles, or why their list cannot be read.
    :param storage: what is wrong with the folder of the snapshots; empty: nothing.
    :param loaded_twice: whether the plugins folder has the package and no ``.airflowignore``.
    :param plain: whether ``dags/`` serves the productions without a bundle.
    :param provider: whether Airflow knows the connection type; ``plugin``: the plugin.
    :param connection: why the connection cannot be used; empty: it can.
    :param site: why the site's file cannot be used; empty: it can, or there is none.
    :param notices: why nobody is notified; empty: somebody is, or nobody wants it.
    :param components: by name, of the health report.
    """

    version: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    bundles: tuple[Bundle, ...] | Missing = ()
    storage: str = ""
    loaded_twice: bool = False
    plain: bool = False
    provider: bool = True
    plugin: bool = True
    connection: str = ""
    site: str = ""
    notices: str = ""
    components: Mapping[str, Component] | Missing = _NOT_ASKED


@dataclass(frozen=True)
class Needed:
    """What one transformation needs of the grid: a step of a file, or one that the grid has.

    :param what: how people call it.
    :param job_type: JobType of its jobs; empty: its tasks are requests, or nobody knows.
    :param body: kind of its body: ``job``, ``request`` or the name of a community; empty: unknown.
    :param tasks_given: whether its tasks are added by hand, as it has no input.
    """

    what: str
    type: str
    plugin: str = ""
    job_type: str = ""
    body: str = ""
    sites: tuple[str, ...] = ()
    tasks_given: bool = False


@dataclass(frozen=True)
class Facts:
    """All that doctor looks at.

    :param needs: of the production files that it was given; of the grid's own transformations.
    :param lacks: what the grid lacks for the files, in words.
    """

    grid: GridFacts | Missing = _NOT_ASKED
    airflow: AirflowFacts | Missing = _NOT_ASKED
    needs: tuple[Needed, ...] = ()
    lacks: tuple[str, ...] = ()
