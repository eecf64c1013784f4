"""Checks ``@{JOB_ID}`` and similar names, which DIRAC's workflow fills in when a task runs.

``Core/Workflow/Workflow.resolveGlobalVars`` replaces ``@{name}`` in the executable and arguments of
a job by the workflow's parameters; any other name stays as it is, and every job gets the same text.

Invariant: a valid text has ``@{`` only in names that are filled in at its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.core.models import spelled
from dirac_prodsys.core.problems import Path, Problems

#: name → its meaning, in executable and arguments of a job
FILLED = {
    "JOB_ID": "number of the task, eight digits",
    "PRODUCTION_ID": "number of the transformation, eight digits",
    "STEP_ID": "transformation, task and command",
    "STEP_NUMBER": "number of the command in the job",
    "STEP_INSTANCE_NAME": "DIRAC's name of the command",
    "STEP_DEFINITION_NAME": "DIRAC's name of its definition",
    "InputData": "files of the task",
    "JobName": "name of the job",
    "JobType": "type of the job",
    "JobGroup": "transformation",
    "Priority": "UserPriority of the job",
    "CPUTime": "seconds of normalised CPU",
}
#: names that are filled in in the names of files that a job leaves
IN_FILE_NAMES = frozenset({"JOB_ID", "PRODUCTION_ID"})

_ANY = re.compile(r"@\{([^{}]*)\}")
#: forms of other languages; what begins with ``$`` is reported as a sign of a shell
_NUMBER = "(?:JOB_ID|PRODUCTION_ID|TASK_ID)"
_ALIKE = re.compile(
    rf"(?<![$@])(?:[@%#]?[{{(\[<]{{1,2}} *{_NUMBER} *[}})\]>]{{1,2}}|[@%]{_NUMBER}\b)"
)

#: maximum number of values of one text that are reported separately
_MOST = 5


def check(
    value: Any, path: Path, problems: Problems, *, filled: frozenset[str] = frozenset(FILLED)
) -> None:
    """Note every ``@{…}`` in ``value`` that is not filled in.

    :param value: a text, or lists and mappings of texts.
    :param filled: names that are filled in there; empty: none are.
    """
    if not value or (isinstance(value, str) and "@{" not in value):
        return  # as nearly always
    for where, text in _texts(value, path):
        if "@{" not in text:
            continue
        for reason, hint in mistakes(text, filled):
            problems.add(where, reason, hint, code="placeholder")


def mistakes(text: str, filled: frozenset[str] = frozenset(FILLED)) -> Iterator[tuple[str, str]]:
    """Yield each ``@{…}`` of one text that is not filled in, and the way out."""
    unfilled = [name for name in dict.fromkeys(_ANY.findall(text)) if name not in filled]
    if len(unfilled) > _MOST:
        reason = f"nobody fills in {len(unfilled):,} values, @{{{unfilled[0][:40]}}} and others"
        yield reason, "DIRAC fills in @{JOB_ID}, the number of the task"
        unfilled = []
    for name in unfilled:
        if not filled:
            yield (
                f"nobody fills in @{{{name}}} here: it would stay as it is",
                "DIRAC fills in @{JOB_ID} in executable, arguments and names of output files",
            )
        else:
            meant = _meant(name, filled)
            yield (
                f"nobody fills in @{{{name}}}: it would stay so in every job",
                f"did you mean @{{{meant}}}? It is the {FILLED[meant]}",
            )
    if "@{" in _ANY.sub("", text):
        yield f"an @{{ is not closed: {spelled(text)}", "write @{JOB_ID}"


def alike(text: str) -> str:
    """Return what looks like ``@{JOB_ID}`` but is no valid placeholder; empty: nothing."""
    found = _ALIKE.search(_ANY.sub("", text))
    return found[0] if found else ""


def _meant(name: str, filled: frozenset[str]) -> str:
    letters = re.sub(r"[^a-z]", "", name.lower())
    for known in sorted(filled):
        if re.sub(r"[^a-z]", "", known.lower()) == letters:
            return known
    return "PRODUCTION_ID" if letters.startswith(("prod", "transf")) else "JOB_ID"


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, int | float):  # most values; a check for Mapping is slow
        return
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _texts(entry, (*path, key))
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _texts(entry, (*path, index))
