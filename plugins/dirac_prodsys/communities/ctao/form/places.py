"""Maps a path in the plan to its place in a CTAO file.

Invariant: every path in a step's plan leads to a place of that step, or to its part of ``prodsys``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.communities.ctao.types.vocabulary import WRITTEN_AS
from dirac_prodsys.core.problems import Path

#: start of a step's path in the plan → in the file
_OF_STEPS: Mapping[Path, Path] = {
    ("input", "from"): ("input_meta_query", "parentID"),
    ("input", "where"): ("input_meta_query",),
    ("input",): ("input_meta_query",),
    ("job",): ("job_config",),
    ("group_size",): ("job_config", "group_size"),
    ("type",): ("job_config", "type"),
}

#: parts of a step that only ``prodsys`` can hold
_EXTRA = frozenset({"description", "tasks", "start", "dataset", "policy"})


def written(path: Path, steps: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> Path:
    """Return the path in the file.

    :param steps: ``ProdSteps``.
    :param names: ID → name of the step.
    """
    if path[:1] == ("common",):
        return ("Common", *path[1:])
    if path[:1] == ("production",):
        return ("prodsys", *path[1:])
    ids = {name: number for number, name in names.items()}
    if path[:1] != ("steps",) or len(path) < 2 or path[1] not in ids:
        return path
    number = ids[str(path[1])]
    index = next(
        i for i, step in enumerate(steps) if isinstance(step, Mapping) and step.get("ID") == number
    )
    rest = path[2:]
    for begin, there in _OF_STEPS.items():
        if rest[: len(begin)] == begin:
            query = steps[index].get("input_meta_query") or {}
            return ("ProdSteps", index, *there, *(_word(p, query) for p in rest[len(begin) :]))
    if rest and rest[0] in _EXTRA:
        return ("prodsys", "steps", str(number), *rest)
    return ("ProdSteps", index, *rest)


def _word(part: str | int, query: Mapping[str, Any]) -> str | int:
    word = WRITTEN_AS.get(str(part), "")
    return word if word in query and part not in query else part
