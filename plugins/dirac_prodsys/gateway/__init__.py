"""Room 2, the only door to the grid.

``open_gateway(settings)`` imports the module that ``settings.backend`` names and calls its
``open(settings)``: a new backend is one new file under the same contract tests.
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
