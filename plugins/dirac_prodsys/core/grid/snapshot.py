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
        counts = {word: dict(counts) for word, counts in self.failed_files.items()}
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        copies = {name: dict(found[name]) for name in ("files", "tasks", "others")}
        return {**found, **copies, "status": str(self.status), "failed_files": counts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Snapshot:
        """Inverse of :meth:`to_dict`; unknown keys are ignored: old events stay readable."""
        known = known_fields(cls, {key: value for key, value in data.items() if value is not None})
        known["status"] = TransformationStatus(known["status"])
        known["failed_files"] = {  # JSON has no keys but text
            word: {int(failures): int(files) for failures, files in counts.items()}
            for word, counts in known.get("failed_files", {}).items()
        }
        return cls(**known)
