"""Replaces OpenSearch in memory: the part of its HTTP interface that JobParametersDB uses.

Documents by ID only (put, get, exists, update, mget, bulk, delete); searches find nothing. The WMS
keeps nothing else there, and a job's parameters may be lost with the grid's process.
"""

from __future__ import annotations

import fnmatch
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Document = dict[str, Any]
Answer = tuple[int, Document]

_HELLO = {
    "name": "sandbox",
    "cluster_name": "sandbox",
    "version": {"number": "2.11.0", "distribution": "opensearch"},
}
_NOTHING_FOUND = {
    "took": 0,
    "timed_out": False,
    "_shards": {"total": 1, "successful": 1, "failed": 0, "skipped": 0},
    "hits": {"total": {"value": 0, "relation": "eq"}, "hits": []},
}


class Store:
    """All indices: index name -> document ID -> document. One lock makes each request atomic."""

    def __init__(self) -> None:
        self.indices: dict[str, dict[str, Document]] = {}
        self.lock = threading.Lock()

    def answer(self, method: str, path: list[str], body: str) -> Answer:
        """Answer one HTTP request. :param path: the parts of the URL's path."""
        with self.lock:
            if not path:
                return 200, _HELLO
            if path[0].startswith(("_index_template", "_template")):
                return 200, {"acknowledged": True}
            if path[-1] == "_mget":
                wanted = json.loads(body)["docs"]
                return 200, {"docs": [self._get(d["_index"], str(d["_id"]))[1] for d in wanted]}
            if path[-1] == "_bulk":
                items = list(self._bulk(path[0], body))
                return 200, {"errors": False, "items": items}
            if len(path) == 1:
                return self._index(method, path[0])
            return self._in_index(method, path, body)

    def _index(self, method: str, name: str) -> Answer:
        if method == "HEAD":
            return (200 if name in self.indices else 404), {}
        if method == "PUT":
            self.indices.setdefault(name, {})
            return 200, {"acknowledged": True, "index": name}
        if method == "DELETE":
            self.indices.pop(name, None)
            return 200, {"acknowledged": True}
        return 200, {name: {"aliases": {}}}

    def _in_index(self, method: str, path: list[str], body: str) -> Answer:
        name, action = path[0], path[1]
        if action == "_alias":
            return 200, {key: {"aliases": {}} for key in fnmatch.filter(self.indices, name)}
        if action == "_refresh":
            return 200, {}
        if action == "_search":
            return 200, _NOTHING_FOUND
        documents = self.indices.setdefault(name, {})
        identity = path[2] if len(path) > 2 else str(len(documents))
        if action == "_doc" and method in ("GET", "HEAD"):
            return self._get(name, identity)
        if action == "_doc" and method == "DELETE":
            gone = documents.pop(identity, None) is None
            return 200, {"result": "not_found" if gone else "deleted"}
        if action in ("_doc", "_create"):
            documents[identity] = json.loads(body)
            return 201, {"_id": identity, "result": "created"}
        if action == "_update":
            if identity not in documents:
                return 404, {"error": {"type": "document_missing_exception"}}
            documents[identity].update(json.loads(body)["doc"])
            return 200, {"_id": identity, "result": "updated"}
        return 400, {"error": f"not in this stand-in: {'/'.join(path)}"}

    def _get(self, name: str, identity: str) -> Answer:
        document = self.indices.get(name, {}).get(identity)
        found = {"_index": name, "_id": identity, "found": document is not None}
        if document is None:
            return 404, found
        return 200, {**found, "_source": document}

    def _bulk(self, index: str, body: str) -> Iterator[Document]:
        lines = (json.loads(line) for line in body.splitlines() if line.strip())
        for head in lines:
            ((operation, meta),) = head.items()
            documents = self.indices.setdefault(meta.get("_index", index), {})
            identity = str(meta.get("_id", len(documents)))
            if operation == "delete":
                documents.pop(identity, None)
            elif operation == "update":
                documents.setdefault(identity, {}).update(next(lines).get("doc", {}))
            else:
                documents[identity] = next(lines)
            yield {operation: {"_id": identity, "status": 200}}


def serve(port: int) -> None:
    """Answer on loopback from a thread of this process."""
    store = Store()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else ""
            path = [part for part in self.path.split("?")[0].split("/") if part]
            code, document = store.answer(self.command, path, body)
            content = b"" if self.command == "HEAD" else json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _respond  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="opensearch", daemon=True).start()
