"""Decides which groups of files in the catalogue begin a run: those that no run was begun for.

A group is the files that have the same values of some metadata fields: those of one observation.

Invariant: pure. A group is due once its number of files has stayed the same for long enough; what
was taken is remembered by whoever asks, by :attr:`FileGroup.key`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.grid.specs import MetaValue

#: hex digits of a key, and those of its shelf: 256 shelves keep a million keys in small values
_DIGITS, _SHELF = 16, 2


@dataclass(frozen=True)
class FileGroup:
    """Files with the same values of some fields.

    :param values: field → value.
    :param files: their number.
    """

    values: Mapping[str, MetaValue]
    files: int

    @property
    def key(self) -> str:
        """Return what stands for the values where they are remembered."""
        text = json.dumps(dict(self.values), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

    @property
    def words(self) -> str:
        """Return the values in words."""
        return ", ".join(f"{field} = {value}" for field, value in self.values.items())


@dataclass(frozen=True)
class Unchanged:
    """How long a group has had the same number of files.

    :param since: seconds of the clock of whoever asks.
    """

    files: int
    since: float


def shelf_of(key: str) -> str:
    """Return the name of the shelf that remembers a key."""
    return f"taken_{key[:_SHELF]}"


def groups_of(
    fields: Iterable[str], counted: Mapping[tuple[MetaValue, ...], int]
) -> list[FileGroup]:
    """Return the groups in a fixed order.

    :param counted: values of the fields → number of files.
    """
    named = tuple(fields)
    found = [FileGroup(dict(zip(named, values, strict=True)), n) for values, n in counted.items()]
    return sorted(found, key=lambda group: [_sortable(v) for v in group.values.values()])


def due(
    groups: Iterable[FileGroup],
    taken: Collection[str],
    before: Mapping[str, Unchanged],
    now: float,
    unchanged_for: float,
) -> tuple[list[FileGroup], dict[str, Unchanged]]:
    """Return the groups that begin a run now, and how long each other new one has been the same.

    :param taken: keys of groups that runs were begun for.
    :param before: what the last look returned; empty at first.
    :param unchanged_for: seconds for which a group must have been the same.
    """
    ready: list[FileGroup] = []
    left: dict[str, Unchanged] = {}
    for group in groups:
        if group.key in taken:
            continue
        was = before.get(group.key)
        same = was is not None and was.files == group.files
        state = was if was is not None and same else Unchanged(group.files, now)
        if now - state.since >= unchanged_for:
            ready.append(group)
        else:
            left[group.key] = state
    return ready, left


def payload_of(group: FileGroup, production: str) -> dict[str, Any]:
    """Return the facts of the event that begins a run for a group."""
    return {"each": dict(group.values), "files": group.files, "production": production}


def _sortable(value: MetaValue) -> tuple[bool, Any]:
    return (True, value) if isinstance(value, str) else (False, value)
