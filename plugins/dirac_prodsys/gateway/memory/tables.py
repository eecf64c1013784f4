"""Holds the tables of the in-memory Transformation System, and stores meta queries with losses.

Nothing here knows the services and agents that read and write the tables.

Invariant: a query is stored and read back with DIRAC's losses (``TransformationDB.__addMetaQuery``
and ``getTransformationMetaQuery``, 9.1.22), so that code that overlooks them fails here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.grid.status import FileStatus, TaskStatus
from dirac_prodsys.gateway.memory.answers import ServiceError
from dirac_prodsys.gateway.memory.catalogue import MemoryCatalogue

#: characters that ``SaferEval.py`` reads
_EVAL_WIDTH = 2048


@dataclass
class AttachedFile:
    """A row of ``TransformationFiles``.

    :param updated: LastUpdate, clock time; ``inserted``: InsertedTime.
    """

    status: str = FileStatus.UNUSED
    task: int = 0
    errors: int = 0
    updated: float = 0.0
    inserted: float = 0.0


@dataclass
class Task:
    """A row of ``TransformationTasks``, and the job behind it.

    :param updated: LastUpdateTime, clock time; ``created``: CreationTime.
    :param ends: clock time at which the job ends; None: not submitted.
    :param good: whether the job ended well; None: it has not ended.
    :param minor: MinorStatus of the job; likewise ``application`` and ``site``. The function
        ``fails`` may set them.
    """

    id: int
    transformation: int
    lfns: list[str]
    status: str = TaskStatus.CREATED
    updated: float = 0.0
    created: float = 0.0
    ends: float | None = None
    good: bool | None = None
    minor: str = ""
    application: str = ""
    site: str = "LCG.Memory.org"

    @property
    def job(self) -> int:
        """Return the ID of its job."""
        return self.transformation * 1_000_000 + self.id


@dataclass
class Transformation:
    """A row of ``Transformations``, with its parameters, queries, files and tasks."""

    row: dict[str, Any]
    queries: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    files: dict[str, AttachedFile] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Return its status word."""
        return str(self.row["Status"])

    def stored_query(self, kind: str) -> dict[str, Any]:
        """Return a meta query as the service reads it back; empty if there is none."""
        return {
            name: _read_value(value, type_)
            for name, (value, type_) in self.queries.get(kind, {}).items()
        }


@dataclass
class ProductionRow:
    """A row of ``Productions`` and its members."""

    row: dict[str, Any]
    members: list[int] = field(default_factory=list)
    #: pairs of member and parent; -1: no parent
    links: list[tuple[int, int]] = field(default_factory=list)


class Tables:
    """The databases of one grid, its clock, and the caller."""

    def __init__(self) -> None:
        self.now = 0.0
        self.catalogue = MemoryCatalogue()
        self.transformations: dict[int, Transformation] = {}
        self.file_ids: dict[str, int] = {}
        self.productions: dict[int, ProductionRow] = {}
        #: pairs of transformation ID and event
        self.log: list[tuple[int, str]] = []
        #: author and time of each event
        self.log_marks: list[tuple[str, float]] = []
        #: DIRAC's name of the caller
        self.author = "memory"
        #: DIRAC group of the caller
        self.caller = ""


def fitting(rows: Iterable[dict[str, Any]], where: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that fulfil a condition of ``MySQL.buildCondition``.

    Text is compared without regard to case.
    """

    def plain(value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    wanted = {
        name: {plain(value) for value in (values if isinstance(values, list) else [values])}
        for name, values in where.items()
    }
    return [row for row in rows if all(plain(row[name]) in wanted[name] for name in wanted)]


def between(
    rows: Iterable[dict[str, Any]], column: Any, older: Any, newer: Any
) -> list[dict[str, Any]]:
    """Return the rows with a time before ``older`` and not before ``newer``."""
    return [
        row
        for row in rows
        if not (older and str(row[column]) >= str(older))
        and not (newer and str(row[column]) < str(newer))
    ]


def ordered(rows: list[dict[str, Any]], order: Any) -> list[dict[str, Any]]:
    """Return the rows in an order of ``MySQL.buildCondition``: ``COLUMN:ASC`` or ``:DESC``."""
    if not order:
        return rows
    column, _, direction = str(order).partition(":")
    return sorted(rows, key=lambda row: row[column], reverse=direction == "DESC")


def store_query(transformation: Transformation, kind: str, query: dict[str, Any]) -> None:
    """Store a query as ``TransformationDB.__addMetaQuery`` does, with its losses."""
    stored: dict[str, tuple[str, str]] = {}
    for name, value in sorted(query.items()):
        if not value:
            continue
        if isinstance(value, list | tuple):
            if isinstance(value[0], int):
                stored[name] = (";;;".join(map(str, value)), "Integer")
            elif all(isinstance(v, str) for v in value):
                stored[name] = (";;;".join(value), "String")
            else:
                raise ServiceError("sequence item 0: expected str instance")
        elif isinstance(value, int):
            stored[name] = (str(value), "Integer")
        elif isinstance(value, dict):
            stored[name] = (str(value), "Dict")
        else:
            stored[name] = (str(value), "String")
    if len({name.lower() for name in stored}) < len(stored):  # keys are compared ignoring case
        raise ServiceError("Duplicate entry for key 'PRIMARY'")
    transformation.queries[kind] = stored


def _read_value(value: str, type_: str) -> Any:
    """Read a value as ``TransformationDB.getTransformationMetaQuery`` does."""
    if ";;;" in value:
        parts = value.split(";;;")
        return [int(x) for x in parts] if type_ == "Integer" else parts
    if type_ == "Integer":
        return int(value)
    if type_ == "Dict" and len(value) > _EVAL_WIDTH:
        raise ServiceError(f"Object string is too long (>{_EVAL_WIDTH} bytes)")
    return ast.literal_eval(value) if type_ == "Dict" else value
