"""Works with storage in a separate process: ``storage_program.py COMMAND ANSWER``.

DIRAC's storage plug-ins know one configuration and one proxy per process, those of the environment;
a worker of Airflow has connections to several grids. So every access to a storage element runs in
a process with an environment made for it. The question is JSON on standard input, the answer JSON
in the file ANSWER; ``{"error": why}`` if there is none.

``fetch``: ``{"lfn", "folder", "most"}`` → ``{}``, and the file is in the folder. No file that it or
a plug-in writes grows beyond ``most`` bytes, whatever the storage sends.

``look``: ``{"se", "vo", "lfns"}`` → ``{"found": {lfn: {"size", "checksum"}},
"failed": {lfn: why}}``.

Nothing of the project is imported here: the file runs by its path, wherever DIRAC is installed.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def fetch(lfn: str, folder: str, most: int) -> dict[str, Any]:
    """Fetch one file of the grid into a folder."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    import DIRAC

    DIRAC.initialize(log_level="FATAL")
    from DIRAC.DataManagementSystem.Client.DataManager import DataManager

    reply = DataManager().getFile(lfn, destinationDir=folder)
    if not reply["OK"]:
        return {"error": reply["Message"]}
    failed = reply["Value"]["Failed"].get(lfn)
    return {} if failed is None else {"error": str(failed)}


def look(se: str, vo: str, lfns: list[str]) -> dict[str, Any]:
    """Return size and checksum of files as the storage has them."""
    import DIRAC

    DIRAC.initialize(log_level="FATAL")
    from DIRAC.Resources.Storage.StorageElement import StorageElement

    reply = StorageElement(se, vo=vo or None).getFileMetadata(lfns)
    if not reply["OK"]:
        return {"error": reply["Message"]}
    found = {
        lfn: {"size": facts.get("Size"), "checksum": str(facts.get("Checksum") or "")}
        for lfn, facts in reply["Value"]["Successful"].items()
    }
    failed = {lfn: str(why) for lfn, why in reply["Value"]["Failed"].items()}
    return {"found": found, "failed": failed}


_COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {"fetch": fetch, "look": look}


def main() -> None:
    command, target = sys.argv[1:]
    try:
        answer = _COMMANDS[command](**json.load(sys.stdin))
    except BaseException as error:  # whatever a plug-in raises is a reason not to trust the storage
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(target).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
