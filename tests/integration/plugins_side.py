"""CTADIRAC's own task-making plugins, as the sandbox's TransformationAgent loads them.

Run as a program in a process of its own: ``plugins_side.py REQUEST ANSWER``, both JSON files. Only
the catalogue and the TransformationManager are replaced, as there are none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(request: Path, answer: Path) -> None:
    """Ask the plugin of each case for its tasks."""
    answer.write_text(json.dumps([asked(**case) for case in json.loads(request.read_text())]))


def asked(
    plugin: str, parameters: dict[str, str], unused: list[str], known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The groups of files that the plugin makes, and the files that it has attached."""
    from sandbox.drivers.task_plugins import TransformationPlugin

    manager = Manager()
    one = TransformationPlugin(
        plugin, transClient=manager, dataManager=object(), fc=Catalogue(known)
    )
    one.setParameters({"TransformationID": 1, **parameters})
    one.setInputData({lfn: ["DISK-A-SE"] for lfn in unused})
    done = one.run()
    tasks = [lfns for _, lfns in done["Value"]] if done["OK"] else []
    return {"tasks": tasks, "attached": sorted(manager.attached - set(unused))}


class Catalogue:
    """Files with metadata."""

    def __init__(self, known: dict[str, dict[str, Any]]) -> None:
        self.known = known

    def getFileUserMetadata(self, lfn: str) -> dict[str, Any]:  # noqa: N802
        """All metadata of a file."""
        return {"OK": True, "Value": self.known[lfn]}

    def findFilesByMetadata(self, query: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        """Files with these values; of a list, one."""

        def holds(own: dict[str, Any]) -> bool:
            wanted = {name: v if isinstance(v, list) else [v] for name, v in query.items()}
            return all(own.get(name) in values for name, values in wanted.items())

        return {"OK": True, "Value": [lfn for lfn, own in self.known.items() if holds(own)]}


class Manager:
    """A transformation to which files are added."""

    def __init__(self) -> None:
        self.attached: set[str] = set()

    def addFilesToTransformation(self, _: int, lfns: list[str]) -> dict[str, Any]:  # noqa: N802
        """Remember them."""
        self.attached |= set(lfns)
        return {"OK": True, "Value": {}}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
