"""Which state stands when two set one transformation at the same time: a table.

DIRAC sets any state over any other and compares nothing. Whoever has read a state and sets the next
may have set it over what somebody else has set in between. DIRAC's log of states tells afterwards.

Invariant: what asks for more stands: removal over an end, an end over a stop, a stop over work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION
from dirac_prodsys.core.grid.status import TransformationStatus as S

#: the higher one stands; equal ones follow each other as they come (an agent ends a flush with
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
    """Whether the one stands when the other was set without regard to it."""
    return RANK[S(one)] > RANK[S(other)]


def since(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """The states that were set between two looks at the log, in the order of the second.

    They are counted, and not cut off: the log has no order within one second.
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
    """The state that a transformation should be in, after somebody has set ``wrote``.

    Whoever sets a state after us has seen ours, or looks at the log as we do: only what wins over
    what we wrote was overwritten by us.

    :param now: the state in which it is.
    :param new: all that it was set to since ``wrote`` was decided on, by whomever.
    """
    first = max([wrote, *new], key=lambda state: RANK[S(state)])
    return first if wins(first, wrote) and wins(first, now) else now


def overwritten(wrote: str, new: Sequence[str]) -> str:
    """The state over which ``wrote`` was set though it wins; empty: there is none.

    Only what stands before the first ``wrote`` was overwritten by it: what follows has been seen.
    """
    before = list(new[: new.index(wrote)]) if wrote in new else []
    first = max(before, key=lambda state: RANK[S(state)], default=wrote)
    return first if wins(first, wrote) else ""


def to_mend(wrote: str, now: str, new: Sequence[str]) -> str:
    """The end, or the removal, that an attempt overwrote and died; empty: there is none.

    A stop before ``wrote`` may have been ended by a person since the attempt: it is left alone.
    """
    lost = overwritten(wrote, new)
    return lost if lost and wins(lost, S.COMPLETING) and wins(lost, now) else ""
