"""Writes a proxy file for each user and group: ``python -m sandbox.drivers.proxies STATE``.

DIRAC's own X509Chain writes them: the group is an extension of the proxy certificate. They have no
VOMS extension, as there is no VOMS server here.
"""

from __future__ import annotations

import sys

from sandbox.configuration.needs import Needs
from sandbox.drivers import runtime
from sandbox.state import State

_SECONDS = 365 * 86400


def main(directory: str) -> None:
    from DIRAC.Core.Security.X509Chain import X509Chain

    state = State(directory)
    for user, group in Needs.kept(state).proxies:
        chain = X509Chain()
        path = state.proxies / f"{user}.{group}.pem"
        certificate = state.credentials / f"{user}cert.pem"
        key = state.credentials / f"{user}key.pem"
        runtime.ok(chain.loadChainFromFile(str(certificate)), f"certificate of {user}")
        runtime.ok(chain.loadKeyFromFile(str(key)), f"key of {user}")
        made = chain.generateProxyToFile(str(path), _SECONDS, diracGroup=group)
        runtime.ok(made, f"proxy of {user} for {group}")


if __name__ == "__main__":
    main(sys.argv[1])
