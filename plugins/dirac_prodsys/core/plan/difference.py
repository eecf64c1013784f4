"""Compares two plans: steps that one of them lacks, and differences in steps that both have.

Invariant: equal plans have no differences, and every difference is given with both values. Plans of
two productions are compared under one name, or every name in them would differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from dirac_prodsys.core.plan.values import ProductionPlan


@dataclass(frozen=True)
class Difference:
    """One difference.

    :param step: name of the step; empty: the production itself.
    :param what: path of keys in the plan; empty: the whole step.
    :param left: value in the first plan, None if it has none; ``right``: in the second.
    """

    step: str
    what: str
    left: Any
    right: Any

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    def __str__(self) -> str:
        where = self.step or "production"
        if not self.what:
            return f"{'+' if self.left is None else '-'} {where}"
        return f"~ {where}: {self.what}: {_say(self.left)} → {_say(self.right)}"


def differences(left: ProductionPlan, right: ProductionPlan) -> tuple[Difference, ...]:
    """Return all differences, the production's own first, then step by step."""
    one, two = _content(left), _content(right)
    found = list(_differences("", "", one[""], two[""]))
    for name in dict.fromkeys((*one, *two)):
        if name and name not in two:
            found.append(Difference(name, "", "here", None))
        elif name and name not in one:
            found.append(Difference(name, "", None, "here"))
        elif name:
            found += _differences(name, "", one[name], two[name])
    return tuple(found)


def _content(plan: ProductionPlan) -> dict[str, Any]:
    """Return the steps by name, and the production itself under the empty name."""
    data = plan.to_dict()
    del data["digest"]
    steps = {step["name"]: step for step in data.pop("steps")}
    return {"": data, **steps}


def _differences(step: str, path: str, left: Any, right: Any) -> Iterator[Difference]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in dict.fromkeys((*left, *right)):
            below = f"{path}.{key}" if path else key
            yield from _differences(step, below, left.get(key), right.get(key))
    elif left != right:
        yield Difference(step, path, left, right)


def _say(value: Any) -> str:
    return "nothing" if value is None else str(value)
