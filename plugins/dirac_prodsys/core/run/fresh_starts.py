"""Finds which transformation of a step counts after a person had the step begun anew.

A run makes one transformation for a step, with its own name. If a person has cleaned it and clears
the step's ``start``, the next one is made, with the next name; all other tasks of the step use the
newest.

Invariant: nothing new is made until the newest has been removed: clearing a task adopts it.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION
from dirac_prodsys.errors import Conflict, DefinitionError

#: how often a step of one run may begin, fresh starts included
MAX_STARTS = 20


def starts(name: str) -> tuple[str, ...]:
    """Return all names that the transformations of a step may have, oldest first.

    :param name: name of the first one.
    """
    names = [name]
    for start in range(2, MAX_STARTS + 1):
        try:
            names.append(naming.fresh_name(name, start))
        except DefinitionError:
            break
    return tuple(names)


def newest(name: str, statuses: Mapping[str, str]) -> str | None:
    """Return the name of the step's newest transformation; None: it has none.

    :param statuses: name → status of those that exist.
    """
    return next((each for each in reversed(starts(name)) if each in statuses), None)


def to_create(name: str, statuses: Mapping[str, str]) -> str:
    """Return the name under which a transformation is created or adopted.

    :raises Conflict: the step has begun anew too often.
    """
    last = newest(name, statuses)
    if last is None:
        return name
    if statuses[last] not in REMOVED_TRANSFORMATION:
        return last
    names = starts(name)
    after = names.index(last) + 1
    if after == len(names):
        raise Conflict(
            f"{last} was removed, and the step cannot begin anew under another name",
            "start a new run of the production",
        )
    return names[after]
