"""What every test needs before the first import: an Airflow home of its own.

Airflow reads its environment once, when it is imported, so the variables are set here, while no
test module has been imported yet. Nothing of Airflow or DIRAC is imported here: the tests of
``core`` run without both.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.costs import Costs
from tests.patience import patience

REPOSITORY = Path(__file__).resolve().parents[1]

_HOME = Path(tempfile.mkdtemp(prefix="dirac-prodsys-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

#: the drop-in folder of the bundle that the tests' Airflow is configured with
PRODUCTIONS = _HOME / "productions"

for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "AIRFLOW__"))]:
    del os.environ[_name]
os.environ.update(
    {
        "AIRFLOW_HOME": str(_HOME),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(_HOME / "dags"),
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "False",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME / 'airflow.db'}",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(_HOME / "bundles"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [
                {
                    "name": "productions",
                    "classpath": "dirac_prodsys.provider.bundle.ProductionsDagBundle",
                    "kwargs": {"productions": str(PRODUCTIONS), "refresh_interval": 2},
                }
            ]
        ),
        # dag.test() has no worker whose news could come late
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "0",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        # tests of the ledger name one of their own
        "AIRFLOW__DIRAC_PRODSYS__LEDGER": "off",
    }
)
PRODUCTIONS.mkdir()
(_HOME / "dags").mkdir()


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """The Airflow home of this test run, empty but for a configuration."""
    return _HOME


@pytest.fixture(scope="session")
def airflow_database(airflow_home: Path) -> Path:
    """A migrated Airflow database (SQLite) in the home; returns its path."""
    from airflow.utils.db import initdb

    from sandbox.airflow import empty_database

    database = airflow_home / "airflow.db"
    empty_database.provide(database, initdb)
    return database


@pytest.fixture
def productions_folder(airflow_home: Path) -> Path:
    """The drop-in folder of the configured bundle; left empty after the test."""
    yield PRODUCTIONS
    for path in PRODUCTIONS.iterdir():
        path.unlink()


#: how the names of tests begin that share a grid, and so stay together where several workers run
#: tests, and of other long ones; the longest come first, so that no worker is left with one of them
_TOGETHER = tuple(
    re.compile(begin)
    for begin in (
        "tests/e2e/full/",
        "tests/e2e/machines/",
        # two parts, each with a site of its own
        "tests/e2e/test_[a-d]",
        "tests/e2e/test_[e-z]",
        "tests/contract/",
        # three parts, each with a grid of its own
        "tests/integration/test_[a-d]",
        "tests/integration/test_[e-m]",
        "tests/integration/test_[n-z]",
        "tests/integration/ledger/",
        "tests/rehearsal/",
        "tests/walk/",
    )
)


#: folders whose tests need a grid, and processes of Airflow as well
_ON_A_SITE = ("tests/e2e/", "tests/rehearsal/")
#: folder whose tests need many machines as well
_ON_MACHINES = "tests/e2e/machines/"
#: where tests run whole productions, read thousands of files, play all orders of calls, start many
#: programs or servers, or wait
_LONG = (
    "tests/fuzz/",
    "tests/integration/",
    "tests/page/",
    "tests/walk/",
    "tests/unit/cli/test_alone.py",
    "tests/unit/cli/test_graphml.py",
    "tests/unit/cli/test_lint_codes.py",
    "tests/unit/cli/test_lint_formats.py",
    "tests/unit/cli/test_run_ids.py",
    "tests/unit/communities/test_another_community.py",
    "tests/unit/core/test_growth.py",
    "tests/unit/docs/test_coming_from.py",
    "tests/unit/gateway/agent/test_kills.py",
    "tests/unit/gateway/agent/test_life.py",
    "tests/unit/gateway/bodies/test_uploads.py",
    "tests/unit/gateway/memory/test_faults.py",
    "tests/unit/gateway/procedures/test_recovery_walk.py",
    "tests/unit/gateway/procedures/test_two_writers.py",
    "tests/unit/gateway/verbs/test_task_makers.py",
    "tests/unit/provider/actions/test_accidents.py",
    "tests/unit/provider/bundle/test_machines.py",
    "tests/unit/provider/bundle/test_sources.py",
    "tests/unit/provider/bundle/test_warm.py",
    "tests/unit/provider/page/test_openapi.py",
    "tests/unit/provider/page/test_rights",
    "tests/unit/provider/test_cancel_walk.py",
    "tests/unit/provider/test_dag_growth.py",
    "tests/unit/provider/test_gates.py",
    "tests/unit/sandbox_software/",
    "tests/unit/test_first_changes.py",
)
#: fixtures that start a grid
_GRIDS = frozenset({"contract_grid", "light_grid"})


def _needs(item: pytest.Item) -> set[str]:
    """The markers of what a test needs besides Python, by its folder, fixtures and parameters."""
    if item.nodeid.startswith(_ON_A_SITE):
        far = item.nodeid.startswith(_ON_MACHINES)
        return {"grid", "airflow", "machines"} if far else {"grid", "airflow"}
    needs = {"long"} if item.nodeid.startswith(_LONG) else set()
    system = getattr(item, "callspec", None) and item.callspec.params.get("system")
    used = _GRIDS & set(getattr(item, "fixturenames", ()))
    return needs | {"grid"} if used or system == "dirac" else needs


def pytest_configure(config: pytest.Config) -> None:
    """Measure what each file of tests costs."""
    config.pluginmanager.register(Costs(lambda test: test.partition("::")[0]), "costs")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a grid or Airflow, and how long it may take; the longest come first."""
    order = {begin.pattern: rank for rank, begin in enumerate(_TOGETHER)}
    for item in items:
        for name in sorted(_needs(item)):
            item.add_marker(name)
        if _group(item.nodeid) in order:
            marker = item.get_closest_marker("timeout")
            seconds = marker.args[0] if marker else float(item.config.getini("timeout"))
            item.add_marker(pytest.mark.timeout(patience(seconds)), append=False)
    items.sort(key=lambda item: order.get(_group(item.nodeid), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Workers take the tests of a whole grid, or else of a module."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGrid(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return ByGrid(config, log)


def _group(nodeid: str) -> str:
    found = (begin.pattern for begin in _TOGETHER if begin.match(nodeid))
    return next(found, nodeid.split("::")[0])
