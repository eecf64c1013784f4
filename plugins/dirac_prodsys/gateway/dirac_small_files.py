"""Small files: asked of the catalogue, and read from a storage element.

Storage plug-ins of DIRAC know one configuration and one proxy per process, those of its
environment. So a file is fetched by a short process of its own (``dirac_fetch.py``), whose
environment says what the connection says; several grids live side by side, and a plug-in that
hangs or crashes takes nothing with it.

Invariant: this process's environment is not changed, no more than ``limit`` bytes are read, and the
call ends within the connection's ``timeout`` (the process is killed with its children).
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

from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable, NotFound
from dirac_prodsys.gateway.dirac_process import environment
from dirac_prodsys.gateway.dirac_replies import each
from dirac_prodsys.gateway.dirac_rpc import DisetServices
from dirac_prodsys.gateway.services import CATALOGUE, Services

_FETCH = Path(__file__).with_name("dirac_fetch.py")


class SmallFileVerbs:
    """Mix-in: what :class:`SmallFilesGateway` says."""

    services: Services

    def file_versions(self, lfns: Sequence[str]) -> Mapping[str, str]:
        """See :meth:`SmallFilesGateway.file_versions`."""
        return {lfn: _version(facts) for lfn, facts in self._file_facts(lfns).items()}

    def read_file(self, lfn: str, limit: int) -> bytes:
        """See :meth:`SmallFilesGateway.read_file`."""
        facts = self._file_facts([lfn]).get(lfn)
        if facts is None:
            raise NotFound(f"the file catalogue has no {lfn}", "wait until it is registered")
        size = int(facts.get("Size") or 0)
        if size > limit:
            raise GatewayRejected(
                f"{lfn} has {size:,} bytes, and {limit:,} are the most that is read",
                "write the numbers into a small file of their own",
            )
        return self._fetch(lfn)[:limit]

    def _fetch(self, lfn: str) -> bytes:
        services = self.services
        if not isinstance(services, DisetServices):
            raise GatewayUnavailable("without a grid there is no storage to read from")
        with tempfile.TemporaryDirectory(prefix="dirac-file-") as folder:
            target = Path(folder, "content")
            target.mkdir()
            _run(
                lfn,
                str(target),
                environment(services.settings, services.configuration.ca_dir, Path(folder)),
                services,
            )
            found = [path for path in target.iterdir() if path.is_file()]
            if len(found) != 1:
                raise GatewayUnavailable(f"{lfn} was not fetched", "see the storage element")
            return found[0].read_bytes()

    def _file_facts(self, lfns: Sequence[str]) -> dict[str, dict[str, Any]]:
        there = self.services.call(CATALOGUE, "isFile", dict.fromkeys(lfns, True))
        known = [lfn for lfn, is_file in each(there, f"{CATALOGUE}.isFile").items() if is_file]
        if not known:
            return {}
        reply = self.services.call(CATALOGUE, "getFileMetadata", dict.fromkeys(known, True))
        return dict(reply.get("Successful", {}))  # what failed has gone since


def _version(facts: Mapping[str, Any]) -> str:
    return "/".join(str(facts.get(key, "")) for key in ("FileID", "Size", "Checksum"))


def _run(lfn: str, target: str, environment: dict[str, str], services: DisetServices) -> None:
    """Fetch the file into the folder ``target``.

    :raises GatewayUnavailable: it did not come.
    """
    seconds = services.settings.timeout
    # a group of its own: plug-ins start processes
    with subprocess.Popen(
        [sys.executable, str(_FETCH), lfn, target],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            told, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise GatewayUnavailable(f"{lfn} was not read within {seconds:g} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    try:
        answer = json.loads(told.splitlines()[-1])
    except (ValueError, IndexError):
        answer = {"ok": False, "message": f"the process ended with {process.returncode}"}
    if not answer.get("ok"):
        reason = " ".join(str(answer.get("message")).split())[:500]
        raise GatewayUnavailable(f"{lfn} could not be read: {reason}", "see the storage element")
