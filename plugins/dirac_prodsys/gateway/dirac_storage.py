"""Looking at a storage element by DIRAC's own plug-ins, in a process of its own.

Invariant: the process gets the configuration and the proxy of the connection and nothing else of
DIRAC's in the environment; after the connection's timeout and a second for each file it is ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dirac_prodsys.core.one_line import one_line
from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.dirac_process import environment
from dirac_prodsys.gateway.records import GatewaySettings, StoredReplica

_LOOK = Path(__file__).with_name("dirac_storage_look.py")

#: words of a plug-in for a file that is not there
_ABSENT = ("no such file", "does not exist", "not found")


def stored(
    settings: GatewaySettings, ca_dir: str, se: str, lfns: Sequence[str]
) -> dict[str, StoredReplica | str]:
    """Each file as it lies on the storage element, or why it cannot be read there.

    :raises GatewayUnavailable: it did not answer in time.
    :raises GatewayRejected: it cannot be asked from here.
    """
    with tempfile.TemporaryDirectory(prefix="storage-look-") as folder:
        answer = Path(folder) / "answer.json"
        question = json.dumps({"se": se, "vo": settings.vo, "lfns": list(lfns)})
        try:
            done = subprocess.run(
                [sys.executable, str(_LOOK), str(answer)],
                input=question,
                env=environment(settings, ca_dir, Path(folder)),
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=settings.timeout + len(lfns),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GatewayUnavailable(
                f"storage element {se} has not answered for {len(lfns)} files in "
                f"{settings.timeout + len(lfns):.0f} s",
                "it may be coming back by itself; if not, ask who runs it",
            ) from None
        if not answer.exists():
            words = (done.stdout + done.stderr).strip().splitlines()
            raise _cannot(se, words[-1] if words else f"exit code {done.returncode}")
        told: dict[str, Any] = json.loads(answer.read_text())
    if "error" in told:
        raise _cannot(se, told["error"])
    found: dict[str, StoredReplica | str] = {
        lfn: _reason(why) for lfn, why in told["failed"].items()
    }
    for lfn, facts in told["found"].items():
        found[lfn] = StoredReplica(int(facts["size"]), facts["checksum"])
    return found


def _cannot(se: str, why: str) -> GatewayRejected:
    return GatewayRejected(
        f"storage element {se} cannot be asked from here: {one_line(why)}",
        "the workers of Airflow need DIRAC's plug-in for its protocol (such as gfal2) and a way to "
        "it; nothing is removed that was not looked at",
    )


def _reason(why: str) -> str:
    text = " ".join(why.split())
    return "the file is not" if any(word in text.lower() for word in _ABSENT) else text
