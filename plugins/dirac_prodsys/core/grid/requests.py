"""Describes a failed request in the terms used for jobs.

A request is a task without a job: only the Request Management System knows why it failed. Its own
status is the status; the error, without names and numbers, replaces the minor status, the failed
operation replaces the application status, and its storage elements replace the site. So reports and
rules treat jobs and requests alike.

Invariant: a pure function of the request as its service serialises it
(``RequestManagementSystem/Client/Request.py``, 9.1); files with the same result are reported alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.text.wording import one_line

#: characters of an error that are kept: what differs between files comes last
MOST_CHARACTERS = 120

#: characters of an error that are looked at
_LOOKED_AT = 2_000

#: suffix that the executing agent appends to the error of the last attempt
_LAST_ATTEMPT = "(Max attempts limit reached)"

#: names and numbers that differ for every file; replaced in this order
_OWN = (
    (re.compile(r"\b[a-z][a-z0-9+]*://\S+", re.IGNORECASE), "URL"),
    (re.compile(r"(?<![\w.-])(?:/[\w.+=@-]+){2,}/?"), "PATH"),
    (re.compile(r"\b(?:0x)?(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\b", re.IGNORECASE), "N"),
    (re.compile(r"\b\d+\b(?!\))"), "N"),
)


@dataclass(frozen=True)
class RequestState:
    """A request, as recorded in the Request Management System.

    :param state: state of the whole request.
    :param files: LFN → state of that file; Done if every operation on it is done. Empty: only the
        status was asked for.
    """

    state: JobState
    files: Mapping[str, JobState] = field(default_factory=dict)

    def of(self, lfn: str) -> JobState:
        """Return the state of one of its files."""
        return self.files.get(lfn, self.state)


def request_state(number: int, data: Mapping[str, Any]) -> RequestState:
    """Return the state of a request from its serialised form."""
    status = one_line(data.get("Status") or "")
    operations: Sequence[Mapping[str, Any]] = data.get("Operations") or []
    last = str(data.get("Error") or "")
    files: dict[str, JobState] = {}
    for operation in operations:
        why = str(operation.get("Error") or last)
        words = (one_line(operation.get("Type") or ""), _elements(operation))
        for file in operation.get("Files") or []:
            lfn, now = str(file.get("LFN")), str(file.get("Status"))
            if files.get(lfn, _DONE).status != "Done":
                continue  # an earlier operation stopped at it
            error = kind_of(str(file.get("Error") or why))
            done = now == "Done"
            files[lfn] = _DONE if done else JobState(number, status, error, *words)
    worst = [file for file in files.values() if file.status != "Done"]
    if worst:
        return RequestState(_most(worst), files)
    failed = next((o for o in operations if o.get("Status") not in ("Done", None)), {})
    error = kind_of(str(failed.get("Error") or last))
    summary = JobState(number, status, error, one_line(failed.get("Type") or ""), _elements(failed))
    return RequestState(summary, files)


def kind_of(error: str) -> str:
    """Return an error without names of files and numbers, so that similar errors are equal."""
    text = " ".join(one_line(error, most=_LOOKED_AT).split())
    text = text.removesuffix(_LAST_ATTEMPT).strip() or text.strip("()")
    for pattern, word in _OWN:
        text = pattern.sub(word, text)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1].rstrip()}…"


_DONE = JobState(0, "Done")


def _most(files: Sequence[JobState]) -> JobState:
    """Return the most frequent result of its files; of equally many, the first by name."""
    return max(sorted(set(files), key=lambda one: one.minor), key=files.count)


def _elements(operation: Mapping[str, Any]) -> str:
    """Name the storage elements: from where to where."""
    ends = (operation.get("SourceSE"), operation.get("TargetSE"))
    return " to ".join(one_line(one) for one in ends if one)
