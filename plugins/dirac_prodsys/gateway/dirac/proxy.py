"""Reads how long the proxy of a connection is still valid.

Invariant: no call is made, and nothing of the proxy but its dates leaves this module.
"""

from __future__ import annotations

import time
from pathlib import Path

from cryptography import x509

from dirac_prodsys.gateway.dirac.rpc import proxy_file
from dirac_prodsys.gateway.records import GatewaySettings


def proxy_seconds(settings: GatewaySettings) -> float:
    """Return the seconds until the first certificate of the proxy expires; negative: it has.

    :raises GatewayDenied: there is no proxy file.
    :raises ValueError: the file holds no certificate.
    """
    chain = x509.load_pem_x509_certificates(Path(proxy_file(settings)).read_bytes())
    return min(each.not_valid_after_utc.timestamp() for each in chain) - time.time()
