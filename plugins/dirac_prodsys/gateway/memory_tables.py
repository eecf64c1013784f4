"""The tables of the in-memory Transformation System, and what they do to a meta query.

Invariant: a query is stored and read back with DIRAC's losses (``TransformationDB.__addMetaQuery``
and ``getTransformationMetaQuery``, 9.1.22), so that whoever relies on them finds out here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.status import FileStatus, TaskStatus
from dirac_prodsys.gateway.memory_answers import ServiceError

#: characters that ``SaferEval.py`` reads
_EVAL_WIDTH = 2048


@dataclass
class AttachedFile:
    """A row of ``TransformationFiles``.

    :param updated: LastUpdate, clock time.
    """

    status: str = FileStatus.UNUSED
    task: int = 0
    errors: int = 0
    updated: float = 0.0


@dataclass
class Task:
    """A row of ``TransformationTasks``, and the job behind it.

    :param updated: LastUpdateTime, clock time.
    :param ends: clock time at which the job ends; None: not submitted.
    :param good: whether the job ended well; None: it has not ended.
    :param minor: MinorStatus of the job, ``application`` and ``site`` likewise; what ``fails`` is
        called with may set them.
    """

    id: int
    transformation: int
    lfns: list[str]
    status: str = TaskStatus.CREATED
    updated: float = 0.0
    ends: float | None = None
    good: bool | None = None
    minor: str = ""
    application: str = ""
    site: str = "LCG.Memory.org"


@dataclass
class Transformation:
    """A row of ``Transformations`` and all that belongs to it."""

    row: dict[str, Any]
    queries: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    files: dict[str, AttachedFile] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Its status word."""
        return str(self.row["Status"])

    def stored_query(self, kind: str) -> dict[str, Any]:
        """A meta query as the service reads it back; empty if there is none."""
        return {
            name: _read_value(value, type_)
            for name, (value, type_) in self.queries.get(kind, {}).items()
        }


def fits(row: dict[str, Any], where: dict[str, Any]) -> bool:
    """A condition of ``MySQL.buildCondition``; text is compared without regard to case."""

    def plain(value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    return all(
        plain(row[name]) in [plain(v) for v in (wanted if isinstance(wanted, list) else [wanted])]
        for name, wanted in where.items()
    )


def store_query(transformation: Transformation, kind: str, query: dict[str, Any]) -> None:
    """``TransformationDB.__addMetaQuery``, with its losses."""
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
    if len({name.lower() for name in stored}) < len(stored):  # a key without regard to case
        raise ServiceError("Duplicate entry for key 'PRIMARY'")
    transformation.queries[kind] = stored


def _read_value(value: str, type_: str) -> Any:
    """``TransformationDB.getTransformationMetaQuery``."""
    if ";;;" in value:
        parts = value.split(";;;")
        return [int(x) for x in parts] if type_ == "Integer" else parts
    if type_ == "Integer":
        return int(value)
    if type_ == "Dict" and len(value) > _EVAL_WIDTH:
        raise ServiceError(f"Object string is too long (>{_EVAL_WIDTH} bytes)")
    return ast.literal_eval(value) if type_ == "Dict" else value
