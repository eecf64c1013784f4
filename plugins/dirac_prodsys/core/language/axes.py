"""Reads the axes of a matrix, and the combinations that ``include`` and ``exclude`` leave.

Invariant: combinations are in the order of the values as written, the last axis running fastest;
what ``include`` adds comes at the end. An entry that changes nothing is a mistake.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.core.models import spelled
from dirac_prodsys.core.problems import nearest
from dirac_prodsys.core.production.parameters import Scalar, check_name
from dirac_prodsys.errors import DefinitionError

#: maximum number of combinations of a matrix
MAX_COMBINATIONS = 1000
#: maximum number of values that ``include`` may add to all combinations together
MAX_ADDED = 50_000

Combination = Mapping[str, Scalar]

_WORDS = ("include", "exclude")


@dataclass(frozen=True)
class Axes:
    """A matrix that was read.

    :param names: names of the axes, as written.
    :param combinations: values of all axes, and what ``include`` adds.
    """

    names: tuple[str, ...]
    combinations: tuple[Combination, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """Return the names that have a value in at least one combination."""
        return frozenset(word for combination in self.combinations for word in combination)


def read_axes(matrix: Located, mistakes: Mistakes) -> Axes | None:
    """Read the axes and combinations; None, with mistakes noted, if the matrix is wrong."""
    before = len(mistakes.found)
    if not isinstance(matrix.value, dict):
        mistakes.add(
            matrix,
            "should be a mapping",
            "write matrix: {particle: [gamma, proton]}",
            code="matrix",
        )
        return None
    values = {
        name: _axis(name, entry, mistakes) for name, entry in matrix.items() if name not in _WORDS
    }
    if not values:
        mistakes.add(
            matrix,
            "the matrix has no axis",
            "write matrix: {particle: [gamma, proton]}",
            code="matrix",
        )
    if len(mistakes.found) > before:
        return None
    if math.prod(len(axis) for axis in values.values()) > MAX_COMBINATIONS:
        hint = "use fewer values, or several productions"
        mistakes.add(
            matrix, f"there are more than {MAX_COMBINATIONS:,} combinations", hint, code="matrix"
        )
        return None
    names = tuple(values)
    found = [dict(zip(names, v, strict=True)) for v in itertools.product(*values.values())]
    found = _without(found, values, matrix.get("exclude"), mistakes)
    _add(found, values, matrix.get("include"), mistakes)
    if len(found) > MAX_COMBINATIONS:
        hint = "use fewer values, or several productions"
        mistakes.add(
            matrix, f"there are more than {MAX_COMBINATIONS:,} combinations", hint, code="matrix"
        )
    if not found and len(mistakes.found) == before:
        mistakes.add(matrix, "nothing is left of the matrix", "exclude less", code="matrix")
    return None if len(mistakes.found) > before else Axes(names, tuple(found))


def some_values(matrix: Located) -> dict[str, Scalar]:
    """Return one value for each axis of a wrong matrix, as far as there is one."""
    found: dict[str, Scalar] = {}
    for name, entry in matrix.items() if isinstance(matrix.value, dict) else ():
        listed = entry.value if isinstance(entry.value, tuple) else (entry,)
        for one in listed:
            if name in _WORDS and isinstance(one.value, dict):
                found |= {k: v.value for k, v in one.items() if k not in found}
            elif name not in _WORDS and name not in found:
                found[name] = one.value
    return {k: v for k, v in found.items() if isinstance(v, str | int | float)}


def _axis(name: str, entry: Located, mistakes: Mistakes) -> tuple[Scalar, ...]:
    try:
        check_name(name)
    except DefinitionError as error:
        mistakes.add(entry, error.reason, error.hint, on_key=True, code="matrix")
    if not isinstance(entry.value, tuple) or not entry.value:
        mistakes.add(
            entry, f"axis {name} should be a list of values", "write [a, b]", code="matrix"
        )
        return ()
    values: dict[Scalar, None] = {}
    for value in entry.value:
        if _is_value(value, mistakes):
            if value.value in values:
                mistakes.add(
                    value, f"{spelled(value.value)} is written twice", "keep one", code="matrix"
                )
            values[value.value] = None
    return tuple(values)


def _is_value(entry: Located, mistakes: Mistakes) -> bool:
    value: Any = entry.value
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    if plain and any(char.isalnum() for char in str(value)) and "${{" not in str(value):
        return True
    mistakes.add(
        entry, f"{spelled(value)} cannot name a branch", "write a word or a number", code="matrix"
    )
    return False


def _entries(listed: Located | None, word: str, mistakes: Mistakes) -> list[Located]:
    if listed is None:
        return []
    if not isinstance(listed.value, tuple):
        mistakes.add(
            listed, f"{word} should be a list", f"write {word}: [{{axis: value}}]", code="matrix"
        )
        return []
    found = []
    for entry in listed.value:
        if isinstance(entry.value, dict) and entry.value:
            scalars = [isinstance(v.value, str | int | float) for _, v in entry.items()]
            if all(scalars):
                found.append(entry)
                continue
        mistakes.add(
            entry, "should be a mapping of single values", "write {axis: value}", code="matrix"
        )
    return found


def _without(
    found: list[dict[str, Scalar]],
    values: Mapping[str, tuple[Scalar, ...]],
    listed: Located | None,
    mistakes: Mistakes,
) -> list[dict[str, Scalar]]:
    written = {key: tuple(str(v) for v in axis) for key, axis in values.items()}
    known = {key: frozenset(axis) for key, axis in values.items()}
    left = _Having(found)
    for entry in _entries(listed, "exclude", mistakes):
        before = len(mistakes.found)
        for key, value in entry.items():
            if key not in values:
                mistakes.add(
                    value,
                    f"the matrix has no axis {key!r}",
                    nearest(key, values),
                    on_key=True,
                    code="matrix",
                )
            elif _is_of_other_kind(key, value, values, mistakes):
                continue
            elif value.value not in known[key]:
                hint = nearest(str(value.value), written[key])
                mistakes.add(
                    value, f"axis {key} has no value {spelled(value.value)}", hint, code="matrix"
                )
        wanted = entry.plain()
        meant = left.of(wanted)
        if not meant and len(mistakes.found) == before:
            mistakes.add(entry, "this excludes nothing that is left", "drop it", code="matrix")
        left.drop(meant)
    return [combination for place, combination in enumerate(found) if left.has(place)]


def _is_of_other_kind(
    axis: str, value: Located, values: Mapping[str, tuple[Scalar, ...]], mistakes: Mistakes
) -> bool:
    """Whether an axis has the value as a number and it is text here, or the other way round."""
    found = value.value
    twin = next((v for v in values[axis] if str(v) == str(found) and v != found), None)
    if twin is None or found in values[axis]:
        return False
    number, text = (twin, found) if isinstance(found, str) else (found, twin)
    mistakes.add(
        value,
        f"axis {axis} has {_kind(twin)}, and here stands {_kind(found)}",
        f"write {number} without quotes" if isinstance(found, str) else f'write "{text}" in quotes',
        code="matrix",
    )
    return True


def _kind(value: Scalar) -> str:
    return f"the text {value!r}" if isinstance(value, str) else f"the number {value}"


def _add(
    found: list[dict[str, Scalar]],
    values: Mapping[str, tuple[Scalar, ...]],
    listed: Located | None,
    mistakes: Mistakes,
) -> None:
    names = tuple(values)
    having = _Having(found)
    added = 0
    for entry in _entries(listed, "include", mistakes):
        before = len(mistakes.found)
        for key, value in entry.items():
            if key in values:
                _is_of_other_kind(key, value, values, mistakes)
        if len(mistakes.found) > before:
            continue
        wanted = entry.plain()
        on_axes = {key: value for key, value in wanted.items() if key in names}
        more = {key: value for key, value in wanted.items() if key not in names}
        places = having.of(on_axes)
        meant = [found[place] for place in having.places(places)]
        if meant and more:
            added += len(meant) * len(more)
            if added > MAX_ADDED:
                mistakes.add(
                    entry,
                    f"include adds more than {MAX_ADDED:,} values to the branches",
                    "add fewer, or say them in the steps",
                    code="matrix",
                )
                return
            for combination in meant:
                combination.update(more)
        elif meant:
            mistakes.add(
                entry,
                "this combination is there already",
                "add a value to it, or drop it",
                code="matrix",
            )
        elif on_axes.keys() == set(names):
            found.append({**{name: on_axes[name] for name in names}, **more})
            having.add(found[-1])
        else:
            missing = ", ".join(name for name in names if name not in on_axes)
            mistakes.add(
                entry,
                f"no branch has these values, and {missing} is missing",
                "add it",
                code="matrix",
            )


class _Having:
    """Finds the combinations with a value: each is one bit, so all are checked at once."""

    def __init__(self, combinations: Iterable[Combination]) -> None:
        self._bits: dict[tuple[str, Scalar], int] = {}
        self._left = 0
        self._next = 1
        for combination in combinations:
            self.add(combination)

    def add(self, combination: Combination) -> None:
        """Add a combination at the end."""
        for pair in combination.items():
            self._bits[pair] = self._bits.get(pair, 0) | self._next
        self._left |= self._next
        self._next <<= 1

    def of(self, wanted: Combination) -> int:
        """Return the remaining combinations that have all these values, as bits."""
        found = self._left
        for pair in wanted.items():
            found &= self._bits.get(pair, 0)
        return found

    def drop(self, those: int) -> None:
        """Remove these combinations."""
        self._left &= ~those

    def has(self, place: int) -> bool:
        """Whether the combination at that place remains."""
        return bool(self._left >> place & 1)

    @staticmethod
    def places(those: int) -> list[int]:
        """Return their places, from 0."""
        return [place for place, bit in enumerate(reversed(f"{those:b}")) if bit == "1"]
