"""Serves the scripts and styles of the page, with their types and a mark of their version.

Invariant: only files of the folder ``static`` whose type is known are served.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from fastapi import HTTPException, Request, Response

FOLDER = Path(__file__).with_name("static")

#: ending → content type: a browser runs no module of another type
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}


@lru_cache(maxsize=256)
def _content(path: Path, _changed: int) -> tuple[bytes, str]:
    content = path.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def static_file(request: Request, path: str) -> Response:
    """Return a file; 304 where the browser has this version of it.

    :param path: below the folder.
    """
    kind = TYPES.get(Path(path).suffix)
    found = (FOLDER / path).resolve() if "\0" not in path else FOLDER
    if kind is None or not found.is_relative_to(FOLDER.resolve()) or not found.is_file():
        raise HTTPException(404, "there is no such file")
    content, tag = _content(found, found.stat().st_mtime_ns)
    # a browser asks whether it changed: after an update, no part of the page is older than others
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {each.strip().removeprefix("W/") for each in _asked(request).split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


def _asked(request: Request) -> str:
    return request.headers.get("if-none-match", "")
