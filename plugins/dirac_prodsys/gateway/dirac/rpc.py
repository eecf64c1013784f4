"""Calls DIRAC's services by DISET, each call with its own client, credentials and deadline.

Invariant: a call depends on its connection only. URL, proxy and CAs are passed to the DISET client
explicitly, so that several grids, proxies and groups can be used side by side in one process. The
process environment and DIRAC's global configuration are neither needed nor changed. A client is
made for one call and used in one thread. Only an attempt to connect is retried, so that no call is
sent twice.
"""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from typing import Any

from dirac_prodsys.core.text.wording import one_line
from dirac_prodsys.errors import GatewayDenied, GatewayError, GatewayUnavailable
from dirac_prodsys.gateway.dirac.configuration import CONFIGURATION, GridConfiguration, load
from dirac_prodsys.gateway.dirac.deadline import BoundedThreads
from dirac_prodsys.gateway.dirac_import import import_dirac
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.replies import value_of
from dirac_prodsys.gateway.verbs.watched_calls import watched_call

#: calls of one connection at a time; the services of a grid have a few tens of threads each
MAX_CALLS = 16

#: depth of certificate chains, as DIRAC's own (``M2Utils.VERIFY_DEPTH``)
_CHAIN_DEPTH = 50


class DisetServices:
    """The services of one grid, called as one identity.

    :param calls: how often each ``service.method`` was called, answered or not.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.calls: Counter[str] = Counter()
        self._threads = BoundedThreads(MAX_CALLS)
        self._configuration: GridConfiguration | None = None
        self._stale = False

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """See :meth:`Services.call`."""
        name = f"{service}.{method}"
        self.calls[name] += 1
        deadline = time.monotonic() + self.settings.timeout

        def work() -> Any:
            configuration = self._read_configuration(deadline)
            reply = self._ask(
                configuration.service_urls(service),
                configuration.ca_dir,
                method,
                arguments,
                deadline,
            )
            return value_of(reply, name)

        with watched_call(service):
            try:
                return self._threads.run(work, self.settings.timeout, name)
            except GatewayUnavailable:
                self._stale = True  # the service may have moved
                raise
            except GatewayError:
                raise
            except Exception as error:
                raise GatewayUnavailable(
                    f"{name}: {one_line(repr(error))}",
                    "DIRAC's client failed; see the log of the service",
                ) from error

    @property
    def configuration(self) -> GridConfiguration:
        """Return the connection's configuration, read at first use.

        :raises GatewayError: it cannot be read.
        """
        timeout = self.settings.timeout
        deadline = time.monotonic() + timeout
        return self._threads.run(
            lambda: self._read_configuration(deadline), timeout, "the configuration"
        )

    def _read_configuration(self, deadline: float) -> GridConfiguration:
        """Read it again only after an outage; keep the old one if there is nothing newer."""
        known = self._configuration
        if known is not None and not self._stale:
            return known
        if known is not None:
            deadline = min(deadline, time.monotonic() + self.settings.timeout / 3)

        def fetch(url: str, ca_dir: str) -> Any:
            name = f"{CONFIGURATION}.getCompressedData"
            self.calls[name] += 1
            with watched_call(CONFIGURATION):
                return value_of(self._ask([url], ca_dir, "getCompressedData", (), deadline), name)

        try:
            found = load(self.settings, fetch)
        except GatewayError:
            if known is None:
                raise
            return known
        self._configuration, self._stale = found, False
        return found

    def _ask(
        self, urls: list[str], ca_dir: str, method: str, arguments: tuple[Any, ...], deadline: float
    ) -> Any:
        proxy = proxy_file(self.settings)
        client_class = _client_class()
        reply: Any = None
        for url in urls:
            client = client_class(
                url,
                deadline,
                timeout=self.settings.timeout,
                VO=self.settings.vo,
                useCertificates=False,
                proxyLocation=proxy,
                ignoreGateways=True,
                skipCACheck=True,  # the context has our directory, not the one DIRAC looks up
                ctx=_tls_context(proxy, ca_dir),
                **({"extraCredentials": self.settings.group} if self.settings.group else {}),
            )
            reply = client.executeRPC(method, arguments)
            if client.connected or time.monotonic() > deadline:
                break
        return reply


def proxy_file(settings: GatewaySettings) -> str:
    """Return the proxy file of a connection; the one DIRAC itself would use if it names none.

    :raises GatewayDenied: the file does not exist.
    """
    usual = f"/tmp/x509up_u{os.getuid()}"  # noqa: S108  the grid's own convention
    path = settings.proxy or os.environ.get("X509_USER_PROXY") or usual
    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        raise GatewayDenied(
            f"there is no proxy file {path}",
            "make one with dirac-proxy-init and name it in the connection",
        )
    return path


def _tls_context(proxy: str, ca_dir: str) -> Any:
    """Return a TLS context with this proxy that trusts these CAs."""
    ssl = import_dirac("M2Crypto.SSL")
    utilities = import_dirac("DIRAC.Core.DISET.private.Transports.SSL.M2Utils")
    try:
        context = utilities.getM2SSLContext(proxyLocation=proxy, skipCACheck=True)
    except Exception as error:
        raise GatewayDenied(
            f"the proxy {proxy} cannot be used: {error}", "make a new one with dirac-proxy-init"
        ) from error
    context.set_verify(ssl.verify_peer | ssl.verify_fail_if_no_peer_cert, _CHAIN_DEPTH)
    context.load_verify_locations(capath=ca_dir)
    return context


@functools.cache
def _client_class() -> Any:
    """Return DIRAC's DISET client with an own deadline."""
    base: Any = import_dirac("DIRAC.Core.DISET.private.InnerRPCClient").InnerRPCClient
    results = import_dirac("DIRAC.Core.Utilities.ReturnValues")

    class Client(base):  # type: ignore[misc]
        """One call.

        :param connected: whether the service may have received a part of the call.
        """

        def __init__(self, url: str, deadline: float, **options: Any) -> None:
            super().__init__(url, **options)
            self.deadline = deadline
            self.connected = False

        def _connect(self) -> Any:
            left = self.deadline - time.monotonic()
            if left <= 0:
                return results.S_ERROR("timed out")
            reply = super()._connect()
            if reply["OK"]:
                self.connected = True
                # the abandoned thread of a hung call ends soon after its deadline
                reply["Value"][1].getSocket().settimeout(max(1.0, left))
            return reply

    return Client
