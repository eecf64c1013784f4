"""Finds what opens the gates of a production in a rehearsal, if nothing else makes it.

Invariant: what a step of the production makes itself is not made for it; but a number that its real
program would write must be given to the stand-in, which cannot compute it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.gates.condition import NumberComparison, NumberCondition, read_condition
from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.plan.values import ProductionPlan

#: maximum number of combinations of numbers that are tried
_MOST = 100_000


@dataclass(frozen=True)
class Openers:
    """What must exist.

    :param files: LFN → the numbers in it; empty: any content will do.
    :param written: name of a file that a job of the production writes → the numbers in it.
    :param datasets: names of datasets.
    :param productions: other productions and the step with the dataset that is waited for.
    :param closed: gates that nothing opens, in words.
    """

    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    written: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    datasets: tuple[str, ...] = ()
    productions: tuple[tuple[str, str], ...] = ()
    closed: tuple[str, ...] = ()


def openers(plan: ProductionPlan) -> Openers:
    """Return what opens all gates of a plan."""
    gates = [gate for step in plan.steps for gate in step.gates]
    paths = tuple(f"{d.path}/" for step in plan.steps for d in step.transformation.directories)
    own = {step.dataset.name for step in plan.steps if step.dataset is not None}
    files: dict[str, Mapping[str, Any]] = {
        gate.name: {} for gate in gates if gate.kind == "file" and not gate.name.startswith(paths)
    }
    written: dict[str, Mapping[str, Any]] = {}
    closed = []
    for lfn, conditions in _conditions(gates).items():
        numbers = numbers_for(conditions)
        if numbers is None:
            closed.append(f"no numbers open all gates on {lfn}")
        elif paths and lfn.startswith(paths):
            written[lfn.rsplit("/", 1)[-1]] = numbers
        else:
            files[lfn] = numbers
    datasets = (gate.name for gate in gates if gate.kind == "dataset" and gate.name not in own)
    others = ((gate.name, gate.step) for gate in gates if gate.kind == "production")
    return Openers(
        files=files,
        written=written,
        datasets=tuple(dict.fromkeys(datasets)),
        productions=tuple(dict.fromkeys(others)),
        closed=tuple(closed),
    )


def numbers_for(conditions: Sequence[NumberCondition]) -> dict[str, Any] | None:
    """Return numbers, nested by their names, that meet all conditions; None if none are found."""
    constants: dict[str, list[float]] = {}
    for comparison in (c for condition in conditions for c in _comparisons(condition)):
        constants.setdefault(comparison.name, []).append(comparison.number)
    tried = itertools.product(*(_near(numbers) for numbers in constants.values()))
    for values in itertools.islice(tried, _MOST):
        found = dict(zip(constants, values, strict=True))
        if all(condition.holds(found) for condition in conditions):
            return _nested(found)
    return None


def _conditions(gates: Sequence[Gate]) -> dict[str, list[NumberCondition]]:
    found: dict[str, list[NumberCondition]] = {}
    for gate in gates:
        if gate.kind == "value":
            found.setdefault(gate.name, []).append(read_condition(gate.when))
    return found


def _comparisons(condition: NumberCondition) -> list[NumberComparison]:
    if isinstance(condition, NumberComparison):
        return [condition]
    return [comparison for part in condition.parts for comparison in _comparisons(part)]


def _near(constants: Sequence[float]) -> list[float]:
    """Return the constants, numbers between two of them, and numbers beyond them."""
    ordered = sorted(set(constants))
    between = [(a + b) / 2 for a, b in itertools.pairwise(ordered)]
    return [*ordered, *between, ordered[-1] + 1, ordered[0] - 1]


def _nested(values: Mapping[str, float]) -> dict[str, Any]:
    """Nest values by their names: ``test.auc`` → ``{"test": {"auc": …}}``."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")
        place = found
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return found
