"""Serves the shell of Airflow's UI as it is installed, and our page in it, without an Airflow.

The browser gets the files that Airflow's API server would send. What the shell asks Airflow is
answered with the least that it needs; what the page asks its server is answered from a mapping
that a test can change while the page is open.
"""

from __future__ import annotations

import importlib.util
import json
import mimetypes
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dirac_prodsys.provider import page

#: where the page's server is mounted
PREFIX = "/dirac-prodsys/page"
STATIC = Path(page.__file__).parent / "static"

_CONFIG = {
    "fallback_page_limit": 50,
    "auto_refresh_interval": 60,
    "hide_paused_dags_by_default": False,
    "instance_name": "Airflow",
    "enable_swagger_ui": True,
    "require_confirmation_dag_change": False,
    "default_wrap": False,
    "test_connection": "Disabled",
    "dashboard_alert": [],
    "show_external_log_redirect": False,
    "external_log_name": None,
    "theme": None,
    "multi_team": False,
    "rerun_with_latest_version": None,
}


@dataclass(frozen=True)
class Request:
    """What the page asked."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any = None


#: an answer: a status and what is sent as JSON
Answer = tuple[int, Any]


@dataclass
class Shell:
    """A server that is up.

    :param answers: by path below the prefix, what is sent; or a function of the request.
    :param asked: what the page has asked, in order.
    :param down: whether the page's server answers nothing at all.
    :param server: asks the page's own server instead, for scripts, too: method, path with query,
        what is sent; returns status, content type and content.
    """

    url: str
    answers: dict[str, Any | Callable[[Request], Answer]]
    asked: list[Request] = field(default_factory=list)
    down: bool = False
    server: Callable[[str, str, bytes], tuple[int, str, bytes]] | None = None


def dist() -> Path:
    """Return the folder of Airflow's built UI."""
    found = importlib.util.find_spec("airflow")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "ui" / "dist"


@contextmanager
def shell(answers: Mapping[str, Any]) -> Iterator[Shell]:
    """A shell that shows the page, while the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler())
    made = Shell(f"http://127.0.0.1:{server.server_port}", dict(answers))
    server.shell = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _apps() -> list[dict[str, Any]]:
    """Return what Airflow tells its UI about our plugin's apps."""
    from dirac_prodsys.provider.plugin import DiracProdsysPlugin

    return [
        {"icon": None, "icon_dark_mode": None, "category": None, "nav_top_level": False, **app}
        for app in DiracProdsysPlugin.react_apps
    ]


def _of_airflow(path: str) -> Any:
    """Return what Airflow answers its UI; None: nothing that the page needs."""
    if path == "/ui/config":
        return _CONFIG
    if path == "/ui/auth/me":
        return {"id": "1", "username": "shifter"}
    if path == "/ui/auth/menus":
        return {"authorized_menu_items": ["Dags", "Assets"], "extra_menu_items": []}
    if path == "/api/v2/plugins":
        ours = {"external_views": [], "appbuilder_views": [], "react_apps": _apps()}
        return {"plugins": [ours], "total_entries": 1}
    if path == "/api/v2/version":
        return {"version": "3.3.2", "git_version": None}
    return None


def _handler() -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing: what matters is in ``Shell.asked``."""

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_PATCH(self) -> None:
            self._serve()

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length) if length else b""
            server = self.server.shell.server  # type: ignore[attr-defined]
            if server is not None and parts.path.startswith(PREFIX + "/"):
                return self._send(*server(self.command, self.path.removeprefix(PREFIX), sent))
            if parts.path.startswith(PREFIX + "/static/"):
                # a digest may stand between: the real server serves any as what is there now
                return self._file(STATIC / Path(parts.path).name)
            if parts.path.startswith(PREFIX + "/"):
                path = parts.path.removeprefix(PREFIX)
                body = json.loads(sent) if sent else None
                return self._page(Request(self.command, path, parse_qs(parts.query), body))
            if parts.path.startswith("/static/"):
                return self._file(dist() / parts.path.removeprefix("/static/"))
            if parts.path.startswith(("/ui/", "/api/")):
                found = _of_airflow(parts.path)
                return self._json(404 if found is None else 200, found)
            text = (
                (dist() / "index.html")
                .read_text()
                .replace("{{ backend_server_base_url }}", f"http://{self.headers['Host']}/")
            )
            return self._send(200, "text/html", text.encode())

        def _page(self, request: Request) -> None:
            made: Shell = self.server.shell  # type: ignore[attr-defined]
            made.asked.append(request)
            if made.down:
                self.close_connection = True
                return
            found = made.answers.get(request.path)
            if callable(found):
                status, body = found(request)
            elif found is None:
                status, body = 404, {"detail": f"nothing is known of {request.path}"}
            else:
                status, body = 200, found
            self._json(status, body)

        def _json(self, status: int, body: Any) -> None:
            self._send(status, "application/json", json.dumps(body).encode())

        def _file(self, path: Path) -> None:
            if not path.is_file():
                self._send(404, "text/plain", b"no such file")
                return
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            self._send(200, kind, path.read_bytes())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
