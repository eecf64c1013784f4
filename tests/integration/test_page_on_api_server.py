"""The page on a real API server of Airflow: its login, rights, notes of runs, and its plugin."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from dirac_prodsys.ledger.store import Ledger
from tests.patience import until
from tests.unit.provider.page import scenario

REPOSITORY = Path(__file__).parents[2]
PAGE = "/dirac-prodsys/page"

#: user → role
USERS = {"vera": "viewer", "ulf": "user"}
PASSWORD = "only here"


class Server(NamedTuple):
    """A running API server."""

    url: str
    log: Path

    def client(self, user: str = "") -> httpx.Client:
        """A client with the token of a user; without one, nobody's."""
        headers = {}
        if user:
            with self.client() as nobody:
                login = {"username": user, "password": PASSWORD}
                answer = nobody.post("/auth/token", json=login)
            assert answer.is_success, answer.text
            headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, headers=headers)

    def is_up(self) -> bool:
        with contextlib.suppress(httpx.TransportError), self.client() as client:
            return client.get("/api/v2/monitor/health").status_code == 200
        return False


@pytest.fixture(scope="module")
def server(airflow_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("api-server")
    scenario.empty_airflow()
    scenario.fill_airflow()
    with sqlite3.connect(airflow_database) as here, sqlite3.connect(home / "airflow.db") as there:
        here.backup(there)
    scenario.empty_airflow()
    ledger = Ledger.at(f"sqlite:///{home}/ledger.db")
    ledger.write(scenario.records())
    ledger.close()
    (home / "passwords.json").write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    extra = {"backend": "memory", "config": "page", "poll_interval": 5}
    environment = {
        **{name: value for name, value in os.environ.items() if "AIRFLOW" not in name},
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)]),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in USERS.items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__DIRAC_PRODSYS__LEDGER_URL": f"sqlite:///{home}/ledger.db",
        "AIRFLOW_CONN_DIRAC_DEFAULT": json.dumps({"conn_type": "dirac", "extra": extra}),
    }
    log = home / "log"
    command = [sys.executable, "-m", "airflow", "api-server", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    found = Server(f"http://127.0.0.1:{port}", log)
    try:
        until("the API server", 60, lambda: process.poll() is not None or found.is_up())
        assert process.poll() is None, log.read_text()[-4000:]
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_shifter_is_shown_the_runs_and_nobody_else(server: Server) -> None:
    with server.client() as nobody, server.client("vera") as vera:
        for path in ("/api/productions", "/api/dags/bands/runs/r1", "/static/plain.css", "/"):
            assert nobody.get(f"{PAGE}{path}").status_code == 401, path
        answer = vera.get(f"{PAGE}/api/productions").json()
        assert [row["production"] for row in answer["rows"]] == ["bands", "rings"]
        assert answer["rows"][0]["state"]["label"] == "needs a person"
        assert answer["sources"]["ledger"]["stale"] is False
        assert answer["sources"]["grid"]["why"] == ""
        step = vera.get(f"{PAGE}/api/dags/bands/runs/r1/steps/merge")
        assert step.json()["failures"]["total"] == 3
        style = vera.get(f"{PAGE}/static/plain.css")
        assert style.headers["content-type"] == "text/css; charset=utf-8"
        comment = {"run": "r1", "text": "mine"}
        assert vera.post(f"{PAGE}/api/dags/bands/comments", json=comment).status_code == 403


def test_the_cookie_of_airflow_s_own_page_is_enough_to_read(server: Server) -> None:
    with server.client("vera") as vera, server.client() as browser:
        token = vera.headers["Authorization"].removeprefix("Bearer ")
        browser.cookies.set("_token", token)
        page = browser.get(f"{PAGE}/")
        assert page.headers["content-type"].startswith("text/html")
        assert "bands r1" in page.text
        assert "<script" not in page.text


def test_airflow_s_own_lists_say_how_runs_stand(server: Server) -> None:
    run = "manual__2026-03-01T12%3A00%3A00%2B00%3A00"
    with server.client("vera") as vera:

        def note() -> Any:
            return vera.get(f"/api/v2/dags/rings/dagRuns/{run}").json().get("note")

        assert until("the note of the run", 60, note).startswith("merge 11/14 files")
        merge = vera.get("/api/v2/dags/bands/dagRuns/r1").json()["note"]
        assert merge.startswith("merge waits for a person")


def test_airflow_knows_the_applications(server: Server) -> None:
    with server.client("ulf") as ulf:
        row = ulf.get(f"{PAGE}/api/dags/bands/runs/r1").json()
        assert row["rights"]["act"] is True
        comment = {"run": "r1", "text": "seen by ulf"}
        written = ulf.post(f"{PAGE}/api/dags/bands/comments", json=comment)
        assert written.status_code == 201
        after = ulf.get(f"{PAGE}/api/dags/bands/runs/r1").json()["comments"]
        assert [one["by"] for one in after] == ["ulf"]
        described = ulf.get(f"{PAGE}/api/openapi.json").json()
        assert "/api/productions" in described["paths"]
