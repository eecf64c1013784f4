"""Fetch one file of the grid into a folder: a program, ``python dirac_fetch.py LFN FOLDER BYTES``.

It is a process of its own because DIRAC's storage plug-ins belong to a process; grid and identity
come from its environment. Its last line of output is JSON: ``{"ok": …, "message": …}``.

No file that it or a plug-in writes grows beyond so many bytes, whatever the storage sends.

Invariant: it imports nothing of this package, so it runs wherever DIRAC is installed.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any


def fetch(lfn: str, folder: str) -> dict[str, Any]:
    """What came of it; the file is in the folder then."""
    try:
        import DIRAC

        DIRAC.initialize(log_level="FATAL")
        from DIRAC.DataManagementSystem.Client.DataManager import DataManager

        reply = DataManager().getFile(lfn, destinationDir=folder)
    except BaseException as error:
        return {"ok": False, "message": f"{type(error).__name__}: {error}"}
    if not reply["OK"]:
        return {"ok": False, "message": reply["Message"]}
    failed = reply["Value"]["Failed"].get(lfn)
    return {"ok": failed is None, "message": str(failed or "")}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    answer = fetch(*sys.argv[1:3])
    print(json.dumps(answer), flush=True)
