"""One broken file per number."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from random import Random

from tests.fuzz.hostile import hostile
from tests.fuzz.mutations import IN_DATA, IN_TEXT, text_of
from tests.fuzz.seeds import DEEPEST, Seed, depth, seeds, seeds_of

#: kinds of damage: two in the text, three in the data
KINDS = len(IN_TEXT) + len(IN_DATA)
#: characters of a file; a mutation may double what an earlier one doubled
LONGEST = 200_000
#: one file of so many is not broken, but made to cost time
HOSTILE_EVERY = 20


@dataclass(frozen=True)
class Case:
    """A file to read.

    :param others: what lies in its folder, by name; now and then broken as well.
    """

    name: str
    text: bytes
    others: dict[str, str]


def case(seed: int, number: int, folder: str = "") -> Case:
    """The file of that number; ``folder``: made of the files there alone."""
    random = Random(f"{seed}:{number}")  # noqa: S311  to be repeated, not to be secret
    if number % HOSTILE_EVERY == HOSTILE_EVERY - 1:
        return Case("hostile.yaml", hostile(random), {})
    some = seeds() if not folder else seeds_of(folder)
    source = random.choice(some)
    others = source.others
    if random.random() < 0.1:
        other = random.choice(some)
        broken = _broken(random, other).decode("utf-8", "replace")
        others = dict.fromkeys(others, broken) | {source.name: others[source.name]}
    return Case(source.name, _broken(random, source), others)


def _broken(random: Random, source: Seed) -> bytes:
    kinds = sorted(random.randrange(KINDS) for _ in range(random.choice((1, 1, 1, 2, 3, 6))))
    in_data = [IN_DATA[kind - len(IN_TEXT)] for kind in kinds if kind >= len(IN_TEXT)]
    text = source.text
    if in_data and source.data is not None:
        data = copy.deepcopy(source.data)
        for change in in_data:
            change(random, data)
            if depth(data) > DEEPEST:
                break
        text = text_of(data)
    for kind in kinds:
        if kind < len(IN_TEXT):
            text = IN_TEXT[kind](random, text)
    return text[:LONGEST]
