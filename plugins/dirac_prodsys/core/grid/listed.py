"""Describes transformations and files as the grid lists them, for people to choose from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Listed:
    """A transformation in a list of many.

    :param group: TransformationGroup.
    :param author_group: DIRAC group of its author; ``vo``: that group's VO, or empty.
    :param events_per_task: 0: unknown.
    :param created: when, in UTC, as ``2026-11-29 10:00:00``; empty: unknown.
    """

    id: int
    name: str
    type: str
    plugin: str
    status: str
    group: str
    author_group: str = ""
    vo: str = ""
    events_per_task: int = 0
    created: str = ""


@dataclass(frozen=True)
class FileShare:
    """Some files of a transformation.

    :param staying: output files that cleaning does not find.
    """

    files: int
    bytes: int
    staying: int = 0
