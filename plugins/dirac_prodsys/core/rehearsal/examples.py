"""Makes example metadata of files that a query finds, as input if a grid has no such files yet.

Invariant: every example matches the query; and if a field may have one of several values, every
value has an example, as far as the number of examples allows.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from typing import Any

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.value import Value, normal, order_key
from dirac_prodsys.errors import MetaQueryError

#: maximum number of combinations of listed values that are looked at
_MOST = 1000


def examples_of(query: MetaQuery) -> list[dict[str, Value]]:
    """Return metadata of files that the query selects: every combination of its listed values.

    Conditions on properties of the file itself (its size, its name) are left out.

    :raises ValueError: none was found.
    """
    fields = [name for name in query.fields if name not in STANDARD_FIELDS]
    asked = query.only(*fields)
    listed = {name: sorted(some, key=order_key) for name, some in asked.listed.items()}
    other = {name: _some(asked.only(name)) for name in fields if name not in listed}
    found = []
    for values in itertools.islice(itertools.product(*listed.values()), _MOST):
        chosen: dict[str, Value | None] = {**other, **dict(zip(listed, values, strict=True))}
        found.append({name: value for name, value in chosen.items() if value is not None})
    return found


def _some(condition: MetaQuery) -> Value | None:
    """Return a value that matches the condition on one field; None if it must be missing."""
    (name,) = condition.fields
    if condition.matches({name: None}):
        return None
    for value in _candidates(condition.to_dirac()[name]):
        with contextlib.suppress(MetaQueryError):  # it is no value that a catalogue would hold
            if condition.matches({name: value}):
                return normal(value)
    raise ValueError(f"no example fulfils {condition}")


def _candidates(form: Any) -> Iterator[Value]:
    """Yield values near the bounds of a range, the simplest first."""
    operands = list(form.values()) if isinstance(form, dict) else []
    flat = [v for o in operands for v in (o if isinstance(o, list) else [o])]
    texts = [v for v in flat if isinstance(v, str)]
    numbers = [v for v in flat if not isinstance(v, str)]
    if texts or not numbers:
        yield from ("example", *texts)
        for text in texts:
            yield from (f"{text}0", f"{text}~", text[:-1])
        yield from ("0", "A", "~", "!")
    steps = [d * s for d in (1, 0.5, 0.001, 1e-6) for s in (1, -1)]
    for number in numbers:
        yield number
        yield from (math.floor(number) + 1, math.ceil(number) - 1)
        yield from (round(number + step, 6) for step in steps)
    if len(numbers) > 1:
        low, high = min(numbers), max(numbers)
        yield from (low + (high - low) * part / 16 for part in range(1, 16))
    excluded = len(flat)
    yield from (f"example{n}" for n in range(excluded + 1))
    yield from range(excluded + 2)
