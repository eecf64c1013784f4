"""The numbers that outputs get which nothing else tells from others: ``prodsys_gather: 3``.

Outputs that the same steps gather have the same number, so that one gather over a thousand branches
asks for one value. Where several steps gather the same outputs in several ways, each way is a list
of numbers, or all from one to another: the outputs of the largest gathers are numbered first.

Invariant: a number says who gathers an output, all of them and nobody else, whatever the names; the
same production gives the same numbers.
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
    """The outputs, numbered where somebody gathers them by number.

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
    """Steps to whose output directory a field can be added.

    The file catalogue refuses a field on a directory when one above has it, steps that share a
    directory share its metadata, and a production that has the field itself means something by it.
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
