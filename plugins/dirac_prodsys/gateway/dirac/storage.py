"""Storage elements, asked by DIRAC's own plug-ins in a process of its own.

Storage plug-ins of DIRAC know one configuration and one proxy per process, those of its
environment. So each question is a short process (``storage_program.py``): several grids live
side by side, and a plug-in that hangs or crashes takes nothing with it.

Invariant: the process has the configuration and the proxy of one connection, and nothing else of
DIRAC's from whoever runs Airflow; only a connection without a configuration falls back on the
machine's. This process's environment is not changed. When a question is over, be it answered or
late, none of the processes that it started is left.
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

#: bytes that a fetching process may write into any one file; DIRAC's own caches are smaller
MOST_WRITTEN = 4 * 1024 * 1024
#: bytes of a process's last words that are looked at
_LAST_WORDS = 64 * 1024

#: words of a plug-in for a file that is not there
_ABSENT = ("no such file", "does not exist", "not found")


def fetched(settings: GatewaySettings, ca_dir: str, lfn: str, limit: int) -> bytes:
    """The first bytes of a file, one more than the limit at most.

    What the catalogue says of its size need not be what the storage sends: no more than
    :data:`MOST_WRITTEN` is written, and of what was sent until then the first bytes are given back.

    :raises GatewayUnavailable: it did not come within the connection's timeout.
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
    """Each file as it lies on the storage element, or why it cannot be read there.

    :raises GatewayUnavailable: it did not answer within the timeout and a second for each file.
    :raises GatewayRejected: it cannot be asked from here.
    """
    seconds = settings.timeout + len(lfns)
    question = {"se": se, "vo": settings.vo, "lfns": list(lfns)}
    with tempfile.TemporaryDirectory(prefix="storage-look-") as folder:
        try:
            told = _ask("look", question, settings, ca_dir, Path(folder), seconds)
        except TimeoutError:
            raise GatewayUnavailable(
                f"storage element {se} has not answered for {len(lfns)} files in {seconds:.0f} s",
                "it may be coming back by itself; if not, ask who runs it",
            ) from None
    if "error" in told:
        raise GatewayRejected(
            f"storage element {se} cannot be asked from here: {one_line(told['error'])}",
            "the workers of Airflow need DIRAC's plug-in for its protocol (such as gfal2) and a "
            "way to it; nothing is removed that was not looked at",
        )
    found: dict[str, StoredReplica | str] = {
        lfn: _reason(why) for lfn, why in told["failed"].items()
    }
    for lfn, facts in told["found"].items():
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
    """What the program answers; ``error`` if it ended without an answer.

    :param folder: its own, for as long as it runs.
    :raises TimeoutError: it has not ended in so many seconds.
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
        told: dict[str, Any] = json.loads(answer.read_text())
    except (OSError, ValueError):
        return {"error": words[-1] if words else f"exit code {process.returncode}"}
    return told


def _environment(settings: GatewaySettings, ca_dir: str, folder: Path) -> dict[str, str]:
    """What a DIRAC process finds that is to act as a connection does."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(_IDENTITY)}
    found["X509_USER_PROXY"] = os.path.abspath(proxy_file(settings))
    found["X509_CERT_DIR"] = ca_dir and os.path.abspath(ca_dir)
    found["HOME"] = str(folder)  # no ~/.dirac.cfg
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
