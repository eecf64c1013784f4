"""Holds what the grid says about a transformation at one moment, as a value.

Invariant: counts and states only, never a verdict: judging is the policy's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from dirac_prodsys.core.grid.status import TransformationStatus

#: at each multiple of this number of failures, DIRAC makes a file MaxReset instead of Unused,
#: unless a site sets another (``FilesMaxResetCounter``, ``TransformationClient.py``, 9.1)
RESET_LIMIT = 10


def known_fields(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a value of that dataclass can be made of again, after it has travelled.

    Unknown keys, which another version wrote, are ignored; missing ones get their default.
    """
    return {each.name: data[each.name] for each in fields(cls) if each.name in data}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One transformation as seen by the Transformation System.

    :param files: file status → number of attached files.
    :param tasks: ExternalStatus → number of tasks.
    :param catalogue_files: number of files that the catalogue finds for the input query; None: not
        asked.
    :param unattached: number of files that the query finds and that are not attached; None: not
        compared.
    :param others: file status → number of attached files that exist and that the query does not
        find: a plugin of the site may attach files of its own.
    :param group_size: files per task now; 0: unknown.
    :param agent_type: ``Manual``: no agent submits tasks; empty: unknown.
    :param max_tasks: MaxNumberOfTasks, up to which the MCExtensionAgent adds tasks.
    :param failed_files: file status → ErrorCount → number of files, for files that ever failed.
    :param reset_limit: the grid gives a file up at each multiple of this number of failures.
    """

    id: int
    name: str
    type: str
    status: TransformationStatus
    files: Mapping[str, int] = field(default_factory=dict)
    tasks: Mapping[str, int] = field(default_factory=dict)
    catalogue_files: int | None = None
    unattached: int | None = None
    others: Mapping[str, int] = field(default_factory=dict)
    group_size: float = 0.0
    agent_type: str = ""
    max_tasks: int = 0
    failed_files: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    reset_limit: int = RESET_LIMIT

    def with_catalogue(self, files: int) -> Snapshot:
        """Return the same snapshot with the catalogue's answer."""
        return replace(self, catalogue_files=files)

    def compared(self, unattached: int, others: Mapping[str, int]) -> Snapshot:
        """Return the same snapshot with the result of the comparison file by file."""
        return replace(self, unattached=unattached, others=dict(others))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, for XCom, events and reports."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "status": str(self.status),
            "files": dict(self.files),
            "tasks": dict(self.tasks),
            "catalogue_files": self.catalogue_files,
            "unattached": self.unattached,
            "others": dict(self.others),
            "group_size": self.group_size,
            "agent_type": self.agent_type,
            "max_tasks": self.max_tasks,
            "failed_files": {word: dict(counts) for word, counts in self.failed_files.items()},
            "reset_limit": self.reset_limit,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Snapshot:
        """Inverse of :meth:`to_dict`; unknown keys are ignored: old events stay readable."""
        return cls(
            id=int(data["id"]),
            name=data["name"],
            type=data["type"],
            status=TransformationStatus(data["status"]),
            files=dict(data.get("files") or {}),
            tasks=dict(data.get("tasks") or {}),
            catalogue_files=data.get("catalogue_files"),
            unattached=data.get("unattached"),
            others=dict(data.get("others") or {}),
            group_size=float(data.get("group_size") or 0),
            agent_type=data.get("agent_type") or "",
            max_tasks=int(data.get("max_tasks") or 0),
            failed_files={
                word: {int(failures): int(files) for failures, files in counts.items()}
                for word, counts in (data.get("failed_files") or {}).items()
            },
            reset_limit=int(data.get("reset_limit") or RESET_LIMIT),
        )
