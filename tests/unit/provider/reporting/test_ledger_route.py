"""Workers deliver through the API server, if they know the secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.api import ROUTE, ApiSink
from dirac_prodsys.ledger.store import Ledger, RefusedRecord, Search
from dirac_prodsys.provider.plugin import LEDGER_ROUTE, DiracProdsysPlugin
from dirac_prodsys.provider.reporting import ledger_route
from tests.unit.ledger.example_records import counts, event, step


class Bridge(httpx.BaseTransport):
    """Carries a request of the worker to the API server's app."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._client.request(
            request.method, request.url.path, headers=request.headers, content=request.read()
        )
        return httpx.Response(answer.status_code, content=answer.content)


@pytest.fixture
def server(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SECRET", SECRET)
    ledger_route._ledger.cache_clear()
    offered = DiracProdsysPlugin.fastapi_apps[0]
    app = FastAPI()
    app.mount(offered["url_prefix"], offered["app"])
    yield TestClient(app)
    ledger_route._ledger.cache_clear()


#: known to workers and API server
SECRET = "open sesame"


def sink(server: TestClient, secret: str = SECRET) -> ApiSink:
    return ApiSink("http://airflow:8080", secret, Bridge(server))


def test_records_arrive_as_they_were_each_once(server: TestClient, ledger: Ledger) -> None:
    later = {"kind": "weather", "at": "2030-01-01T00:00:00Z", "key": "weather-1", "sky": "clear"}
    batch = [step(1), event(1, by="a\0b \U0001f30d"), counts(1, 3, 2), Record.from_dict(later)]
    sink(server).write(batch)
    sink(server).write(batch)
    assert list(ledger.find(Search())) == batch


@pytest.mark.parametrize("secret", ["", "wrong", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_wrong_secret_writes_nothing(server: TestClient, ledger: Ledger, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}".encode("latin-1")}
    answer = server.post(f"{ROUTE}/records", json={"records": []}, headers=headers)
    assert answer.status_code == 401
    assert ledger.count(Search()) == 0


def test_without_a_configured_secret_nobody_may_write(
    server: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SECRET", "")
    with pytest.raises(LedgerUnavailable, match="401"):
        sink(server, "").write([step(1)])


def test_what_is_no_record_is_refused(server: TestClient) -> None:
    class Odd:
        def to_dict(self) -> dict[str, Any]:
            return {"kind": "step"}

    with pytest.raises(RefusedRecord):
        sink(server).write([Odd()])  # type: ignore[list-item]


def test_a_server_without_its_ledger_says_that_records_must_come_again(
    server: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "api")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_URL", "")
    with pytest.raises(LedgerUnavailable, match="503"):
        sink(server).write([step(1)])


def test_a_server_that_is_away_is_an_error_of_ours() -> None:
    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    sink = ApiSink("http://airflow:8080", "secret", httpx.MockTransport(away))
    with pytest.raises(LedgerUnavailable, match="does not answer"):
        sink.write([step(1)])


def test_worker_and_server_name_the_same_route() -> None:
    assert LEDGER_ROUTE == ROUTE
