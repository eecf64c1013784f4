"""Registers our operator links with every component of Airflow, and routes with its API server.

Invariant: importing this touches neither DIRAC, nor a connection, nor a file: every Airflow
process does it at start. The ledger's route is loaded at its first request, the page's application
when an API server asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, overload

from airflow.plugins_manager import AirflowPlugin

from dirac_prodsys.provider.addresses.links import TransformationLink

#: below the address of the API server; ``dirac_prodsys.ledger.api`` sends records there
LEDGER_ROUTE = "/dirac-prodsys/ledger"


async def ledger_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request to the ledger."""
    from dirac_prodsys.provider.reporting.ledger_route import app

    await app(scope, receive, send)


class _Applications(Sequence[dict[str, Any]]):
    """Lists the applications; the page's is made when the API server looks at the list.

    Airflow runs what an application does at its start and end only for a real one.
    """

    def __len__(self) -> int:
        return 2

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return list(self)[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        from dirac_prodsys.provider.page.app import PREFIX, keeper, make_app

        ledger = {"app": ledger_app, "url_prefix": LEDGER_ROUTE, "name": "Ledger of dirac_prodsys"}
        page = {"app": make_app(keeper()), "url_prefix": PREFIX, "name": "Page of dirac_prodsys"}
        return iter([ledger, page])


class DiracProdsysPlugin(AirflowPlugin):
    """DIRAC productions in Airflow."""

    name = "dirac_prodsys"
    operator_extra_links: ClassVar[list[Any]] = [TransformationLink()]
    fastapi_apps: ClassVar[Any] = _Applications()
    #: Airflow drops an application whose route another has
    react_apps: ClassVar[list[Any]] = [
        {
            "name": name,
            "bundle_url": "dirac-prodsys/page/static/main.js",
            "destination": destination,
            "url_route": route,
        }
        for name, destination, route in (
            ("Productions", "nav", "dirac-productions"),
            ("Production", "dag", "dirac-production"),
            ("Production", "dag_run", "dirac-production-run"),
        )
    ]
