"""Shares code of all drivers: loads the configuration as a DIRAC server does, and reports "ready".

A driver calls ``ready`` only when it can really do its work; `sandbox.process` reads the file.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any


def ok(result: dict[str, Any], doing: str) -> Any:
    """Return the value of a DIRAC result; on an error, end the driver with one clear line."""
    if not result["OK"]:
        sys.exit(f"{doing}: {result['Message']}")
    return result["Value"]


def configure_service(name: str) -> None:
    """Load the configuration as `dirac-service` does (DIRAC/Core/scripts/dirac_service.py)."""
    local = _local_configuration()
    local.setConfigurationForServer(name)
    _load(local)


def configure_agent(name: str, extra: str | None = None) -> None:
    """Load the configuration as `dirac-agent` does (DIRAC/Core/scripts/dirac_agent.py).

    :param extra: a file whose options win, for the worker node.
    """
    local = _local_configuration()
    local.setConfigurationForAgent(name)
    if extra:
        local.addCFGFile(extra)
    _load(local)


def _local_configuration() -> Any:
    from DIRAC.ConfigurationSystem.Client.LocalConfiguration import LocalConfiguration

    # DIRAC parses the command line of its host program, and would misread ours
    sys.argv = sys.argv[:1]
    return LocalConfiguration()


def _load(local: Any) -> None:
    from DIRAC import gLogger
    from DIRAC.Core.Utilities.DErrno import includeExtensionErrors

    ok(local.loadUserData(requireSuccessfulSync=True), "configuration")
    # NOTICE, two lines for each RPC, ranks above WARN in DIRAC (standardLogging/LogLevels.py)
    gLogger.setLevel(os.environ.get("SANDBOX_LOG_LEVEL", "ERROR"))
    includeExtensionErrors()


def ready() -> None:
    """Report to the parent that this driver does its work now."""
    path = Path(os.environ["SANDBOX_READY_FILE"])
    part = path.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.replace(path)


def until_terminated() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def finish(_number: int, _frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    return stop
