"""Groups files into tasks as CTADIRAC's own plugins do, on grids that are made for tests.

They are those of CTADIRAC 3.3.1 (``TransformationSystem/Agent/TransformationPlugin.py``), its
surprises included: ``ByTelescopeChunk`` attaches files of calibration, and afterwards meets them
among its input, where they are a group without a chunk; a number of files of calibration that it
does not expect makes it fail for all telescopes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Files(Protocol):
    """What a plugin sees of its transformation, and of the catalogue."""

    #: files without a task
    unused: tuple[str, ...]
    #: parameters of the transformation
    parameters: Mapping[str, Any]

    def metadata(self, lfn: str) -> Mapping[str, Any]:
        """Return the metadata of a file."""

    def find(self, query: Mapping[str, Any]) -> list[str]:
        """Return what the catalogue finds."""

    def attach(self, lfns: list[str]) -> None:
        """Add files to the transformation."""


def group_all(files: Files) -> list[list[str]]:
    """Make one task of all files (``GroupAll``)."""
    return [list(files.unused)] if files.unused else []


def merge_by_telescope(files: Files) -> list[list[str]]:
    """Make one task for each chunk, of the files of all telescopes (``MergeByTelescope``)."""
    return list(_by(files, "instance__chunk_id").values())


def by_telescope_chunk(files: Files) -> list[list[str]]:
    """Make one task for each telescope and chunk, with its calibration (``ByTelescopeChunk``).

    :raises ValueError: the calibration is not what the parameters say.
    """
    release, types = files.parameters["CalibpipeRelease"], files.parameters["CalibDataType"]
    wanted = ast.literal_eval(str(types))
    if not isinstance(wanted, list):
        raise ValueError("CalibDataType should be a list")
    groups = _by(files, "instance__obs_id", "instance__ae_id", "instance__chunk_id")
    calibration: dict[tuple[Any, ...], list[str]] = {}
    for telescope in {key[:2] for key in groups}:
        found = files.find(
            {
                "curation__release": release,
                "data__level": "DL1",
                "data__division": "Monitoring",
                "data__association": "Telescope",
                "data__type": wanted,
                "instance__obs_id": telescope[0],
                "instance__ae_id": telescope[1],
            }
        )
        if found and len(found) != len(wanted):
            raise ValueError(f"expected {len(wanted)} files of calibration, found {len(found)}")
        calibration[telescope] = found
    tasks = []
    for key, lfns in groups.items():
        if more := calibration[key[:2]]:
            files.attach(more)
            tasks.append(lfns + more)
    return tasks


def _by(files: Files, *fields: str) -> dict[tuple[Any, ...], list[str]]:
    groups: dict[tuple[Any, ...], list[str]] = {}
    for lfn in files.unused:
        known = files.metadata(lfn)
        groups.setdefault(tuple(known.get(field) for field in fields), []).append(lfn)
    return groups


PLUGINS: Mapping[str, Callable[[Files], list[list[str]]]] = {
    "ByTelescopeChunk": by_telescope_chunk,
    "GroupAll": group_all,
    "MergeByTelescope": merge_by_telescope,
}
