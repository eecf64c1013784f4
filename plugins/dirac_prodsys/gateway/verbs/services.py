"""One remote call: what a backend must provide so that the verbs are written only once.

Every backend answers the calls of DIRAC's own services (``Transformation/TransformationManager``
and ``DataManagement/FileCatalog``), by network or from memory. So the verbs, their guards and
read-backs run unchanged on both, and a fault at any call of the one can be tried on the other.

Invariant: a call returns the service's value or raises one of ``dirac_prodsys.errors``; nothing
else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from dirac_prodsys.core.grid.snapshot import RESET_LIMIT
from dirac_prodsys.core.grid.specs import BodySpec
from dirac_prodsys.gateway.records import Configured, GatewaySettings, StoredReplica
from dirac_prodsys.gateway.verbs.replies import each

T = TypeVar("T")

#: service of the Transformation System
TRANSFORMATIONS = "Transformation/TransformationManager"

#: service of DIRAC's file catalogue
CATALOGUE = "DataManagement/FileCatalog"

#: service that knows jobs; without it, productions run and reports are poorer
JOBS = "WorkloadManagement/JobMonitoring"

#: service that takes and ends jobs
JOB_MANAGER = "WorkloadManagement/JobManager"

#: service that knows requests of data management; without it, their errors are not told
REQUESTS = "RequestManagement/ReqManager"

#: DIRAC's registry of productions; without it, productions run and are not seen in it
PRODUCTIONS = "Production/ProductionManager"

#: the services that every production needs
IN_USE = (TRANSFORMATIONS, CATALOGUE)


class Services(Protocol):
    """The services of one grid, called as one identity; safe to share between threads.

    :param calls: how often each ``service.method`` was called, answered or not.
    """

    calls: Counter[str]

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """Value of the service's answer.

        :param service: ``System/Service``.
        :param method: exported method; arguments are positional, as on DIRAC's wire.
        :raises GatewayError: one of its subclasses.
        """


class ServiceCalls(ABC):
    """What all verbs stand on: the services of a grid, and what its backend knows beside them."""

    services: Services
    settings: GatewaySettings

    def _ts(self, method: str, *arguments: Any) -> Any:
        return self.services.call(TRANSFORMATIONS, method, *arguments)

    def _fc(self, method: str, *arguments: Any) -> Any:
        return self.services.call(CATALOGUE, method, *arguments)

    def _each(self, method: str, names: Mapping[str, Any], *arguments: Any) -> dict[str, Any]:
        return each(self._fc(method, dict(names), *arguments), f"{CATALOGUE}.{method}")

    @abstractmethod
    def _render(self, body: BodySpec) -> str:
        """The body as the Transformation System stores it; equal specs give equal text."""

    @abstractmethod
    def _configured(self) -> Configured:
        """What the configuration of the grid has."""

    @abstractmethod
    def _vo_of(self, group: str) -> str:
        """The VO of a DIRAC group; empty if it is not known."""

    @abstractmethod
    def _on_storage(self, se: str, lfns: Sequence[str]) -> Mapping[str, StoredReplica | str]:
        """Each file as it lies on the storage, or why it cannot be read there."""

    @abstractmethod
    def _fetch(self, lfn: str, limit: int) -> bytes:
        """The first bytes of the file, one more than the limit at most."""

    def _reset_limit(self) -> int:
        """Failures at each multiple of which DIRAC's clients give a file up."""
        return RESET_LIMIT

    def _transformation_field(self) -> str:
        """The metadata field by which files carry the ID: the cleaning agent's ``TransfIDMeta``."""
        return "TransformationID"


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    return (list(items[start : start + size]) for start in range(0, len(items), size))
