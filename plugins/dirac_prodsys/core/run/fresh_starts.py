"""Which of a step's transformations counts, when a person has had it begun anew.

A run makes one transformation for a step, under a name of its own. When a person has cleaned it,
and clears the step's ``start``, the next one is made, under the next name; all others of the
step's tasks go by the newest.

Invariant: as long as the newest has not been removed, nothing new is made: clearing adopts.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION
from dirac_prodsys.errors import Conflict, DefinitionError

#: how often a step of one run may begin, fresh starts included
MAX_STARTS = 20


def starts(name: str) -> tuple[str, ...]:
    """All names that the transformations of a step may have, oldest first.

    :param name: the first one's.
    """
    names = [name]
    for start in range(2, MAX_STARTS + 1):
        try:
            names.append(naming.fresh_name(name, start))
        except DefinitionError:
            break
    return tuple(names)


def newest(name: str, statuses: Mapping[str, str]) -> str | None:
    """The name of the step's newest transformation; None: it has none.

    :param statuses: name → status of those that exist.
    """
    return next((each for each in reversed(starts(name)) if each in statuses), None)


def to_create(name: str, statuses: Mapping[str, str]) -> str:
    """The name under which a transformation is created or adopted.

    :raises Conflict: it has begun anew too often.
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
