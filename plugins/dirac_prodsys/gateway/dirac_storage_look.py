"""A process of its own that asks a storage element about files: ``dirac_storage_look.py ANSWER``.

DIRAC's storage plug-ins know one configuration and one proxy per process, those of the environment;
a worker of Airflow has connections to several grids. So each look is a process, with an environment
made for it. Standard input: ``{"se": …, "vo": …, "lfns": […]}``; the answer, as JSON, goes to the
file ANSWER: ``{"found": {lfn: {"size", "checksum"}}, "failed": {lfn: why}}``, or
``{"error": why}``.

Nothing of the project is imported here: the file runs by its path.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def look(se: str, vo: str, lfns: list[str]) -> dict[str, Any]:
    """Size and checksum of files as the storage has them."""
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


def main() -> None:
    asked = json.load(sys.stdin)
    try:
        answer = look(asked["se"], asked["vo"], asked["lfns"])
    except Exception as error:  # whatever a plug-in raises is a reason not to trust the storage
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(sys.argv[1]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
