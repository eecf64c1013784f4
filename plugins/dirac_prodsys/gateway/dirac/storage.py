"""Asks storage elements through DIRAC's own plug-ins, in a separate process.

DIRAC's storage plug-ins know one configuration and one proxy per process: those of its environment.
So each question runs in a short process (``storage_program.py``). Several grids can be used side by
side, and a plug-in that hangs or crashes affects nothing else.

Invariant: the process has the configuration and the proxy of one connection, and no other DIRAC
settings of the user who runs Airflow. Only a connection without a configuration falls back on the
machine's. This process's environment is not changed. When a question is over, answered or late,
none of the processes that it started is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dirac_prodsys.core.text.wording import one_line
from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.dirac.rpc import proxy_file
from dirac_prodsys.gateway.records import GatewaySettings, StoredReplica

_PROGRAM = Path(__file__).with_name("storage_program.py")

#: variables by which a DIRAC process finds its grid and its identity
_IDENTITY = ("DIRAC", "X509_", "BEARER_TOKEN")

#: most bytes that a fetching process may write into any one file; DIRAC's own caches are smaller
MOST_WRITTEN = 4 * 1024 * 1024
#: bytes at the end of a process's output that are searched for the reason
_LAST_WORDS = 64 * 1024

#: words by which a plug-in reports a missing file
_ABSENT = ("no such file", "does not exist", "not found")


def fetched(settings: GatewaySettings, ca_dir: str, lfn: str, limit: int) -> bytes:
    """Return the first bytes of a file, at most one more than the limit.

    The storage may send more than the size in the catalogue. At most :data:`MOST_WRITTEN` bytes are
    written, and the first bytes of them are returned.

    :raises GatewayUnavailable: the file did not come within the connection's timeout.
    """
    with tempfile.TemporaryDirectory(prefix="dirac-file-") as folder:
        target = Path(folder, "content")
        target.mkdir()
        question = {"lfn": lfn, "folder": str(target), "most": MOST_WRITTEN}
        why = ""
        try:
            answer = _ask("fetch", question, settings, ca_dir, Path(folder), settings.timeout)
            if "error" in answer:
                why = f"{lfn} could not be read: {one_line(answer['error'])}"
        except TimeoutError:
            why = f"{lfn} was not read within {settings.timeout:g} s"
        files = [path for path in target.iterdir() if path.is_file()]
        longer = [path for path in files if path.stat().st_size > limit]
        if not longer and (why or len(files) != 1):
            raise GatewayUnavailable(why or f"{lfn} was not fetched", "see the storage element")
        with (longer or files)[0].open("rb") as file:
            return file.read(limit + 1)


def stored(
    settings: GatewaySettings, ca_dir: str, se: str, lfns: Sequence[str]
) -> dict[str, StoredReplica | str]:
    """Return each file as the storage element has it, or why it cannot be read there.

    :raises GatewayUnavailable: no answer within the timeout plus one second for each file.
    :raises GatewayRejected: the storage element cannot be asked from here.
    """
    seconds = settings.timeout + len(lfns)
    question = {"se": se, "vo": settings.vo, "lfns": list(lfns)}
    with tempfile.TemporaryDirectory(prefix="storage-look-") as folder:
        try:
            reply = _ask("look", question, settings, ca_dir, Path(folder), seconds)
        except TimeoutError:
            raise GatewayUnavailable(
                f"storage element {se} has not answered for {len(lfns)} files in {seconds:.0f} s",
                "it may be coming back by itself; if not, ask who runs it",
            ) from None
    if "error" in reply:
        raise GatewayRejected(
            f"storage element {se} cannot be asked from here: {one_line(reply['error'])}",
            "the workers of Airflow need DIRAC's plug-in for its protocol (such as gfal2) and a "
            "way to it; nothing is removed that was not looked at",
        )
    found: dict[str, StoredReplica | str] = {
        lfn: _reason(why) for lfn, why in reply["failed"].items()
    }
    for lfn, facts in reply["found"].items():
        found[lfn] = StoredReplica(int(facts["size"]), facts["checksum"])
    return found


def _ask(
    command: str,
    question: Mapping[str, Any],
    settings: GatewaySettings,
    ca_dir: str,
    folder: Path,
    seconds: float,
) -> dict[str, Any]:
    """Return the program's answer; ``error`` if it ended without one.

    :param folder: its own folder, for as long as it runs.
    :param seconds: the time limit.
    :raises TimeoutError: it has not ended within ``seconds``.
    """
    asked, answer = folder / "question.json", folder / "answer.json"
    asked.write_text(json.dumps(question))
    # a group of its own: plug-ins start processes
    with (
        asked.open() as into,
        tempfile.TemporaryFile() as out,
        subprocess.Popen(
            [sys.executable, str(_PROGRAM), command, str(answer)],
            env=_environment(settings, ca_dir, folder),
            cwd=folder,
            stdin=into,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        out.seek(max(0, os.fstat(out.fileno()).st_size - _LAST_WORDS))
        words = out.read(_LAST_WORDS).decode(errors="replace").strip().splitlines()
    try:
        found: dict[str, Any] = json.loads(answer.read_text())
    except (OSError, ValueError):
        return {"error": words[-1] if words else f"exit code {process.returncode}"}
    return found


def _environment(settings: GatewaySettings, ca_dir: str, folder: Path) -> dict[str, str]:
    """Return the environment of a DIRAC process that acts as a connection does."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(_IDENTITY)}
    found["X509_USER_PROXY"] = os.path.abspath(proxy_file(settings))
    found["X509_CERT_DIR"] = ca_dir and os.path.abspath(ca_dir)
    found["HOME"] = str(folder)  # so it reads no ~/.dirac.cfg
    config = settings.config
    if config.startswith(("dips://", "dip://")):
        file = folder / "dirac.cfg"
        file.write_text(f"DIRAC\n{{\n  Configuration\n  {{\n    Servers = {config}\n  }}\n}}\n")
        config = str(file)
    if config:
        found["DIRACSYSCONFIG"] = str(Path(config).expanduser().absolute())
    else:  # what DIRAC itself would read on this machine
        kept = ("DIRACSYSCONFIG", "DIRAC_ROOT_PATH", "HOME")
        found |= {name: os.environ[name] for name in kept if name in os.environ}
    return found


def _reason(why: str) -> str:
    text = " ".join(why.split())
    return "the file is not" if any(word in text.lower() for word in _ABSENT) else text
