"""Receives metrics as a site's own servers do: StatsD by UDP, OpenTelemetry by OTLP over HTTP."""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: bytes that wait for a busy test; what comes beyond is lost, as with any StatsD
_BUFFER = 8 * 1024 * 1024


@dataclass
class StatsD:
    """What came, by name; the port is that of a socket on loopback."""

    port: int = 0
    counters: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    gauges: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    timers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def settings(self) -> dict[str, str]:
        """Airflow's settings that send its metrics here."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.port),
        }

    def take(self, packet: bytes) -> None:
        """Take the lines ``name:value|type`` of a packet."""
        for line in packet.decode().splitlines():
            name, _, rest = line.rpartition(":")
            value, kind = rest.split("|")[:2]
            if kind == "c":
                self.counters[name] += float(value)
            elif kind == "g":
                self.gauges[name].append(float(value))
            elif kind == "ms":
                self.timers[name].append(float(value))


@contextmanager
def statsd() -> Iterator[StatsD]:
    """A StatsD server on loopback, while the block lasts."""
    received = StatsD()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.1)
        received.port = listening.getsockname()[1]
        over = threading.Event()

        def listen() -> None:
            while True:
                try:
                    received.take(listening.recv(65536))
                except TimeoutError:
                    if over.is_set():
                        return

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield received
        finally:
            over.set()
            thread.join()


#: the tags of a point
Tags = frozenset[tuple[str, str]]


@dataclass
class OpenTelemetry:
    """The last point of each series; the port is that of a server on loopback.

    :param points: (name, tags) → value of a counter or gauge, or number of a histogram's values.
    """

    port: int = 0
    points: dict[tuple[str, Tags], float] = field(default_factory=dict)

    def value(self, name: str, **tags: str) -> float:
        """The last value of one series."""
        return self.points[name, frozenset(tags.items())]

    def take(self, body: bytes) -> None:
        """Take an ``ExportMetricsServiceRequest``."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
            ExportMetricsServiceRequest,
        )

        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    kind = metric.WhichOneof("data")
                    for point in getattr(metric, kind).data_points:
                        tags = frozenset((a.key, a.value.string_value) for a in point.attributes)
                        self.points[metric.name, tags] = _value(kind, point)


def _value(kind: str, point: Any) -> float:
    if "histogram" in kind:
        return float(point.count)
    return float(getattr(point, point.WhichOneof("value")))


@contextmanager
def otlp() -> Iterator[OpenTelemetry]:
    """An OTLP receiver on loopback, while the block lasts."""
    received = OpenTelemetry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
