"""Registers our operator links with every component of Airflow, and a route with its API server.

Invariant: importing this touches neither DIRAC, nor a connection, nor a file: every Airflow
process does it at start. The route is loaded at its first request.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from dirac_prodsys.provider.addresses.links import TransformationLink

#: below the address of the API server; ``dirac_prodsys.ledger.api`` sends records there
LEDGER_ROUTE = "/dirac-prodsys/ledger"


async def ledger_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request to the ledger."""
    from dirac_prodsys.provider.reporting.ledger_route import app

    await app(scope, receive, send)


class DiracProdsysPlugin(AirflowPlugin):
    """DIRAC productions in Airflow."""

    name = "dirac_prodsys"
    operator_extra_links: ClassVar[list[Any]] = [TransformationLink()]
    fastapi_apps: ClassVar[list[Any]] = [
        {"app": ledger_app, "url_prefix": LEDGER_ROUTE, "name": "Ledger of dirac_prodsys"}
    ]
