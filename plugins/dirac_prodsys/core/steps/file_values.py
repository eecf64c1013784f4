"""Decides which file gets which of the values that a step declares for its files.

A field with as many values as a task leaves files gives the first value to the first file, and so
on. Values of all other fields are dealt out in turn, task by task, in every combination.

Invariant: only the task's number decides: a task that runs again gives its files the same values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dirac_prodsys.core.grid.specs import MetaValue

#: metadata of one file for the first task, the second, …; then from the first again
Turns = tuple[dict[str, MetaValue], ...]


@dataclass(frozen=True)
class StandIn:
    """What a rehearsal leaves in a directory if a job would register the files itself.

    :param below: path of the folder in the directory, with its leading slash; empty: the directory
        itself.
    :param ending: ending of the file names.
    :param carries: one file for each combination of values that files carry; else one file.
    """

    below: str = ""
    ending: str = "data"
    carries: bool = True


#: maximum turns of one file: a body that lists more would be longer than what its job does
MAX_TURNS = 1000


def turns(metadata: Mapping[str, MetaValue | Sequence[MetaValue]], files: int) -> list[Turns]:
    """Return the metadata of each file of a task in turn; no turns for a file without metadata.

    :param metadata: field → its value, or several values of which each file has one.
    :param files: number of files that each task leaves.
    :raises ValueError: there are more than :data:`MAX_TURNS` combinations.
    """
    values = {name: _listed(value) for name, value in metadata.items()}
    placed = {name for name, some in values.items() if len(some) == files > 1}
    dealt = {name: some for name, some in values.items() if name not in placed}
    rounds = math.prod(len(some) for some in dealt.values())
    if rounds > MAX_TURNS:
        raise ValueError(f"{rounds:,} combinations of values are more than {MAX_TURNS:,}")
    if not values:
        return [()] * files
    return [
        tuple(
            {name: values[name][index] for name in values if name in placed}
            | _combination(dealt, task if placed else task * files + index)
            for task in range(rounds)
        )
        for index in range(files)
    ]


def _combination(values: Mapping[str, Sequence[MetaValue]], number: int) -> dict[str, MetaValue]:
    """Pick one value of each field: the first field turns fastest."""
    found = {}
    for name, some in values.items():
        number, index = divmod(number, len(some))
        found[name] = some[index]
    return found


def _listed(value: MetaValue | Sequence[MetaValue]) -> Sequence[MetaValue]:
    return (value,) if isinstance(value, str | int | float) else value
