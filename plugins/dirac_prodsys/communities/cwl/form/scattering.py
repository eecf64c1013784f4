"""Makes the rows of values over which a step is scattered: one row is what one of its jobs gets.

Invariant: the rows are known when the production is drawn, and there is a bound to them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.communities.cwl.document.process import CwlStep
from dirac_prodsys.communities.cwl.form.links import refuse
from dirac_prodsys.communities.cwl.form.values import Known, Value
from dirac_prodsys.core.language.located import Mistakes

#: values of a step that is scattered: more of them are another production
MOST_VALUES = 10_000


def rows_of(
    words: str,
    step: CwlStep,
    over: Sequence[str],
    values: Mapping[str, Value],
    mistakes: Mistakes,
) -> list[tuple[Any, ...]]:
    """Return a row for each job, with a value for each of the inputs ``over``.

    :raises Refused: the values are not known, do not fit together, or are too many.
    """
    lists = [_list(words, step, key, values, mistakes) for key in over]
    scatter = step.where.value["scatter"]
    if step.method == "flat_crossproduct":
        if math.prod(map(len, lists)) <= MOST_VALUES:
            return list(itertools.product(*lists))
    else:
        if len({len(some) for some in lists}) > 1:
            sizes = " and ".join(str(len(some)) for some in lists)
            reason = f"{words} pairs lists of {sizes} values"
            raise refuse(mistakes, scatter, reason, "give them the same length")
        if len(lists[0]) <= MOST_VALUES:
            return list(zip(*lists, strict=True))
    reason = f"{words} has more than {MOST_VALUES:,} values"
    raise refuse(mistakes, scatter, reason, "split it up")


def _list(
    words: str, step: CwlStep, key: str, values: Mapping[str, Value], mistakes: Mistakes
) -> list[Any]:
    value = values[key]
    if isinstance(value, Known) and isinstance(value.value, list) and value.value:
        return value.value
    reason = f"{words} scatters over {key!r}, which is no list of known values"
    raise refuse(mistakes, step.links[key].where, reason, "give it under cwl: {inputs: …}")
