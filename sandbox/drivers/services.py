"""Runs DIRAC's service handlers in one process: ``python -m sandbox.drivers.services NAME ...``.

Two differences from `dirac-service`, both outside of the handlers:

* Sockets are bound to 127.0.0.1; ServiceReactor binds to all interfaces.
* Each service has its own ServiceReactor, and so its own accept loop. In a shared loop DIRAC 9.1
  keeps only the last of the sockets that became ready together and drops the other connections
  (DIRAC/Core/DISET/ServiceReactor.py, __acceptIncomingConnection).
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from typing import Any

from sandbox.configuration.profiles import CONFIGURATION, TRANSFORMATION_MANAGER
from sandbox.drivers import runtime


def bind_to_loopback() -> None:
    """Replace the dips transport by one whose server socket listens on loopback only."""
    from DIRAC.Core.DISET.private.Protocols import gProtocolDict

    base = gProtocolDict["dips"]["transport"]

    class LoopbackTransport(base):  # type: ignore[misc,valid-type]
        def initAsServer(self) -> Any:  # noqa: N802 (DIRAC's name)
            port = self.stServerAddress[1]
            # M2Crypto makes an IPv6 socket where the kernel has one: it needs the mapped address
            self.stServerAddress = ("::ffff:127.0.0.1", port)
            try:
                result = super().initAsServer()
            except OSError:
                self.stServerAddress = ("127.0.0.1", port)
                result = super().initAsServer()
            # accepted sockets inherit it; Nagle and delayed ACK would cost 40 ms a call
            self.oSocket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return result

    gProtocolDict["dips"]["transport"] = LoopbackTransport


def shorten_submit_delay() -> None:
    """Hand tasks out at once: TransformationManagerHandler keeps them back for a fixed 30 s."""
    import datetime
    import types

    from DIRAC.TransformationSystem.Service import TransformationManagerHandler

    def timedelta(**_wait: float) -> datetime.timedelta:
        return datetime.timedelta(0)

    TransformationManagerHandler.datetime = types.SimpleNamespace(timedelta=timedelta)


def serve(name: str) -> None:
    """Initialise one service and accept its connections in a thread."""
    from DIRAC.Core.DISET.ServiceReactor import ServiceReactor

    reactor = ServiceReactor()
    runtime.ok(reactor.initialize([name]), f"{name} does not initialise")
    runtime.ok(reactor._ServiceReactor__createListeners(), f"{name} does not listen")

    def accept() -> None:
        from DIRAC import gLogger

        while True:
            try:
                reactor._ServiceReactor__acceptIncomingConnection()
            except Exception as error:  # a client that left at the wrong moment ends no service
                gLogger.exception(f"accept loop of {name}", lException=error)

    threading.Thread(target=accept, name=f"accept-{name}", daemon=True).start()


def optimise() -> None:
    """Run the job optimizers (`dirac-executor WorkloadManagement/Optimizers`) in a thread."""
    from DIRAC.Core.Base.ExecutorReactor import ExecutorReactor

    reactor = ExecutorReactor()
    runtime.ok(reactor.loadModules(["WorkloadManagement/Optimizers"]), "optimizers")
    threading.Thread(target=reactor.go, name="optimizers", daemon=True).start()


def main(names: list[str]) -> None:
    stop = runtime.until_terminated()
    bind_to_loopback()
    runtime.configure_service(names[0])
    if TRANSFORMATION_MANAGER in names:
        shorten_submit_delay()
    if "WorkloadManagement/JobMonitoring" in names:
        from DIRAC import gConfig

        from sandbox.drivers import opensearch

        opensearch.serve(gConfig.getValue("/Systems/NoSQLDatabases/Port", 0))
    # the Configuration Server first: the others read from it where their databases are
    for name in sorted(names, key=lambda name: name != CONFIGURATION):
        serve(name)
    if "WorkloadManagement/OptimizationMind" in names:
        optimise()
    runtime.ready()
    stop.wait()
    # handler threads wait for clients for minutes; nothing here needs closing
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
