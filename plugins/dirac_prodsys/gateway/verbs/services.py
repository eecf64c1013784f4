"""Defines one remote call, which a backend must provide so that the verbs are written only once.

Every backend answers the calls of DIRAC's own services (``Transformation/TransformationManager``
and ``DataManagement/FileCatalog``), by network or from memory. So the verbs, their guards and
read-backs run unchanged on both, and a test in memory can plan a fault at any call.

Invariant: a call returns the service's value or raises one of ``dirac_prodsys.errors``; nothing
else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from dirac_prodsys.core.doctor.facts import Authorities, ProxyFacts
from dirac_prodsys.core.grid.snapshot import RESET_LIMIT
from dirac_prodsys.core.grid.specs import BodySpec
from dirac_prodsys.gateway.records import Configured, GatewaySettings, StoredReplica
from dirac_prodsys.gateway.verbs.replies import each

T = TypeVar("T")

#: service of the Transformation System
TRANSFORMATIONS = "Transformation/TransformationManager"

#: service of DIRAC's file catalogue
CATALOGUE = "DataManagement/FileCatalog"

#: service that knows jobs; without it, productions run and reports have less
JOBS = "WorkloadManagement/JobMonitoring"

#: service that takes and ends jobs
JOB_MANAGER = "WorkloadManagement/JobManager"

#: service that knows requests of data management; without it, their errors are not reported
REQUESTS = "RequestManagement/ReqManager"

#: DIRAC's registry of productions; without it, productions run and are not listed there
PRODUCTIONS = "Production/ProductionManager"

#: files in one call: a service handles them in one transaction, and must answer in time
FILE_CHUNK = 500

#: the services that every production needs
IN_USE = (TRANSFORMATIONS, CATALOGUE)


class Services(Protocol):
    """The services of one grid, called as one identity; safe to share between threads.

    :param calls: how often each ``service.method`` was called, answered or not.
    """

    calls: Counter[str]

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """Return the value of the service's answer.

        :param service: ``System/Service``.
        :param method: exported method; arguments are positional, as on DIRAC's wire.
        :raises GatewayError: one of its subclasses.
        """


class ServiceCalls(ABC):
    """The base of all verbs: the services of a grid, and other facts from its backend."""

    services: Services
    settings: GatewaySettings

    def _utc_now(self) -> datetime:
        """Return the time as the services write it: UTC, without a time zone."""
        return datetime.now(UTC).replace(tzinfo=None)

    def _ts(self, method: str, *arguments: Any) -> Any:
        return self.services.call(TRANSFORMATIONS, method, *arguments)

    def _fc(self, method: str, *arguments: Any) -> Any:
        return self.services.call(CATALOGUE, method, *arguments)

    def _each(self, method: str, names: Mapping[str, Any], *arguments: Any) -> dict[str, Any]:
        return each(self._fc(method, dict(names), *arguments), f"{CATALOGUE}.{method}")

    @abstractmethod
    def _render(self, body: BodySpec) -> str:
        """Return the body as the Transformation System stores it; equal specs give equal text."""

    @abstractmethod
    def _configured(self) -> Configured:
        """Return what the configuration of the grid names."""

    @abstractmethod
    def _vo_of(self, group: str) -> str:
        """Return the VO of a DIRAC group; empty if it is unknown."""

    @abstractmethod
    def _on_storage(self, se: str, lfns: Sequence[str]) -> Mapping[str, StoredReplica | str]:
        """Return each file as the storage has it, or why it cannot be read there."""

    @abstractmethod
    def _fetch(self, lfn: str, limit: int) -> bytes:
        """Return the first bytes of the file, at most one more than the limit."""

    @abstractmethod
    def configured_options(self, sections: Sequence[str]) -> Mapping[str, str]:
        """See :meth:`ExaminationVerbs.configured_options`."""

    @abstractmethod
    def proxy_facts(self) -> ProxyFacts:
        """See :meth:`ExaminationVerbs.proxy_facts`."""

    @abstractmethod
    def authorities(self) -> Authorities:
        """See :meth:`ExaminationVerbs.authorities`."""

    def _reset_limit(self) -> int:
        """Return the number of failures at whose multiples DIRAC's clients give up a file."""
        return RESET_LIMIT

    def _transformation_field(self) -> str:
        """Return the metadata field of the ID on files: the cleaning agent's ``TransfIDMeta``."""
        return "TransformationID"


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Return the items in lists of at most ``size``."""
    return (list(items[start : start + size]) for start in range(0, len(items), size))
