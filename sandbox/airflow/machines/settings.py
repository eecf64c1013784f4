"""Builds the environment of Airflow's processes on each machine.

Settings of a site: CeleryExecutor, FAB, and Airflow's own times for who counts as dead. A machine
has its own home, disk and bundle storage. Only the machine of the DAG processor knows the folder of
the productions, and only triggerers and workers know the grid.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.airflow import settings
from sandbox.airflow.machines.network import Network
from sandbox.airflow.machines.servers import BUCKET, POSTGRES_PORT, REDIS_PORT, STORE_PORT
from sandbox.configuration.environment import REPOSITORY

API_PORT = 8080
#: the machine of API server, first scheduler and DAG processor
CONTROL = "control"
STORE = f"s3://prodsys_store@{BUCKET}/versions"

#: settings of a small machine that this one does without
_DROPPED = (
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD",
    "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
    "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
)


def environment(
    network: Network,
    home: Path,
    *,
    programs: Path,
    package: Path,
    password: str,
    productions: Path | None = None,
    connections: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, str]:
    """Return the whole environment of the processes of one machine.

    :param home: AIRFLOW_HOME of the machine; it has the keys of all.
    :param programs: bin folder of the environment with Airflow.
    :param package: folder with this package, in the version that the machine runs.
    :param password: of database and broker.
    :param productions: folder of the YAML files; None: this machine has none.
    :param connections: those to grids; None: this machine asks none.
    """
    folder = productions or home / "no-productions"
    env = settings.environment(
        home,
        {"airflow": API_PORT, "worker-logs": 0, "trigger-logs": 0},
        productions=folder,
        # plugins folder and ordinary DAGs; a package that lay in the plugins folder without
        # .airflowignore would be loaded file by file
        code=REPOSITORY,
        connections={**(connections or {}), "prodsys_store": _store(network)},
    )
    for name in _DROPPED:
        env.pop(name)
    database = f"postgresql+psycopg2://airflow:{password}@db:{POSTGRES_PORT}/postgres"
    api = f"http://{network.address(CONTROL)}:{API_PORT}"
    changed = {
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__PARALLELISM": 32,
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "CORE__EXECUTION_API_SERVER_URL": f"http://{CONTROL}:{API_PORT}/execution/",
        "CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "DATABASE__SQL_ALCHEMY_CONN": database,
        "CELERY__BROKER_URL": f"redis://:{password}@broker:{REDIS_PORT}/0",
        "CELERY__RESULT_BACKEND": f"db+{database.replace('+psycopg2', '')}",
        "CELERY__WORKER_CONCURRENCY": 4,
        "API__HOST": network.address(CONTROL),
        "API__BASE_URL": api,
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": _bundles(folder),
    }
    return env | {
        **{f"AIRFLOW__{name}": str(value) for name, value in changed.items()},
        "PYTHONPATH": str(package),
        "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def _bundles(productions: Path) -> str:
    bundles = json.loads(settings.bundles(productions, REPOSITORY / "dags"))
    bundles[0]["kwargs"]["store"] = STORE
    return json.dumps(bundles)


def _store(network: Network) -> dict[str, Any]:
    """Return the connection to the store, whose outages are noticed soon."""
    timeouts = {"connect_timeout": 5, "read_timeout": 10, "retries": {"max_attempts": 2}}
    return {
        "conn_type": "aws",
        "login": "prodsys",
        "password": "prodsys",
        "extra": {
            "endpoint_url": f"http://{network.address('store')}:{STORE_PORT}",
            "region_name": "us-east-1",
            "config_kwargs": timeouts,
        },
    }
