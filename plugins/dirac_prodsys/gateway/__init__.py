"""Provides the only access to the grid.

::

    agent/                backend: DIRAC in a process, and an environment, of its own
    dirac/  memory/       backends: DISET, configuration, storage, rehearsals; a grid in memory
    procedures/           work that takes several verbs, for tasks and the command line; no Airflow
    verbs/                the verbs, written once in calls of DIRAC's services, run by both backends
    bodies/               how a job or request reaches DIRAC
    protocol  records     the contract; the values that its verbs take and return

``open_gateway(settings)`` imports the module of ``settings.backend`` and calls its
``open(settings)``: a new backend is one new module under the same contract tests.
"""

from __future__ import annotations

import importlib
import importlib.util

from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings

#: backend → its module
_MODULES = {"agent": "agent", "dirac": "dirac", "memory": "memory", "rehearsal": "dirac.rehearsal"}
BACKENDS = tuple(_MODULES)
#: backends that run DIRAC in this process
IN_PROCESS = ("dirac", "rehearsal")


def open_gateway(settings: GatewaySettings) -> ProductionGateway:
    """Return the gateway for ``settings``. It connects lazily: opening makes no call.

    :raises GatewayRejected: there is no such backend, or DIRAC is not installed.
    """
    if settings.backend not in BACKENDS:
        raise GatewayRejected(
            f"unknown backend {settings.backend!r}", f"use one of: {', '.join(BACKENDS)}"
        )
    if settings.backend in IN_PROCESS and importlib.util.find_spec("DIRAC") is None:
        raise GatewayRejected(
            "DIRAC is not installed in this environment",
            "let the connection's backend be agent, and dirac_python a Python that has DIRAC; or "
            "install the extra: pip install 'dirac-prodsys[dirac]'",
        )
    module = importlib.import_module(f"dirac_prodsys.gateway.{_MODULES[settings.backend]}")
    gateway: ProductionGateway = module.open(settings)
    return gateway
