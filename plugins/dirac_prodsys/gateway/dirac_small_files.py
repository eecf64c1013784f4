"""Small files: asked of the catalogue, and read from a storage element.

Storage plug-ins of DIRAC know one configuration and one proxy per process, those of its
environment. So a file is fetched by a short process of its own (``dirac_fetch.py``), whose
environment says what the connection says; several grids live side by side, and a plug-in that
hangs or crashes takes nothing with it.

What the catalogue says of a file's size need not be what the storage sends: the process may write
no file beyond :data:`MOST_WRITTEN`, and no more than one byte beyond ``limit`` is read back.

Invariant: this process's environment is not changed, no more than ``limit`` bytes are given back,
and the call ends within the connection's ``timeout`` (the process is killed with its children).
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

from dirac_prodsys.core.one_line import one_line
from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable, NotFound
from dirac_prodsys.gateway.dirac_process import environment
from dirac_prodsys.gateway.dirac_rpc import DisetServices
from dirac_prodsys.gateway.services import ServiceCalls

_FETCH = Path(__file__).with_name("dirac_fetch.py")
#: bytes that the fetching process may write into any one file; DIRAC's own caches are smaller
MOST_WRITTEN = 4 * 1024 * 1024
#: bytes of its last words that are looked at
_LAST_LINE = 64 * 1024


class SmallFileVerbs(ServiceCalls):
    """What :class:`ProductionGateway` says about the content of files."""

    def file_versions(self, lfns: Sequence[str]) -> Mapping[str, str]:
        """See :meth:`ProductionGateway.file_versions`."""
        return {lfn: _version(facts) for lfn, facts in self._file_facts(lfns).items()}

    def read_file(self, lfn: str, limit: int) -> bytes:
        """See :meth:`ProductionGateway.read_file`."""
        facts = self._file_facts([lfn]).get(lfn)
        if facts is None:
            raise NotFound(f"the file catalogue has no {lfn}", "wait until it is registered")
        size = int(facts.get("Size") or 0)
        if size > limit:
            raise _too_long(lfn, f"{size:,}", limit)
        content = self._fetch(lfn, limit)
        if len(content) > limit:  # the storage has another file than the catalogue says
            raise _too_long(lfn, f"more than {limit:,}", limit)
        return content

    def _fetch(self, lfn: str, limit: int) -> bytes:
        """The first bytes of the file, one more than the limit at most."""
        services = self.services
        if not isinstance(services, DisetServices):
            raise GatewayUnavailable("without a grid there is no storage to read from")
        with tempfile.TemporaryDirectory(prefix="dirac-file-") as folder:
            target = Path(folder, "content")
            target.mkdir()
            try:
                _run(
                    lfn,
                    str(target),
                    environment(services.settings, services.configuration.ca_dir, Path(folder)),
                    services,
                )
            except GatewayUnavailable:
                if any(path.stat().st_size > limit for path in target.iterdir()):
                    raise _too_long(lfn, f"more than {limit:,}", limit) from None
                raise
            found = [path for path in target.iterdir() if path.is_file()]
            if len(found) != 1:
                raise GatewayUnavailable(f"{lfn} was not fetched", "see the storage element")
            with found[0].open("rb") as file:
                return file.read(limit + 1)

    def _file_facts(self, lfns: Sequence[str]) -> dict[str, dict[str, Any]]:
        there = self._each("isFile", dict.fromkeys(lfns, True))
        known = [lfn for lfn, is_file in there.items() if is_file]
        if not known:
            return {}
        reply = self._fc("getFileMetadata", dict.fromkeys(known, True))
        return dict(reply.get("Successful", {}))  # what failed has gone since


def _too_long(lfn: str, size: str, limit: int) -> GatewayRejected:
    return GatewayRejected(
        f"{lfn} has {size} bytes, and {limit:,} are the most that is read",
        "write the numbers into a small file of their own",
    )


def _version(facts: Mapping[str, Any]) -> str:
    return "/".join(str(facts.get(key, "")) for key in ("FileID", "Size", "Checksum"))


def _run(lfn: str, target: str, environment: dict[str, str], services: DisetServices) -> None:
    """Fetch the file into the folder ``target``.

    :raises GatewayUnavailable: it did not come.
    """
    seconds = services.settings.timeout
    # a group of its own: plug-ins start processes
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(
            [sys.executable, str(_FETCH), lfn, target, str(MOST_WRITTEN)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise GatewayUnavailable(f"{lfn} was not read within {seconds:g} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        out.seek(max(0, os.fstat(out.fileno()).st_size - _LAST_LINE))
        told = out.read(_LAST_LINE)
    try:
        answer = json.loads(told.splitlines()[-1])
    except (ValueError, IndexError):
        answer = {"ok": False, "message": f"the process ended with {process.returncode}"}
    if not answer.get("ok"):
        reason = one_line(answer.get("message"))
        raise GatewayUnavailable(f"{lfn} could not be read: {reason}", "see the storage element")
