"""Decides which state wins if two are set on one transformation at the same time: a table.

DIRAC sets any state over any other without comparing them. A caller that has read a state and sets
the next may overwrite a state set in between. DIRAC's log of states shows it afterwards.

Invariant: the stronger request wins: removal over an end, an end over a stop, a stop over work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION
from dirac_prodsys.core.grid.status import TransformationStatus as S

#: the higher one wins; equal ones follow each other as they come (an agent ends a flush with
#: Active, Cleaning becomes Cleaned, and data management that was cleaned is Archived)
RANK: Mapping[S, int] = {
    S.NEW: 0,
    S.IDLE: 0,
    S.ACTIVE: 0,
    S.FLUSH: 0,
    S.STOPPED: 1,
    S.VALIDATING_INPUT: 1,
    S.VALIDATING_OUTPUT: 1,
    S.VALIDATED_OUTPUT: 1,
    S.WAITING_INTEGRITY: 1,
    S.UNKNOWN: 1,
    S.COMPLETING: 2,
    S.COMPLETED: 3,
    S.ARCHIVED: 4,
    **dict.fromkeys(REMOVED_TRANSFORMATION, 4),
}


def wins(one: str, other: str) -> bool:
    """Whether the one wins if the other was set without regard to it."""
    return RANK[S(one)] > RANK[S(other)]


def since(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return the states that were set between two looks at the log, in the order of the second.

    They are counted instead of cut off: the log has no order within one second.
    """
    known = Counter(before)
    new = []
    for state in after:
        if known[state]:
            known[state] -= 1
        else:
            new.append(state)
    return tuple(new)


def that_stands(wrote: str, now: str, new: Sequence[str]) -> str:
    """Return the state that a transformation should be in, after ``wrote`` was set.

    Whoever sets a state after us has seen ours, or checks the log as we do: we have overwritten
    only states that win over ours.

    :param now: its present state.
    :param new: all states that it was set to by anybody since ``wrote`` was decided on.
    """
    first = max([wrote, *new], key=lambda state: RANK[S(state)])
    return first if wins(first, wrote) and wins(first, now) else now


def overwritten(wrote: str, new: Sequence[str]) -> str:
    """Return the state that ``wrote`` overwrote although it wins; empty: there is none.

    Only states before the first ``wrote`` were overwritten by it: whoever set a later one has seen
    it.
    """
    before = list(new[: new.index(wrote)]) if wrote in new else []
    first = max(before, key=lambda state: RANK[S(state)], default=wrote)
    return first if wins(first, wrote) else ""


def to_mend(wrote: str, now: str, new: Sequence[str]) -> str:
    """Return the end or removal that was overwritten by an attempt that then died; empty: none.

    A stop before ``wrote`` may have been ended by a person since the attempt: it is left alone.
    """
    lost = overwritten(wrote, new)
    return lost if lost and wins(lost, S.COMPLETING) and wins(lost, now) else ""
