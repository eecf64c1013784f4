"""Calls Airflow's public REST API to start a run, follow it and list runs.

Invariant: an answer is a value or one of our errors. Passwords and tokens are sent to the API
server only, and are in no message. Starting a run again under the same ID gives the same run.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from dirac_prodsys.errors import (
    DefinitionError,
    GatewayDenied,
    GatewayRejected,
    GatewayUnavailable,
    NotFound,
    ProdsysError,
)

_API = "/api/v2/"

#: runs to ask for in one answer; Airflow may give fewer (``maximum_page_limit``)
PAGE = 100
#: most runs of a DAG that are listed
MOST_RUNS = 1000


class AirflowRest:
    """One user's session with one API server.

    :param url: ``https://host:port``, with a path if the site has one.
    :param token: an access token; without it, ``user`` and ``password`` get one.
    :param timeout: seconds that one call may take.
    """

    def __init__(
        self, url: str, *, user: str = "", password: str = "", token: str = "", timeout: float = 30
    ) -> None:
        self.url = url.rstrip("/")
        self._user, self._password, self._token = user, password, token
        try:
            self._client = httpx.Client(
                base_url=self.url,
                timeout=timeout,
                # a proxy of the environment does not lead to this machine
                trust_env=not is_local(self.url),
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise DefinitionError(f"{url!r} is no address of Airflow: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def trigger(
        self, dag: str, run: str, conf: dict[str, Any] | None = None, note: str = ""
    ) -> None:
        """Start a run; an existing run of that ID is taken for ours.

        :raises NotFound: there is no such DAG; :raises DefinitionError: its parameters are wrong.
        """
        body = {
            "dag_run_id": run,
            "logical_date": None,
            "conf": conf or {},
            "note": note[:1000] or None,
        }
        path = f"dags/{dag}/dagRuns"
        for attempt in range(3):
            try:
                self.request("POST", path, allowed=(409,), json=body)
                return
            except GatewayUnavailable:
                if attempt == 2:
                    raise

    def run(self, dag: str, run: str) -> dict[str, Any]:
        """Return one run."""
        found: dict[str, Any] = self.request("GET", run_path(dag, run)).json()
        return found

    def task_states(self, dag: str, run: str) -> dict[str, str]:
        """Map each task to its state."""
        found = self.request("GET", f"{run_path(dag, run)}/taskInstances").json()
        return {task["task_id"]: task["state"] or "waiting" for task in found["task_instances"]}

    def xcom(self, dag: str, run: str, task: str, key: str = "return_value") -> Any:
        """Return what a task has left under a key; None: nothing."""
        path = f"{run_path(dag, run)}/taskInstances/{task}/xcomEntries/{key}"
        answer = self.request("GET", path, allowed=(404,), params={"deserialize": "false"})
        return None if answer.status_code == 404 else answer.json()["value"]

    def run_ids(self, dag: str) -> list[str]:
        """Return the IDs of a DAG's newest runs, the newest first; none: there is no such DAG."""
        found: list[str] = []
        while len(found) < MOST_RUNS:
            page = {"limit": PAGE, "offset": len(found), "order_by": "-run_after"}
            answer = self.request("GET", f"dags/{dag}/dagRuns", allowed=(404,), params=page)
            if answer.status_code == 404:
                return []
            runs = answer.json()
            found += [run["dag_run_id"] for run in runs["dag_runs"]]
            if not runs["dag_runs"] or len(found) >= runs["total_entries"]:
                break  # a page may be smaller than requested
        return found

    def page(self, dag: str, run: str) -> str:
        """Return the address of the run's page for people."""
        return f"{self.url}/dags/{dag}/runs/{quote(run, safe='')}"

    def request(
        self, method: str, path: str, *, allowed: tuple[int, ...] = (), **arguments: Any
    ) -> httpx.Response:
        """Make one call with the user's rights.

        :param path: path below ``/api/v2/``.
        :param allowed: statuses to accept besides those of success.
        :raises ProdsysError: there is no answer, or one that is neither.
        """
        logs_in = not self._token
        answer = self._send(method, f"{_API}{path}", **arguments, headers=self._headers())
        if answer.status_code == 401 and self._password and not logs_in:
            self._token = ""  # it expired while the run was followed
            answer = self._send(method, f"{_API}{path}", **arguments, headers=self._headers())
        if answer.is_success or answer.status_code in allowed:
            return answer
        raise self._error(answer)

    def _headers(self) -> dict[str, str]:
        if not self._token:
            self._token = self._log_in()
        return {"Authorization": f"Bearer {self._token}"}

    def _log_in(self) -> str:
        if not self._user or not self._password:
            raise GatewayDenied("Airflow needs to know who asks", _LOGIN_HINT)
        login = {"username": self._user, "password": self._password}
        answer = self._send("POST", "/auth/token", json=login)
        if not answer.is_success:
            raise self._error(answer)
        return str(answer.json()["access_token"])

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise GatewayUnavailable(
                f"Airflow at {self.url} does not answer: {error}",
                "check the address, or try again later",
            ) from None

    def _error(self, answer: httpx.Response) -> ProdsysError:
        what = f"Airflow at {self.url}: {answer.status_code} {_detail(answer)}"
        if answer.status_code == 401:
            return GatewayDenied(what, _LOGIN_HINT)
        if answer.status_code == 403:
            return GatewayDenied(
                what, f"{self._user or 'this user'} may not do this in Airflow: ask for the right"
            )
        if answer.status_code == 404:
            return NotFound(what, "does this Airflow have the DAG production_operations?")
        if answer.status_code in (400, 422):
            return DefinitionError(what, "correct the options; see --help")
        if answer.status_code >= 500:
            return GatewayUnavailable(what, "see the log of Airflow's API server")
        return GatewayRejected(what, "see Airflow's documentation of the answer")


def is_local(url: str) -> bool:
    """Check whether an address leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run_path(dag: str, run: str) -> str:
    """Return the path of a run."""
    return f"dags/{dag}/dagRuns/{quote(run, safe='')}"


def _detail(answer: httpx.Response) -> str:
    try:
        detail = answer.json().get("detail", answer.text)
    except (ValueError, AttributeError):
        detail = answer.text
    return " ".join(str(detail).split())[:500]


_LOGIN_HINT = (
    "set DIRAC_PRODSYS_AIRFLOW_USER and DIRAC_PRODSYS_AIRFLOW_PASSWORD, "
    "or DIRAC_PRODSYS_AIRFLOW_TOKEN"
)
