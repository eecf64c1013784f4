"""Imports DIRAC into a process of another program.

Importing DIRAC changes the host process: ``LoggingRoot`` renames the standard log levels, switches
off file and line of every log record, and prints to standard output. A worker or triggerer of
Airflow must not notice.

Invariant: after :func:`import_dirac` logging, ``sys.argv``, signal handlers and DIRAC's
configuration object are unchanged; DIRAC is not initialised (``DIRAC.initialize`` is never
called).
"""

from __future__ import annotations

import functools
import importlib
import logging
import re
import sys
import threading
from types import ModuleType

from dirac_prodsys.errors import GatewayRejected

#: first version that is spoken to
OLDEST = (9, 0)

_lock = threading.RLock()


@functools.cache
def import_dirac(module: str) -> ModuleType:
    """Return a module of DIRAC, imported without side effects on this process.

    :raises GatewayRejected: it is of a version that is not supported.
    """
    with _lock:
        if module in sys.modules:
            return sys.modules[module]
        first = "DIRAC" not in sys.modules
        source_file = logging._srcfile
        names = {level: logging.getLevelName(level) for level in range(10, 51, 10)}
        try:
            imported = importlib.import_module(module)
        finally:
            logging._srcfile = source_file
            for level, name in names.items():
                logging.addLevelName(level, name)
        if first:
            demand_supported(str(getattr(sys.modules["DIRAC"], "version", "")))
            # its messages about connections come back as errors, with a hint
            importlib.import_module("DIRAC").gLogger.setLevel("FATAL")
        return imported


def demand_supported(version: str) -> None:
    """Refuse a version of DIRAC that is too old; one that cannot be read is tried.

    :raises GatewayRejected: with what is too old about it.
    """
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers is None or tuple(map(int, numbers.groups())) >= OLDEST:
        return
    raise GatewayRejected(
        f"DIRAC {version.removeprefix('v')} is not supported because it finds its services by "
        "setups, and knows the author of a transformation by DN and not by name; DIRAC 9.0 "
        "changed both",
        "use DIRAC 9.0 or 9.1, on the grid and in the environment of its client",
    )
