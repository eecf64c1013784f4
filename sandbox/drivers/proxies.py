"""Writes a proxy file for each user and group: ``python -m sandbox.drivers.proxies STATE``.

DIRAC's own X509Chain writes them: the group is an extension of the proxy certificate. They have no
VOMS extension, as there is no VOMS server here.

All proxies of a start share one key: a key takes longer to make than everything else in a proxy,
and there are fifteen.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from sandbox.configuration.needs import Needs
from sandbox.drivers import runtime
from sandbox.state import State

_SECONDS = 365 * 86400
_BITS = 2048
_END = "-----END CERTIFICATE-----\n"


def new_key() -> Any:
    """Make a key as X509Chain does for each proxy."""
    import M2Crypto

    key = M2Crypto.EVP.PKey()
    silent = M2Crypto.util.quiet_genparam_callback
    key.assign_rsa(M2Crypto.RSA.gen_key(_BITS, 65537, callback=silent))
    return key


def proxy_text(chain: Any, key: Any, group: str) -> str:
    """Return a proxy: its certificate, its key, and the chain above it.

    X509Chain leaves out a key that it was given.
    """
    text: str = runtime.ok(
        chain.generateProxyToString(_SECONDS, diracGroup=group, proxyKey=key), f"proxy for {group}"
    )
    certificate, chain_above = text.split(_END, 1)
    private: str = key.as_pem(cipher=None).decode()
    return certificate + _END + private + chain_above


def main(directory: str) -> None:
    from DIRAC.Core.Security.X509Chain import X509Chain

    state = State(directory)
    key = new_key()
    for user, group in Needs.kept(state).proxies:
        chain = X509Chain()
        path = state.proxies / f"{user}.{group}.pem"
        certificate = state.credentials / f"{user}cert.pem"
        user_key = state.credentials / f"{user}key.pem"
        runtime.ok(chain.loadChainFromFile(str(certificate)), f"certificate of {user}")
        runtime.ok(chain.loadKeyFromFile(str(user_key)), f"key of {user}")
        _write(path, proxy_text(chain, key, group))


def _write(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(secret)


if __name__ == "__main__":
    main(sys.argv[1])
