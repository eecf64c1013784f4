"""The environment of a DIRAC process of its own, for what DIRAC does only once per process.

Invariant: it has the configuration and the proxy of one connection, and nothing else of DIRAC's
from whoever runs Airflow; only a connection without a configuration falls back on the machine's.
"""

from __future__ import annotations

import os
from pathlib import Path

from dirac_prodsys.gateway.dirac_rpc import proxy_file
from dirac_prodsys.gateway.records import GatewaySettings

#: variables by which a DIRAC process finds its grid and its identity
_IDENTITY = ("DIRAC", "X509_", "BEARER_TOKEN")


def environment(settings: GatewaySettings, ca_dir: str, folder: Path) -> dict[str, str]:
    """What a DIRAC process finds that is to act as a connection does.

    :param folder: its own, for as long as it runs.
    """
    found = {name: value for name, value in os.environ.items() if not name.startswith(_IDENTITY)}
    found["X509_USER_PROXY"] = proxy_file(settings)
    found["X509_CERT_DIR"] = ca_dir
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
