"""Finds the outputs that a condition on one field excludes, as bits of a number, one per output.

A gather of a thousand branches asks this for every field; sets of that size would be built a
thousand times, while "and" of two numbers costs nothing.

Invariant: two values that the catalogue's database might treat as equal are equal here (text
without case and accents, numbers of 24 bits), so that an excluded output is also excluded on a
grid.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.stored_values import single
from dirac_prodsys.core.query.value import Value, compared, normal
from dirac_prodsys.core.steps.outputs import Outputs


class Masks:
    """The outputs of a production by the values of their fields.

    :param outputs: outputs of all steps.
    """

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._bits = {name: 1 << number for number, name in enumerate(outputs.of)}

    def of(self, steps: Iterable[str]) -> int:
        """Return the outputs of these steps, as bits."""
        found = 0
        for step in steps:
            found |= self._bits[step]
        return found

    @cached_property
    def all(self) -> int:
        """Return all outputs, as bits."""
        return (1 << len(self._bits)) - 1

    def matching(self, field: str, query: MetaQuery) -> int:
        """Return the outputs that may have files with a value that the query accepts, as bits."""
        having = self._having.get(field, {})
        found = 0
        listed = query.listed.get(field)
        if listed is not None:
            for key in {alike(value) for value in listed}:
                found |= having[key][1] if key in having else 0
            return found
        for value, bits in having.values():
            if query.matches({field: value}):
                found |= bits
        return found | (self.silent(field) if query.matches({}) else 0)

    def silent(self, field: str) -> int:
        """Return the outputs that do not declare that field, as bits."""
        return self.all & ~self._declaring.get(field, 0)

    @cached_property
    def _having(self) -> dict[str, dict[Value, tuple[Value, int]]]:
        """Map each field to its values, each with one spelling and the outputs that have it."""
        found: dict[str, dict[Value, tuple[Value, int]]] = {}
        for name, output in self._outputs.of.items():
            carried = {f: {normal(v)} for f, v in self._outputs.metadata_of(output).items()}
            for field, values in {**carried, **output.files.listed}.items():
                having = found.setdefault(field, {})
                for value in values:
                    key = alike(value)
                    first, bits = having.get(key, (value, 0))
                    having[key] = first, bits | self._bits[name]
        return found

    @cached_property
    def _declaring(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for field, having in self._having.items():
            for _, bits in having.values():
                found[field] = found.get(field, 0) | bits
        return found


def alike(value: Value) -> Value:
    """Return one value for all that the catalogue's database might treat as the same."""
    if isinstance(value, float):
        kept = single(value)
        return value if kept is None else kept
    return compared(value)
