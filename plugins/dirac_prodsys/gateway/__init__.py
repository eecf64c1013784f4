"""The only door to the grid.

::

    rehearsal             backend: DIRAC with stand-in jobs
    dirac/  memory/       backends: DISET, configuration, storage; a grid in memory
    procedures/           what takes several verbs, for tasks and the command line alike; no Airflow
    verbs/                the verbs, written once in calls of DIRAC's services, run by both backends
    bodies/               how a job or request reaches DIRAC
    protocol  records     the one contract; what its verbs take and return

``open_gateway(settings)`` imports the module that ``settings.backend`` names and calls its
``open(settings)``: a new backend is one new module under the same contract tests.
"""

from __future__ import annotations

import importlib

from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings

BACKENDS = ("dirac", "memory", "rehearsal")


def open_gateway(settings: GatewaySettings) -> ProductionGateway:
    """The gateway that ``settings`` describe. It connects lazily: opening makes no call.

    :raises GatewayRejected: there is no such backend.
    """
    if settings.backend not in BACKENDS:
        raise GatewayRejected(
            f"unknown backend {settings.backend!r}", f"use one of: {', '.join(BACKENDS)}"
        )
    module = importlib.import_module(f"dirac_prodsys.gateway.{settings.backend}")
    gateway: ProductionGateway = module.open(settings)
    return gateway
