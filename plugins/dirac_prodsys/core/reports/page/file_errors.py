"""Reads the errors of files apart, as Airflow keeps them: place, line of the file, caret, hint.

Invariant: pure. What is not in our own form is shown whole.
"""

from __future__ import annotations

import re
from datetime import datetime

from dirac_prodsys.core.reports.page.answers.site import FileError

#: ``bands.yaml:7:5: unknown key``, perhaps behind the name of an exception
_HEAD = re.compile(
    r"^(?:[\w.]*(?:Error|Errors): )?"
    r"(?P<file>[^\s:][^:\n]*\.\w+)(?::(?P<line>\d+))?(?::(?P<column>\d+))?: (?P<message>\S.*)$"
)
_SOURCE = re.compile(r"^\s*(?P<line>\d+) \| (?P<text>.*)$")
_CARET = re.compile(r"^\s*\| (?P<blanks>\s*)\^")
_HINT = re.compile(r"^\s*hint: (?P<text>.*)$")


def file_errors(
    text: str, file: str, bundle: str, since: datetime, *, served: bool
) -> list[FileError]:
    """Return the mistakes of a file.

    :param text: the error as Airflow has it; :param file: of what Airflow imported.
    :param served: whether the last good version is still served.
    """
    found: list[dict[str, str | int | None]] = []
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head is not None and not line.startswith(" "):
            numbers = {key: int(head[key]) if head[key] else None for key in ("line", "column")}
            found.append({"file": head["file"], "message": head["message"], **numbers})
        elif found:
            _add(found[-1], line)
    if not found:
        last = next((one for one in reversed(text.splitlines()) if one.strip()), "")
        found = [{"file": file, "message": last.strip() or "it cannot be imported"}]
    return [
        FileError(
            file=str(one["file"]),
            bundle=bundle,
            line=_number(one.get("line")),
            column=_number(one.get("column")),
            message=str(one["message"]),
            hint=str(one.get("hint") or ""),
            source=str(one.get("source") or ""),
            caret=str(one.get("caret") or ""),
            text=text,
            since=since,
            served=served,
        )
        for one in found
    ]


def _add(error: dict[str, str | int | None], line: str) -> None:
    if source := _SOURCE.match(line):
        error["source"] = source["text"]
    elif caret := _CARET.match(line):
        error["caret"] = f"{caret['blanks']}^"
    elif hint := _HINT.match(line):
        error["hint"] = hint["text"]


def _number(value: str | int | None) -> int | None:
    return value if isinstance(value, int) else None
