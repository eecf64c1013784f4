"""The page's application behind Airflow's own login, with a ledger and Airflow's database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page.app import PREFIX, make_app
from dirac_prodsys.provider.page.keeper import Keeper
from tests.unit.provider.page import scenario

#: name → role of the users of the tests' Airflow
USERS = {"vera": "viewer", "ulf": "user", "olga": "op", "ada": "admin"}

As = Callable[[str], TestClient]
Get = Callable[..., Any]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = Ledger.at(f"sqlite:///{tmp_path}/ledger.db")
    yield found
    found.close()


@pytest.fixture
def told(ledger: Ledger) -> Ledger:
    """The ledger with the records of the scenario."""
    ledger.write(scenario.records())
    return ledger


@pytest.fixture
def airflow(airflow_database: Path) -> Iterator[None]:
    """Airflow's database with the Dags and runs of the scenario."""
    scenario.empty_airflow()
    scenario.fill_airflow()
    yield
    scenario.empty_airflow()


@pytest.fixture
def clock() -> Iterator[Callable[[], float]]:
    return lambda: scenario.NOW.timestamp()


@pytest.fixture
def keeper(ledger: Ledger, clock: Callable[[], float]) -> Keeper:
    return Keeper(lambda: ledger, clock=clock)


@pytest.fixture(scope="session")
def token_of(airflow_database: Path) -> Callable[..., str]:
    """Returns a token of Airflow's for a user: name, role, teams."""
    from airflow.api_fastapi.app import get_auth_manager, init_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    init_auth_manager()

    def make(name: str, role: str, teams: list[str] | None = None) -> str:
        user = SimpleAuthManagerUser(username=name, role=role, teams=teams)
        return str(get_auth_manager().generate_jwt(user))

    return make


@pytest.fixture(scope="session")
def token(token_of: Callable[..., str]) -> Callable[[str], str]:
    """Returns a token of Airflow's for one of :data:`USERS`."""
    return lambda name: token_of(name, USERS[name])


@pytest.fixture
def server(keeper: Keeper) -> FastAPI:
    """An API server with nothing but the page."""
    root = FastAPI()
    root.mount(PREFIX, make_app(keeper))
    return root


def page_of(server: FastAPI) -> FastAPI:
    """The page's application."""
    apps = (getattr(route, "app", None) for route in server.routes)
    return next(app for app in apps if isinstance(app, FastAPI))


@pytest.fixture
def anonymous(server: FastAPI, airflow: None, token: Callable[[str], str]) -> TestClient:
    return TestClient(server, base_url=f"http://airflow{PREFIX}", raise_server_exceptions=False)


@pytest.fixture
def as_user(server: FastAPI, airflow: None, token: Callable[[str], str]) -> As:
    """Returns a client of a user: ``as_user("vera")``."""

    def make(name: str) -> TestClient:
        headers = {"Authorization": f"Bearer {token(name)}"}
        return TestClient(server, base_url=f"http://airflow{PREFIX}", headers=headers)

    return make


@pytest.fixture
def vera(as_user: As, told: Ledger) -> TestClient:
    """A viewer, where the ledger has the records of the scenario."""
    return as_user("vera")


@pytest.fixture
def get(vera: TestClient) -> Get:
    """Returns the JSON of a path, as a viewer sees it."""

    def answer(path: str, **params: Any) -> Any:
        found = vera.get(path, params=params)
        assert found.status_code == 200, found.text
        return found.json()

    return answer
