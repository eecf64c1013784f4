"""Numbers outputs that nothing else separates from others: ``prodsys_gather: 3``.

Outputs that the same steps gather have the same number, so that a gather of a thousand branches
needs one value in its query. If several steps gather the same outputs in several ways, each asks
for a list of numbers, or for a range: the outputs of the largest gathers are numbered first.

Invariant: a number stands for exactly the set of steps that gather an output, independent of names;
the same production gives the same numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from dirac_prodsys.core.steps.gathering import FIELD
from dirac_prodsys.core.steps.outputs import Output, above


def numbered(
    outputs: Mapping[str, Output], gathered: Mapping[str, Collection[str]]
) -> dict[str, Output]:
    """Return the outputs, with a number where a step gathers them by number.

    :param gathered: step that gathers → steps whose outputs it takes.
    """
    order = sorted(gathered, key=lambda step: -len(gathered[step]))  # ties: as given
    gatherers: dict[str, list[int]] = {}
    for number, step in enumerate(order):
        for made in gathered[step]:
            gatherers.setdefault(made, []).append(number)
    ways = sorted({tuple(some) for some in gatherers.values()})
    numbers = {way: number for number, way in enumerate(ways, 1)}
    return {
        name: replace(output, added={FIELD: numbers[tuple(gatherers[name])]})
        if name in gatherers
        else output
        for name, output in outputs.items()
    }


def to_be_numbered(outputs: Mapping[str, Output]) -> frozenset[str]:
    """Return the steps whose output directory can get one more field.

    The file catalogue refuses a field on a directory if a directory above has it, steps that share
    a directory share its metadata, and a production that uses the field itself means something by
    it.
    """
    if any(FIELD in (*one.metadata, *one.files.fields) for one in outputs.values()):
        return frozenset()
    count = Counter(one.directory for one in outputs.values())
    holding = {place for one in outputs.values() for place in above(one.directory)}
    return frozenset(
        name
        for name, one in outputs.items()
        if count[one.directory] == 1
        and one.directory not in holding
        and count.keys().isdisjoint(above(one.directory))
    )
