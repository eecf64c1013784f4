"""Lets the task-making plugins of the communities work on a transformation of the in-memory grid.

Invariant: a task is made only of files that have none, as by ``addTaskForTransformation`` of
DIRAC 9.1; a plugin that fails makes none, and is asked again in the next cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.core.community import built_in
from dirac_prodsys.core.grid.status import FileStatus
from dirac_prodsys.gateway.memory.catalogue import MemoryCatalogue
from dirac_prodsys.gateway.memory.tables import AttachedFile, Transformation

#: states of files of which DIRAC makes a task (``TransformationDB.allowedStatusForTasks``)
FREE = frozenset({FileStatus.UNUSED, FileStatus.PROB_IN_FC})


def site_plugin(name: str) -> Callable[[SeenFiles], list[list[str]]] | None:
    """Return the plugin of that name of a community that comes with this package."""
    for community in built_in():
        if community.task_plugins:
            offered = community.offered(community.task_plugins)
            if name in offered:
                found: Callable[[SeenFiles], list[list[str]]] = offered[name]
                return found
    return None


class SeenFiles:
    """The files of a transformation as a plugin sees them."""

    def __init__(
        self, transformation: Transformation, catalogue: MemoryCatalogue, now: float
    ) -> None:
        self._transformation, self._catalogue, self._now = transformation, catalogue, now
        files = transformation.files
        self.unused = tuple(sorted(lfn for lfn in files if files[lfn].status in FREE))
        self.parameters: Mapping[str, Any] = transformation.parameters

    def metadata(self, lfn: str) -> Mapping[str, Any]:
        """Return the metadata of a file."""
        return self._catalogue.metadata_of(lfn)

    def find(self, query: Mapping[str, Any]) -> list[str]:
        """Return what the catalogue finds."""
        return self._catalogue.find(query)

    def attach(self, lfns: list[str]) -> None:
        """Add files to the transformation (``addFilesToTransformation``)."""
        for lfn in lfns:
            self._transformation.files.setdefault(lfn, AttachedFile(inserted=self._now))


def tasks_of(plugin: Callable[[SeenFiles], list[list[str]]], files: SeenFiles) -> list[list[str]]:
    """Return the groups that the plugin makes; none if it fails."""
    try:
        return plugin(files)
    except (KeyError, ValueError):
        return []
