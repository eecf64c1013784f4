"""Divides files into subsets, such as train and test: the same files always the same way.

Each file is placed by a hash of its name, or of a value of its metadata, so that files with one
value stay together. The place does not depend on other files: what is added later moves no file.

Invariant: pure; every file is in exactly one subset. Shares are integers, so that no sum of
fractions has to be 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dirac_prodsys.errors import DefinitionError

_SUBSET = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,39})=([1-9][0-9]{0,5})")


@dataclass(frozen=True)
class Subset:
    """One of the subsets.

    :param weight: its share is this by the sum of all weights.
    """

    name: str
    weight: int


def read_subsets(texts: Iterable[str]) -> tuple[Subset, ...]:
    """Read ``train=8 test=2``.

    :raises DefinitionError: a text is none, a name is there twice, or there is one subset only.
    """
    found: list[Subset] = []
    for text in texts:
        match = _SUBSET.fullmatch(text)
        if match is None:
            raise DefinitionError(
                f"{text!r} is no subset with its share",
                "write NAME=SHARE, the share an integer: train=8 test=2",
            )
        found.append(Subset(match[1], int(match[2])))
    if len({one.name for one in found}) < len(found):
        raise DefinitionError("two subsets have the same name", "give each a name of its own")
    if len(found) < 2:
        raise DefinitionError("one subset is no division", "name two at least: train=8 test=2")
    return tuple(found)


def divide(keys: Mapping[str, str], subsets: tuple[Subset, ...], salt: str = "") -> dict[str, str]:
    """Return the name of each file's subset.

    :param keys: file → what decides: its name, or a value of its metadata.
    :param salt: another text gives another division.
    """
    total = sum(one.weight for one in subsets)
    return {lfn: _at(subsets, _place(f"{salt}\0{key}", total)) for lfn, key in keys.items()}


def _place(text: str, total: int) -> int:
    """Return a number from 0 to below ``total`` that looks drawn by lot."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") * total >> 64


def _at(subsets: tuple[Subset, ...], place: int) -> str:
    for one in subsets:
        if place < one.weight:
            return one.name
        place -= one.weight
    raise AssertionError("a place is below the sum of all weights")
