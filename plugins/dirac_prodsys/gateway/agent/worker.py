"""Runs the verbs of one identity, each connection in a thread, by the gateway of ``dirac/``.

Invariant: a verb stops before its next call of a service when whoever asked for it is gone, as it
would if it ran there: it never goes on beside its own repetition. What it raises reaches the other
end; an error that is none of ours is a mistake in this program, and is called one.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from dirac_prodsys.core.text.wording import one_line
from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable, ProdsysError
from dirac_prodsys.gateway.agent.codec import verb, write_error
from dirac_prodsys.gateway.agent.place import version
from dirac_prodsys.gateway.agent.wire import Line
from dirac_prodsys.gateway.dirac.gateway import DiracGateway
from dirac_prodsys.gateway.dirac.rpc import DisetServices
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.watched_calls import watch_calls

#: seconds after which a grid's configuration is read again
_FRESH = 30.0
#: seconds between two signs of life; a connection's timeout is longer
_BEAT = 0.5

_hello: TypeAdapter[GatewaySettings] = TypeAdapter(GatewaySettings)


class AttendedServices(DisetServices):
    """Services that are called only for somebody who still waits for the answer."""

    _thread = threading.local()

    def attend(self, line: Line) -> None:
        """Let the calls of this thread be for who is at that line."""
        self._thread.line = line

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        """See :meth:`Services.call`."""
        if self._thread.line.gone:
            raise GatewayUnavailable("whoever asked for it is gone")
        return super().call(service, method, *arguments)


@dataclass(frozen=True)
class Opened:
    """A gateway, its services, and when it was opened."""

    at: float
    gateway: DiracGateway
    services: AttendedServices


class Worker:
    """The state of this process: gateways by their settings, and connections.

    :param idle: seconds without a connection after which the process ends.
    """

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._lock = threading.Lock()
        self._open = 0
        self._closed = time.monotonic()
        self._opened: dict[GatewaySettings, Opened] = {}
        #: calls of services that no answer has reported yet
        self._calls: deque[tuple[str, float, str]] = deque(maxlen=10_000)
        watch_calls(lambda *call: self._calls.append(call))

    @property
    def is_over(self) -> bool:
        """Whether nobody has been connected for a while."""
        with self._lock:
            return not self._open and time.monotonic() - self._closed > self._idle

    def take_in(self, end: socket.socket, settings: GatewaySettings) -> None:
        """Serve a connection, in a thread."""
        with self._lock:
            self._open += 1
        threading.Thread(target=self._serve, args=(Line(end), settings), daemon=True).start()

    def _serve(self, line: Line, settings: GatewaySettings) -> None:
        try:
            line.send({"version": version(), "worker": os.getpid()}, settings.timeout)
            while True:
                question = line.receive()
                line.send(self._answer(line, settings, question), settings.timeout)
        except OSError:
            pass  # it is gone: the usual end
        except Exception:
            traceback.print_exc()
        finally:
            line.close()
            with self._lock:
                self._open -= 1
                self._closed = time.monotonic()

    def _answer(self, line: Line, settings: GatewaySettings, question: Any) -> dict[str, Any]:
        """Run a verb in another thread, and give signs of life until it has ended."""
        answer: Future[dict[str, Any]] = Future()

        def work() -> None:
            try:
                answer.set_result(self._run(line, settings, question))
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        while not wait([answer], _BEAT).done:
            line.live()
        return answer.result()

    def _run(self, line: Line, settings: GatewaySettings, question: Any) -> dict[str, Any]:
        try:
            asked = verb(question["verb"])
            gateway, services = self._gateway(settings)
            services.attend(line)
            value = getattr(gateway, asked.name)(**asked.read_call(question["arguments"]))
            found = {"value": asked.write_answer(value)}
        except ProdsysError as error:
            found = {"error": write_error(error)}
        except Exception as error:
            traceback.print_exc()
            wrong = GatewayRejected(
                f"{question.get('verb')} failed in the DIRAC agent: {one_line(repr(error))}",
                "this is a mistake in dirac-prodsys; report it with the agent's log",
            )
            found = {"error": write_error(wrong)}
        return {**found, "calls": list(_drained(self._calls))}

    def _gateway(self, settings: GatewaySettings) -> tuple[DiracGateway, AttendedServices]:
        """Return the gateway of these settings, whose configuration is not old."""
        now = time.monotonic()
        with self._lock:
            self._opened = {
                kept: opened for kept, opened in self._opened.items() if now - opened.at < _FRESH
            }
            if settings not in self._opened:
                services = AttendedServices(settings)
                gateway = DiracGateway(settings, services)
                self._opened[settings] = Opened(now, gateway, services)
            opened = self._opened[settings]
        return opened.gateway, opened.services


def serve(channel: socket.socket, idle: float) -> None:
    """Serve the connections that come through a channel, until the agent ends or nobody comes.

    :param idle: seconds without a connection after which it ends.
    """
    worker = Worker(idle)
    channel.settimeout(1.0)
    while not worker.is_over:
        try:
            hello, ends, *_ = socket.recv_fds(channel, 64 * 1024, 1)
        except TimeoutError:
            continue
        if not hello:
            return  # the agent has ended
        for end in ends:
            settings = _hello.validate_python(json.loads(hello)["settings"])
            worker.take_in(socket.socket(fileno=end), settings)


def _drained(calls: deque[tuple[str, float, str]]) -> Iterable[tuple[str, float, str]]:
    while True:
        try:
            yield calls.popleft()
        except IndexError:
            return
