"""Defines what flows along a link of a workflow when it becomes a production.

Invariant: a value is known when the production is drawn, or it is asked of each run, or it is files
that the catalogue holds then: nothing else goes from one job to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.language.located import Located


@dataclass(frozen=True)
class Known:
    """A value that is known now; None: a step that does not run, or an input left out."""

    value: Any
    where: Located


@dataclass(frozen=True)
class Asked:
    """A value that each run may choose.

    :param parameter: its name.
    """

    parameter: str
    where: Located


@dataclass(frozen=True)
class Made:
    """Files that steps make.

    :param by: steps and their outputs.
    :param depth: 0: one file; 1: a list of files.
    """

    by: tuple[tuple[str, str], ...]
    depth: int
    where: Located


@dataclass(frozen=True)
class Listed:
    """Files of the catalogue.

    :param input: ``input:`` of a step.
    :param lfns: the files, if they are named: ``LFN:/…``.
    """

    input: Mapping[str, Any]
    depth: int
    where: Located
    lfns: tuple[str, ...] = ()

    @property
    def for_each(self) -> str | list[str]:
        """Return the files as the input of every job."""
        return list(self.lfns) if self.depth else self.lfns[0]


@dataclass(frozen=True)
class Lost:
    """What a step would make that cannot be mapped: who takes it is not looked at."""

    where: Located


Value = Known | Asked | Made | Listed | Lost


def placed(where: Located, data: Any) -> Located:
    """Return data as a tree; values stand at this place, except those that have one."""
    if isinstance(data, Located):
        return data
    if isinstance(data, Mapping):
        return where.scalar({key: placed(where, value) for key, value in data.items()})
    if isinstance(data, list | tuple):
        return where.scalar(tuple(placed(where, value) for value in data))
    return where.scalar(data)
