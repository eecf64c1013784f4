"""The Airflow that the other tests and the demo run on."""

from __future__ import annotations

import ipaddress

import psutil

from sandbox.airflow.stack import PROCESSES
from tests.e2e.site import Site
from tests.patience import until


def addresses(process: psutil.Process) -> set[str]:
    """Where a process listens; nowhere, if it has ended meanwhile as parsers of files do."""
    try:
        connections = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return set()
    return {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}


def test_nothing_listens_but_on_loopback(site: Site) -> None:
    listening = set().union(*map(addresses, site.stack.processes.marked()))
    assert listening
    assert all(ipaddress.ip_address(address).is_loopback for address in listening), listening


def test_up_finds_everything_running_and_starts_nothing(site: Site) -> None:
    processes = site.stack.processes
    before = {name: processes.find(name) for name in PROCESSES}
    assert None not in before.values()
    assert site.stack.up() is False
    assert {name: processes.find(name) for name in PROCESSES} == before


def test_the_dag_processor_reports_each_refresh_and_the_triggerer_each_look(site: Site) -> None:
    """In both, Airflow leaves the metrics of its SDK unset until something loads them."""
    site.drop("measured", site.gated("make"))
    site.begin("measured", "r")
    site.waiting("measured", "r", "make.wait_for_completion")
    ours = "airflow.dirac_prodsys"
    until(
        "a look that found it waiting",
        30,
        lambda: 1 in site.received.gauges[f"{ours}.productions.dirac_default.waiting"],
    )
    assert site.received.timers[f"{ours}.bundle_refresh.productions"]
    assert site.received.gauges[f"{ours}.production_files.productions.good"][-1] >= 1
    assert site.received.counters[f"{ours}.looks.dirac_default.ok"] > 0
    # the proxy of a sandbox is valid for a day or more
    assert site.received.gauges[f"{ours}.proxy_lifetime.dirac_default"][-1] > 3600
    site.open_gate("measured", "r")
    site.succeeds("measured", "r")


def test_the_connection_is_known_to_airflow_and_works(site: Site) -> None:
    answer = site.stack.command("connections", "test", "dirac_default")
    assert "Connection success!" in answer
