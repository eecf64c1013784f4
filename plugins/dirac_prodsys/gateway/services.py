"""One remote call: what a backend must provide so that the verbs are written only once.

Every backend answers the calls of DIRAC's own services (``Transformation/TransformationManager``
and ``DataManagement/FileCatalog``), by network or from memory. So the verbs, their guards and
read-backs run unchanged on both, and a fault at any call of the one can be tried on the other.

Invariant: a call returns the service's value or raises one of ``dirac_prodsys.errors``; nothing
else.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

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
