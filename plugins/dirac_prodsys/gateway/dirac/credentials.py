"""Reads the proxy file and the directory of CAs of a connection, as this machine has them.

Invariant: nothing secret is returned: of a proxy its lifetime and group, of the CAs their number.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Any

from dirac_prodsys.core.doctor.facts import Authorities, ProxyFacts
from dirac_prodsys.errors import GatewayDenied
from dirac_prodsys.gateway.dirac_import import import_dirac
from dirac_prodsys.gateway.verbs.states import seconds_of

#: name by which OpenSSL finds a CA: the hash of its subject, and a number
_BY_HASH = re.compile(r"[0-9a-f]{8}\.\d+")

_NEW = "make a new one with dirac-proxy-init"


def read_proxy(file: str) -> ProxyFacts:
    """Return what a proxy file says.

    :raises GatewayDenied: it is no proxy, or cannot be read.
    """
    chain = import_dirac("DIRAC.Core.Security.X509Chain").X509Chain()
    try:
        _value(chain.loadProxyFromFile(file), file)
        ends = seconds_of(_value(chain.getNotAfterDate(), file))
        group = chain.getDIRACGroup(ignoreDefault=True)
        shared = bool(os.stat(file).st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError as error:
        raise GatewayDenied(f"the proxy {file} cannot be read: {error.strerror}", _NEW) from None
    return ProxyFacts(
        file=file,
        ends=ends,
        group=str(group["Value"] or "") if group["OK"] else "",
        shared=shared,
    )


def _value(reply: Any, file: str) -> Any:
    if not reply["OK"]:
        raise GatewayDenied(f"the proxy {file} cannot be read: {reply['Message']}", _NEW)
    return reply["Value"]


def read_authorities(folder: str) -> Authorities:
    """Return the CAs of a directory.

    :raises GatewayDenied: it cannot be read.
    """
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise GatewayDenied(
            f"the directory {folder} of CA certificates cannot be read: {error.strerror}",
            "set ca_dir in the connection",
        ) from None
    return Authorities(folder, sum(bool(_BY_HASH.fullmatch(name)) for name in names))
