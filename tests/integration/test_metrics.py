"""The metrics of a run of the demo, as a site's servers receive them, are the facts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dirac_prodsys.core.grid.status import FileStatus
from dirac_prodsys.provider.reporting.metrics import STATES
from tests.metric_receivers import otlp, statsd

REPOSITORY = Path(__file__).parents[2]
CONNECTION = "dirac_default"


def measured(home: Path, settings: Mapping[str, str]) -> list[dict[str, Any]]:
    """Run the demo with these settings; returns the rows of ``status --json``."""
    folder = home / "productions"
    folder.mkdir()
    extra = {"backend": "memory", "config": "measured", "poll_interval": 0.02, "agent_cycle": 0.02}
    bundle = {
        "name": "productions",
        "classpath": "dirac_prodsys.provider.bundle.ProductionsDagBundle",
        "kwargs": {"productions": str(folder)},
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    run = subprocess.run(
        [sys.executable, "-m", "tests.integration.measured_run", str(folder)],
        cwd=REPOSITORY,
        env={
            **kept,
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), *sys.path]),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "0",
            f"AIRFLOW_CONN_{CONNECTION.upper()}": json.dumps(
                {"conn_type": "dirac", "extra": extra}
            ),
            **settings,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    text = run.stdout[run.stdout.index("{\n") :]
    rows: list[dict[str, Any]] = json.JSONDecoder().raw_decode(text)[0]["transformations"]
    return rows


def processed(rows: list[dict[str, Any]]) -> int:
    return sum(row["files"].get(FileStatus.PROCESSED, 0) for row in rows)


def test_what_a_statsd_receives_are_the_facts(tmp_path: Path) -> None:
    with statsd() as received:
        rows = measured(tmp_path, received.settings())
    ours = "airflow.dirac_prodsys"
    assert len(rows) == 3
    assert processed(rows) > 14
    assert received.counters[f"{ours}.files_processed.{CONNECTION}"] == processed(rows)
    assert received.counters[f"{ours}.looks.{CONNECTION}.ok"] > 0
    assert f"{ours}.looks.{CONNECTION}.outage" not in received.counters
    waits = {state: received.gauges[f"{ours}.waits.{CONNECTION}.{state}"] for state in STATES}
    runs = {state: received.gauges[f"{ours}.productions.{CONNECTION}.{state}"] for state in STATES}
    # one run, whose three transformations were waited for and are not any more
    assert max(max(values) for values in runs.values()) == 1
    assert 1 <= max(max(values) for values in waits.values()) <= len(rows)
    assert {values[-1] for values in (*waits.values(), *runs.values())} == {0}
    assert set(received.gauges[f"{ours}.last_look_age.{CONNECTION}"]) == {0}
    assert received.timers[f"{ours}.rpc.TransformationManager"]
    assert received.timers[f"{ours}.rpc.FileCatalog"]
    assert not [name for name in received.counters if "rpc_failures" in name]
    assert len(received.timers[f"{ours}.bundle_refresh.productions"]) == 1
    assert received.gauges[f"{ours}.production_files.productions.good"] == [1]
    assert received.gauges[f"{ours}.production_files.productions.broken"] == [0]


def test_what_an_otlp_receiver_gets_are_the_facts(tmp_path: Path) -> None:
    with otlp() as received:
        settings = {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{received.port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
        }
        rows = measured(tmp_path, settings)
    ours, by = "airflow.dirac_prodsys", {"connection": CONNECTION}
    assert received.value(f"{ours}.files_processed", **by) == processed(rows)
    assert received.value(f"{ours}.looks", **by, result="ok") > 0
    for state in STATES:
        assert received.value(f"{ours}.waits", **by, state=state) == 0
        assert received.value(f"{ours}.productions", **by, state=state) == 0
    assert received.value(f"{ours}.last_look_age", **by) == 0
    assert received.value(f"{ours}.rpc", service="TransformationManager") > 0
    assert received.value(f"{ours}.bundle_refresh", bundle="productions") == 1
    served = {"bundle": "productions"}
    assert received.value(f"{ours}.production_files", **served, state="good") == 1
    assert received.value(f"{ours}.production_files", **served, state="broken") == 0
    assert not [name for name, _ in received.points if "rpc_failures" in name]
