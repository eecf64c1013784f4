"""What an Airflow API server answers to one who starts a run and follows it; over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl

USER, PASSWORD = "eve", "a secret word"

ROW = {
    "id": 7,
    "name": "bands__r1__merge",
    "status": "Active",
    "answer": "act",
    "why": "→ Cleaning",
}
PREVIEW = {
    "action": "clean",
    "scope": "production bands",
    "rows": [{**ROW, "tasks": 3, "files": 2, "bytes": 20, "total": None}],
    "left_out": [],
    "digest": "0123456789abcdef",
    "by": USER,
    "reason": "",
    "run": "x",
}
RESULT = {"id": 7, "name": "bands__r1__merge", "was": "Active", "word": "done", "why": "cleaning"}
OUTCOME = {
    "action": "clean",
    "scope": "production bands",
    "by": USER,
    "reason": "old",
    "run": "x",
    "results": [RESULT],
    "good": True,
}


class AirflowStub:
    """Runs end at the second look.

    :param runs: conf of each run that was begun, by its ID.
    :param tokens: those that are valid; :param status: answers instead of serving, by method.
    """

    def __init__(self) -> None:
        self.url = ""
        self.runs: dict[str, Any] = {}
        self.looks: dict[str, int] = {}
        self.tokens: list[str] = []
        #: of the last request
        self.query: dict[str, str] = {}
        self.state = "success"
        self.problem = ""
        self.preview: dict[str, Any] = PREVIEW
        self.outcome: dict[str, Any] | None = OUTCOME
        self.status: dict[str, int] = {}
        #: IDs of runs of other DAGs, the newest first
        self.others: dict[str, list[str]] = {}
        #: answers that are lost on their way, of POST
        self.lost = 0
        #: tokens that expire when a run is looked at
        self.expire = False

    def serve(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any] | None:
        if path == "/auth/token":
            if (body["username"], body["password"]) != (USER, PASSWORD):
                return 401, {"detail": "Invalid credentials"}
            self.tokens.append(f"token-{len(self.tokens)}")
            return 201, {"access_token": self.tokens[-1]}
        if token not in self.tokens:
            return 401, {"detail": "Invalid JWT token"}
        if method in self.status:
            return self.status[method], {"detail": "so it is"}
        if "/dags/production_operations/" not in path:
            return self.list(path.removeprefix("/api/v2/dags/").split("/")[0])
        parts = path.removeprefix("/api/v2/dags/production_operations/dagRuns").split("/")[1:]
        if method == "POST":
            if body["dag_run_id"] in self.runs:
                return 409, {"detail": "exists"}
            self.runs[body["dag_run_id"]] = body
            if self.lost:
                self.lost -= 1
                return None
            return 200, {}
        return self.look(parts)

    def list(self, dag: str) -> tuple[int, Any]:
        if dag not in self.others:
            return 404, {"detail": f"no DAG {dag}"}
        begin, limit = int(self.query["offset"]), min(2, int(self.query["limit"]))
        runs = [{"dag_run_id": run} for run in self.others[dag]]
        return 200, {"dag_runs": runs[begin : begin + limit], "total_entries": len(runs)}

    def look(self, parts: list[str]) -> tuple[int, Any]:
        run = parts[0]
        if run not in self.runs:
            return 404, {"detail": "no such run"}
        if len(parts) == 1:
            self.looks[run] = self.looks.get(run, 0) + 1
            if self.expire:
                self.expire = False
                self.tokens.clear()
            return 200, {"state": self.state if self.looks[run] > 1 else "running"}
        if len(parts) == 2:
            tasks = [{"task_id": "preview", "state": "running"}, {"task_id": "act", "state": None}]
            return 200, {"task_instances": tasks}
        _run, _tasks, task, _entries, key = parts
        previewed = self.runs[run]["conf"]["preview"]
        found = {
            ("preview", "return_value"): self.preview,
            ("act", "outcome"): None if previewed or self.problem else self.outcome,
            ("preview", "problem"): self.problem or None,
        }.get((task, key))
        return (404, {"detail": "none"}) if found is None else (200, {"value": found})


Stub = TypeVar("Stub", bound=AirflowStub)


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """``stub``, listening on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            path, _, query = self.path.partition("?")
            stub.query = dict(parse_qsl(query))
            served = stub.serve(self.command, path, token, body)
            if served is None:
                self.close_connection = True
                return
            code, value = served
            text = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
