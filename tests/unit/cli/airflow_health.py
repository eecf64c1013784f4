"""What an Airflow API server answers to one who asks for its health; over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: the report of Airflow 3.3, by component
_HEALTHY = {
    "metadatabase": {"status": "healthy"},
    **{
        name: {"status": "healthy", f"latest_{name}_heartbeat": "2026-11-30T03:00:00+00:00"}
        for name in ("scheduler", "triggerer", "dag_processor")
    },
}


@contextmanager
def health_report(**statuses: str | None) -> Iterator[str]:
    """Serve the report on loopback; yield the address.

    :param statuses: other statuses than healthy; None: as for a component that never ran.
    """
    report = {name: dict(health) for name, health in _HEALTHY.items()}
    for name, status in statuses.items():
        report[name] = {"status": status, f"latest_{name}_heartbeat": None}  # type: ignore[dict-item]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/api/v2/monitor/health"
            body = json.dumps(report if found else {"detail": "Not Found"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
