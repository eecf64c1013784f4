"""What is reported to Airflow's metrics, in the form that their receiver understands."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dirac_prodsys.errors import GatewayUnavailable, NotFound
from dirac_prodsys.gateway.memory.faults import Fault
from dirac_prodsys.gateway.memory.gateway import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs import watched_calls
from dirac_prodsys.provider.reporting import metrics
from dirac_prodsys.provider.reporting.metrics import STATES, Waits

KEY = ec.generate_private_key(ec.SECP256R1())

Told = list[tuple[str, str, Any, dict[str, str] | None]]


class Receiver:
    """What Airflow gives its metrics to."""

    def __init__(self, told: Told) -> None:
        self.told = told

    def incr(self, stat: str, count: int = 1, *, tags: Any = None, **_more: Any) -> None:
        self.told.append(("counter", stat, count, tags))

    def gauge(self, stat: str, value: float, *, tags: Any = None, **_more: Any) -> None:
        self.told.append(("gauge", stat, value, tags))

    def timing(self, stat: str, dt: Any, *, tags: Any = None) -> None:
        self.told.append(("timer", stat, dt, tags))


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Told]]:
    """Switches metrics on by Airflow's options; returns what will be received."""

    def on(*options: str) -> Told:
        for option in options:
            monkeypatch.setenv(f"AIRFLOW__METRICS__{option.upper()}", "True")
        metrics._form.cache_clear()
        assert bool(metrics._form()) is bool(options)
        told: Told = []
        stats.initialize(factory=lambda: Receiver(told), export_legacy_names=True)
        return told

    monkeypatch.setattr(watched_calls, "_watchers", [])
    yield on
    monkeypatch.undo()
    metrics._form.cache_clear()
    stats.initialize(factory=get_stats_factory(), export_legacy_names=True)


def test_tags_stand_beside_the_name_where_the_receiver_knows_them(
    switch: Callable[..., Told],
) -> None:
    told = switch("otel_on")
    metrics.gauge("waits", 3, state="stalled", connection="north")
    metrics.count("looks", connection="north", result="ok")
    tags = {"connection": "north", "state": "stalled"}
    assert told == [
        ("gauge", "dirac_prodsys.waits", 3, tags),
        ("counter", "dirac_prodsys.looks", 1, {"connection": "north", "result": "ok"}),
    ]


def test_their_values_are_part_of_the_name_for_a_plain_statsd(switch: Callable[..., Told]) -> None:
    told = switch("statsd_on")
    metrics.gauge("waits", 3, state="stalled", connection="a site's.north")
    metrics.timing("rpc", 0.25, service="FileCatalog")
    assert told == [
        ("gauge", "dirac_prodsys.waits.a_site_s_north.stalled", 3, None),
        ("timer", "dirac_prodsys.rpc.FileCatalog", datetime.timedelta(seconds=0.25), None),
    ]


@pytest.mark.parametrize("also", ["statsd_influxdb_enabled", "statsd_datadog_enabled"])
def test_a_statsd_that_knows_tags_gets_them(switch: Callable[..., Told], also: str) -> None:
    told = switch("statsd_on", also)
    metrics.count("files_processed", 2, connection="north")
    assert told == [("counter", "dirac_prodsys.files_processed", 2, {"connection": "north"})]


def test_nothing_is_reported_where_airflow_reports_nothing(switch: Callable[..., Told]) -> None:
    told = switch()
    metrics.count("looks", connection="north", result="ok")
    metrics.report_calls()
    assert told == []
    assert watched_calls._watchers == []


def test_a_receiver_that_fails_breaks_nothing(switch: Callable[..., Told]) -> None:
    switch("otel_on")

    def fails() -> Any:
        raise OSError("no route to host")

    stats.initialize(factory=fails, export_legacy_names=True)
    metrics.count("looks", connection="north", result="ok")


def test_each_call_of_a_service_is_reported_and_how_it_failed(switch: Callable[..., Told]) -> None:
    told = switch("otel_on")
    metrics.report_calls()
    metrics.report_calls()
    grid = MemoryGrid()
    gateway = MemoryGateway(grid, GatewaySettings(backend="memory"))
    assert gateway.snapshot([1]) == {}
    calls = sum(gateway.services.calls.values())
    assert [stat for _, stat, _, _ in told] == ["dirac_prodsys.rpc"] * calls
    assert told[0][3] == {"service": "TransformationManager"}
    told.clear()
    grid.faults.append(Fault("unavailable"))
    with pytest.raises(GatewayUnavailable):
        gateway.snapshot([1])
    failure = {"service": "TransformationManager", "kind": "unavailable"}
    assert told[-1] == ("counter", "dirac_prodsys.rpc_failures", 1, failure)


def test_that_a_service_does_not_know_something_is_no_failure() -> None:
    seen: list[tuple[str, str]] = []
    watch = lambda service, _seconds, failure: seen.append((service, failure))  # noqa: E731
    watched_calls.watch_calls(watch)
    try:
        with pytest.raises(NotFound), watched_calls.watched_call("DataManagement/FileCatalog"):
            raise NotFound("no such file")
    finally:
        watched_calls._watchers.remove(watch)
    assert seen == [("DataManagement/FileCatalog", "")]


def test_waits_are_counted_by_state_and_runs_by_the_worst_of_theirs(
    switch: Callable[..., Told],
) -> None:
    told = switch("otel_on")
    waits = Waits("north")
    waits.set("a", "gam__r1__make", "waiting")
    waits.set("b", "gam__r1__merge", "stalled")
    waits.set("c", "gam__r2__make", "waiting")
    waits.set("d", "written by hand", "asks")
    waits.report()
    assert found(told, "waits") == {"waiting": 2, "stalled": 1, "asks": 1}
    assert found(told, "productions") == {"waiting": 1, "stalled": 1, "asks": 1}
    told.clear()
    for wait in "abcd":
        waits.end(wait)
    waits.report()
    assert found(told, "waits") == {}
    assert len(told) == 2 * len(STATES)  # zeros are reported too


def found(told: Told, name: str) -> dict[str, float]:
    """State → value of a gauge, without zeros."""
    own = [(tags, value) for _, stat, value, tags in told if stat == f"dirac_prodsys.{name}"]
    return {tags["state"]: value for tags, value in own if tags and value}


def test_a_file_is_counted_once_however_many_look(switch: Callable[..., Told]) -> None:
    told = switch("otel_on")
    waits = Waits("north")
    waits.processed(7, 3, at_begin=0)
    waits.processed(7, 5, at_begin=0)  # the next wait for the same transformation
    waits.processed(8, 4, at_begin=4)  # taken up from another process
    waits.processed(8, 4, at_begin=4)
    waits.processed(7, 2, at_begin=0)  # files were tried again
    waits.processed(7, 5, at_begin=0)
    assert [value for _, _, value, _ in told] == [3, 2, 3]


def test_the_lifetime_of_a_proxy_is_that_of_its_first_certificate_to_expire(
    switch: Callable[..., Told], tmp_path: Path
) -> None:
    switch("otel_on")
    proxy = tmp_path / "proxy.pem"
    settings = GatewaySettings(proxy=str(proxy))
    assert metrics.proxy_lifetime(settings) == 0  # there is none
    proxy.write_bytes(b"".join(map(certificate, (30, 2, 10))) + private_key())
    assert metrics.proxy_lifetime(settings) == pytest.approx(2 * 3600, abs=60)
    proxy.write_bytes(certificate(-1) + private_key())
    assert metrics.proxy_lifetime(settings) == pytest.approx(-3600, abs=60)
    proxy.write_text("no certificate")
    assert metrics.proxy_lifetime(settings) == 0
    assert metrics.proxy_lifetime(GatewaySettings(backend="memory")) is None


def certificate(hours: float) -> bytes:
    """A certificate, PEM, that expires in so many hours."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "prodmgr")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(hours=hours))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def private_key() -> bytes:
    """The key of these certificates, PEM, as a proxy file holds it."""
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return KEY.private_bytes(serialization.Encoding.PEM, form, plain)
