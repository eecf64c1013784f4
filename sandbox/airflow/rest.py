"""Does in Airflow what people do in its UI, by the public REST API (``/api/v2``).

Invariant: an answer other than success is a ``ProdsysError`` with Airflow's own words.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from dirac_prodsys.cli.actions import airflow_rest
from dirac_prodsys.cli.actions.airflow_rest import run_path
from sandbox.errors import SandboxError

T = TypeVar("T")

#: run states that do not change by themselves
FINAL = frozenset({"success", "failed"})
#: part of the time waited until the next look
_PATIENT = 0.05


class AirflowRest(airflow_rest.AirflowRest):
    """One user's session with one API server, with what only the UI offers.

    :param url: ``http://127.0.0.1:port``.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        super().__init__(url, user=user, password=password, timeout=60.0)

    # -- calls --------------------------------------------------------------------------------

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Make one authenticated call; return the JSON answer.

        :param path: path below ``/api/v2/``.
        :raises ProdsysError: no answer, or one that is not a success.
        """
        answer = self.request(method, path, **arguments)
        return answer.json() if answer.content else None

    def get(self, path: str, **query: Any) -> Any:
        """GET with query parameters."""
        return self.call("GET", path, params=query)

    def _all(self, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield every item of a paged collection."""
        offset = 0
        while True:
            page = self.get(path, limit=100, offset=offset, **query)
            yield from page[key]
            offset += len(page[key])
            if offset >= page["total_entries"] or not page[key]:
                return

    def jobs(self, kind: str) -> list[dict[str, Any]]:
        """Return the living processes of one kind, by their heartbeat (``TriggererJob``, …)."""
        return list(self._all("jobs", "jobs", job_type=kind, is_alive=True))

    # -- DAGs ---------------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """Return state and last heartbeat of every component."""
        answer: dict[str, Any] = self.get("monitor/health")
        return answer

    def dags(self) -> dict[str, dict[str, Any]]:
        """Return all DAGs that are not stale, by ID."""
        return {dag["dag_id"]: dag for dag in self._all("dags", "dags")}

    def knows(self, dag_id: str) -> bool:
        """Check whether there is a DAG that is not stale; cheaper than to ask for all of them."""
        found = self._all("dags", "dags", dag_id_pattern=dag_id)
        return any(dag["dag_id"] == dag_id for dag in found)

    def parsed(self, dag_id: str) -> float:
        """Return when the DAG was last parsed, Unix time; 0 if Airflow does not know it."""
        for dag in self._all("dags", "dags", exclude_stale=False, dag_id_pattern=dag_id):
            if dag["dag_id"] == dag_id and dag["last_parsed_time"]:
                return datetime.datetime.fromisoformat(dag["last_parsed_time"]).timestamp()
        return 0.0

    def tasks(self, dag_id: str) -> set[str]:
        """Return the task IDs of the newest version of a DAG."""
        return {task["task_id"] for task in self.get(f"dags/{dag_id}/tasks")["tasks"]}

    def versions(self, dag_id: str) -> list[dict[str, Any]]:
        """Return all versions of a DAG, oldest first."""
        found = self._all(f"dags/{dag_id}/dagVersions", "dag_versions")
        return sorted(found, key=lambda version: version["version_number"])

    def import_errors(self) -> dict[str, str]:
        """Return file -> text of its import error."""
        return {
            error["filename"]: error["stack_trace"]
            for error in self._all("importErrors", "import_errors")
        }

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pause or unpause a DAG."""
        self.call("PATCH", f"dags/{dag_id}", json={"is_paused": paused})

    # -- runs ---------------------------------------------------------------------------------

    def task_instances(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """Return task ID -> task instance (state, try_number, pid, ...)."""
        path = f"{run_path(dag_id, run_id)}/taskInstances"
        return {item["task_id"]: item for item in self._all(path, "task_instances")}

    def asset_events(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the asset events that the tasks of a DAG sent."""
        return list(self._all("assets/events", "asset_events", source_dag_id=dag_id))


def until(what: str, seconds: float, look: Callable[[], T], each: float = 0.1) -> T:
    """Call ``look`` again and again until it returns something true, and return that.

    What takes long is looked at less often, down to once in a second: each look costs a server
    time that others wait for.

    :param what: name of the thing, for the error.
    :param each: seconds between the first looks.
    :raises SandboxError: it does not come within ``seconds``.
    """
    begin = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        waited = time.monotonic() - begin
        if waited > seconds:
            raise SandboxError(f"{what}: not within {seconds:.0f} s")
        time.sleep(max(each, min(1.0, _PATIENT * waited)))
