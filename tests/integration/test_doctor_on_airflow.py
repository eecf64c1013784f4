"""``dirac-prodsys doctor`` on a real Airflow: silent on good settings, and each fault is found.

Airflow reads its environment at each question, so that a fault is one variable.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.doctor.check import examine
from dirac_prodsys.core.doctor.facts import Facts, Needed
from dirac_prodsys.core.doctor.table import airflow_checks
from dirac_prodsys.provider.deployment.airflow_facts import airflow_facts
from tests.patience import patience
from tests.unit.cli.airflow_health import health_report

ROOT = Path(__file__).parents[2]
SECRETS = {
    "AIRFLOW__API_AUTH__JWT_SECRET": "s3cret-of-tokens",
    "AIRFLOW__CORE__FERNET_KEY": "jsDPRErfv8Z_eVTnGfF8ywd19j4pyqE3NpdUBA_oRTo=",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow:s3cret-of-db@db/airflow",
}
BUNDLE = "dirac_prodsys.provider.bundle.ProductionsDagBundle"
NEEDS = tuple(Needed(f"p/{n}", "Merging") for n in range(3))


def bundles(**kwargs: Any) -> str:
    """The list of bundles with ours."""
    return json.dumps([{"name": "productions", "classpath": BUNDLE, "kwargs": kwargs}])


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of an Airflow with which nothing is wrong, which is ours for the test."""
    for folder in ("productions", "bundles", "plugins", "dags"):
        (tmp_path / folder).mkdir()
    connection = {"conn_type": "dirac", "password": "s3cret-of-conn", "extra": {"vo": "sim"}}
    settings = {
        **SECRETS,
        "AIRFLOW_CONN_DIRAC_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:8080/execution/",
        "AIRFLOW__API__PORT": "8080",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundles(
            productions=str(tmp_path / "productions")
        ),
        "AIRFLOW__TRIGGERER__CAPACITY": "5000",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


def found() -> dict[str, tuple[str, str]]:
    """Code → severity and message of all that doctor finds with this environment."""
    facts, _ = airflow_facts("dirac_default")
    diagnoses = examine(Facts(airflow=facts, needs=NEEDS), airflow_checks())
    return {one.code: (one.severity, one.what) for one in diagnoses if one.outcome == "found"}


def test_good_settings_are_met_with_silence(good: Mapping[str, str]) -> None:
    assert found() == {}


#: name of the case → variables (``TMP`` is the test's folder), code of the check, words
FAULTS: dict[str, tuple[Mapping[str, str], str, str]] = {
    "no bundle": (
        {
            "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": '[{"name": "dags-folder", "classpath": '
            '"airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}]'
        },
        "airflow-bundle",
        "there are: dags-folder",
    ),
    "no list": (
        {"DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": "[{"},
        "airflow-bundle",
        "cannot be read",
    ),
    "no folder": (
        {"DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundles(productions="TMP/nothing")},
        "airflow-bundle-folder",
        "is no folder on this machine",
    ),
    "a relative folder": (
        {"DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundles(productions="include/productions")},
        "airflow-bundle-folder",
        "is not an absolute path",
    ),
    "no kwargs": (
        {"DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundles()},
        "airflow-bundle-folder",
        "kwargs have no productions",
    ),
    "storage that vanishes": (
        {"DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": ""},
        "airflow-bundle-storage",
        "is not set",
    ),
    "storage that is no folder": (
        {"DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": f"{__file__}/bundles"},
        "airflow-bundle-storage",
        "cannot write",
    ),
    "clean-up": (
        {"DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "1800"},
        "airflow-bundle-cleanup",
        "is 1800",
    ),
    "no versions": (
        {"DAG_PROCESSOR__DISABLE_BUNDLE_VERSIONING": "True"},
        "airflow-bundle-versions",
        "an edit changes runs",
    ),
    "the newest text": (
        {"CORE__RERUN_WITH_LATEST_VERSION": "True"},
        "airflow-rerun",
        "the newest text",
    ),
    "no secret": ({"API_AUTH__JWT_SECRET": ""}, "airflow-jwt-secret", "makes its own"),
    "no key": ({"CORE__FERNET_KEY": ""}, "airflow-fernet-key", "in plain text"),
    "another port": (
        {"CORE__EXECUTION_API_SERVER_URL": "http://localhost:9090/execution/"},
        "airflow-execution-api",
        "has port 9090",
    ),
    "workers elsewhere": (
        {"CORE__EXECUTOR": "CeleryExecutor"},
        "airflow-execution-api",
        "tasks run on other machines",
    ),
    "a limit for all tasks": (
        {"CORE__DEFAULT_TASK_EXECUTION_TIMEOUT": "86400"},
        "airflow-execution-timeout",
        "it ends waits, too",
    ),
    "rare heartbeats": (
        {"WORKERS__MIN_HEARTBEAT_INTERVAL": "200"},
        "airflow-heartbeat",
        "taken for dead",
    ),
    "few places": ({"TRIGGERER__CAPACITY": "2"}, "airflow-capacity", "have 3 steps"),
    "XComs elsewhere": (
        {"CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend"},
        "airflow-xcom-backend",
        "XComObjectStorageBackend",
    ),
    "a paused DAG": (
        {"CORE__MAX_CONSECUTIVE_FAILED_DAG_RUNS_PER_DAG": "3"},
        "airflow-failed-runs",
        "is 3",
    ),
    "all admins": (
        {"CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True"},
        "airflow-all-admins",
        "may act on all",
    ),
    "SQLite": (
        {"DATABASE__SQL_ALCHEMY_CONN": "sqlite:////tmp/airflow.db"},
        "airflow-database",
        "SQLite",
    ),
    "no site's file": (
        {"DIRAC_PRODSYS__SITE": "TMP/site.yaml"},
        "airflow-site",
        "cannot be read",
    ),
    "a site's file of the authors": (
        {"DIRAC_PRODSYS__SITE": "TMP/productions/site.yaml"},
        "airflow-site",
        "where authors write",
    ),
    "an unknown notice": (
        {"DIRAC_PRODSYS__NOTIFY_ON": "stuck", "DIRAC_PRODSYS__NOTIFY_TO": "a@b.c"},
        "airflow-notices",
        "stuck",
    ),
    "no notifier": (
        {"DIRAC_PRODSYS__NOTIFIER": '{"class": "no.such.Notifier"}'},
        "airflow-notices",
        "ModuleNotFoundError",
    ),
    "tracebacks": (
        {"CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "True"},
        "airflow-tracebacks",
        "traceback",
    ),
    "many parses": (
        {"DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30"},
        "airflow-parsing",
        "costs CPU",
    ),
    "late edits": (
        {"CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "30"},
        "airflow-edits",
        "is 30",
    ),
    "late files": (
        {"DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "60"},
        "airflow-new-files",
        "is 60",
    ),
    "no test": ({"CORE__TEST_CONNECTION": "Disabled"}, "airflow-test-connection", "refused"),
    "a package that is loaded twice": (
        {"CORE__PLUGINS_FOLDER": "TMP/plugins"},
        "airflow-loaded-twice",
        "a second time",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_of_the_settings_is_found(
    good: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    (tmp_path / "productions" / "site.yaml").write_text("version: 1\n")
    (tmp_path / "plugins" / "dirac_prodsys").mkdir()
    (tmp_path / "plugins" / "dirac_prodsys" / "__init__.py").touch()
    variables, code, words = FAULTS[case]
    for name, value in variables.items():
        monkeypatch.setenv(f"AIRFLOW__{name}", value.replace("TMP", str(tmp_path)))
    faults = found()
    assert list(faults) == [code]
    assert words in faults[code][1]


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ('{"conn_type": "http"}', "is of type 'http'"),
        ('{"conn_type": "dirac", "extra": {"proxi": "/x"}}', "unknown extra 'proxi'"),
        (None, "cannot be read"),
    ],
)
def test_a_connection_that_cannot_be_used_is_found(
    good: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, connection: str | None, words: str
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_DIRAC_DEFAULT")
    if connection is not None:
        monkeypatch.setenv("AIRFLOW_CONN_DIRAC_DEFAULT", connection)
    faults = found()
    assert list(faults) == ["airflow-connection"]
    assert words in faults["airflow-connection"][1]


@pytest.fixture
def doctor(
    good: Mapping[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command beside this Airflow, as an operator would."""

    def run(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        code = "from dirac_prodsys.cli.main import app; app()"
        database = f"sqlite:///{tmp_path}/s3cret-of-db"
        changed = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database, **variables}
        return subprocess.run(
            [sys.executable, "-c", code, "doctor", "--only", "airflow", *options],
            env={**os.environ, "PYTHONPATH": str(ROOT / "plugins"), **changed},
            capture_output=True,
            text=True,
            timeout=patience(120),
            check=False,
        )

    return run


def test_the_command_shows_what_stops_productions_and_no_secret(
    doctor: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    with health_report(triggerer=None) as url:
        done = doctor("--json", "--airflow", url)
        shown = doctor("--verbose", "--airflow", url)
    assert done.returncode == shown.returncode == 1, done.stderr
    codes = [
        one["code"] for one in json.loads(done.stdout)["diagnoses"] if one["outcome"] == "found"
    ]
    assert codes == ["airflow-components", "airflow-database"]
    assert "triggerer is not running" in shown.stdout
    assert "airflow triggerer; without it no step goes on" in shown.stdout
    for text in (done.stdout, done.stderr, shown.stdout, shown.stderr):
        assert "s3cret" not in text
        assert SECRETS["AIRFLOW__CORE__FERNET_KEY"] not in text
        assert "Traceback" not in text


def test_an_airflow_that_does_not_start_is_a_finding_and_no_traceback(
    doctor: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = doctor(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="no-such-database://s3cret-of-db@db/airflow")
    assert done.returncode == 1
    assert "airflow-starts" in done.stdout
    assert "Airflow does not start here" in done.stdout
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in text
        assert "s3cret" not in text
