"""Builds the settings of a small, real Airflow: the environment of each of its processes.

Invariant: nothing of the caller's own Airflow or DIRAC set-up is inherited; Airflow writes only
into its home; it listens only on loopback.

The values are those that productions of days to weeks need (see docs), but shorter where people and
tests wait for them.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.configuration.environment import VENV_BIN
from sandbox.grid.grid import Grid

USER = "admin"
#: user who may only look
VIEWER = "viewer"
#: user who may trigger any DAG
SHIFTER = "shifter"
BUNDLE = "dirac_prodsys.provider.bundle.ProductionsDagBundle"
LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"

#: Variables that would lead Airflow, Python or DIRAC elsewhere, and one that slows every start.
_FOREIGN = ("AIRFLOW", "DIRAC", "X509_", "PYTHON", "BEARER_TOKEN", "VIRTUAL_ENV")


#: user → name of the password
_PASSWORDS = {USER: "password", VIEWER: "viewer_password", SHIFTER: "shifter_password"}


def secrets_of(home: Path) -> dict[str, str]:
    """Return the keys and passwords of this Airflow: made once, readable by the owner only."""
    path = home / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {name: secrets.token_urlsafe(32) for name in ("jwt", "api")}
    made["fernet"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    made |= {name: secrets.token_urlsafe(12) for name in _PASSWORDS.values()}
    keys = {**made, **kept}
    if keys != kept:
        _write(path, keys)
        # where Airflow's simple auth manager looks
        passwords = {user: keys[name] for user, name in _PASSWORDS.items()}
        _write(passwords_file(home), passwords)
    return keys


def share_secrets(home: Path, other: Path) -> None:
    """Give another home the keys and passwords of this one; make both folders."""
    for folder in (home, other):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if other != home:
        _write(other / "secrets.json", secrets_of(home))


def passwords_file(home: Path) -> Path:
    """Return the JSON file of user → password."""
    return home / "passwords.json"


def _write(path: Path, secret: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(secret))


def bundles(productions: Path, dags: Path) -> str:
    """Return Airflow's list of bundles: the productions, and the ordinary DAGs beside them."""
    return json.dumps(
        [
            {
                "name": "productions",
                "classpath": BUNDLE,
                "kwargs": {"productions": str(productions), "refresh_interval": 1},
            },
            {
                "name": "dags-folder",
                "classpath": LOCAL_BUNDLE,
                "kwargs": {"path": str(dags), "refresh_interval": 5},
            },
        ]
    )


def connection_to(grid: Grid, group: str = "sim_prod", backend: str = "dirac") -> dict[str, Any]:
    """Return Airflow's connection to a sandbox grid, polled as fast as its agents work.

    :param backend: ``dirac``: in process, the scheduler imports DIRAC once for all tasks;
        ``agent``: as a site has it.
    """
    return {
        "conn_type": "dirac",
        "extra": {
            "backend": backend,
            "config": str(grid.client_cfg),
            "proxy": str(grid.proxy("prodmgr", group)),
            "group": group,
            "vo": group.split("_")[0],
            "timeout": 20,
            "poll_interval": 1,
            "agent_cycle": 1,
        },
    }


def environment(
    home: Path,
    ports: Mapping[str, int],
    *,
    productions: Path,
    code: Path,
    connections: Mapping[str, Mapping[str, Any]],
    site: Path | None = None,
) -> dict[str, str]:
    """Return the whole environment of every Airflow process of this home.

    :param ports: ports of the API server (``airflow``), and of the log servers.
    :param productions: folder of YAML files.
    :param code: the tree that has the plugins and the ordinary DAGs.
    :param connections: connection ID -> Airflow's JSON form of a connection.
    :param site: the site's file; None: nothing is limited.
    """
    keys = secrets_of(home)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    address = f"http://127.0.0.1:{ports['airflow']}"
    dags, plugins = code / "dags", code / "plugins"
    settings = {
        "CORE__DAGS_FOLDER": dags,
        "CORE__PLUGINS_FOLDER": plugins,
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": 6,
        # this host's name for others: where its log servers listen
        "CORE__HOSTNAME_CALLABLE": "urllib.request.localhost",
        "CORE__FERNET_KEY": keys["fernet"],
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{VIEWER}:viewer,{SHIFTER}:user",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": passwords_file(home),
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__TEST_CONNECTION": "Enabled",
        # else an edit within 30 s of the previous one is not seen for 30 s
        "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": 1,
        # the UI then shows `file:line:col: reason` and nothing else
        "CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": False,
        # several processes write to one SQLite file
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "API__HOST": "127.0.0.1",
        "API__PORT": ports["airflow"],
        "API__BASE_URL": address,
        "API__WORKERS": 1,
        "API__SECRET_KEY": keys["api"],
        "API_AUTH__JWT_SECRET": keys["jwt"],
        "LOGGING__BASE_LOG_FOLDER": home / "logs" / "tasks",
        "LOGGING__WORKER_LOG_SERVER_PORT": ports["worker-logs"],
        "LOGGING__TRIGGER_LOG_SERVER_PORT": ports["trigger-logs"],
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": home / "logs" / "dag_processor",
        "LOGGING__COLORED_CONSOLE_LOG": False,
        # a stub is parsed again when its file changes, not every 30 s
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 3600,
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": 1,
        "DAG_PROCESSOR__PARSING_PROCESSES": 1,
        "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": home / "bundles",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundles(productions, dags),
        # a run that waits for weeks needs the snapshot that it started with
        "DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": 0,
        # seconds until a dead worker or triggerer is noticed
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 30,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 5,
        "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": 15,
        "TRIGGERER__JOB_HEARTBEAT_SEC": 2,
        "WORKERS__EXECUTION_API_TIMEOUT": 30,
        # how soon a worker sees that its task has ended; if a wait fires sooner than that, the
        # scheduler takes the late report of the deferral for a failure
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        "STATE_STORE__DEFAULT_RETENTION_DAYS": 0,
    }
    if site is not None:
        settings["DIRAC_PRODSYS__SITE"] = site
    return {
        **inherited,
        **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
        **{
            f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection)
            for name, connection in connections.items()
        },
        "AIRFLOW_HOME": str(home),
        # before the package that is installed
        "PYTHONPATH": str(plugins),
        "PATH": os.pathsep.join([str(VENV_BIN), os.environ.get("PATH", os.defpath)]),
        # neither ~/.dirac.cfg nor ~/.globus of the user who starts it
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "DIRAC_PRODSYS_AGENTS": str(home / "agents"),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",
        # setproctitle would overwrite the environment, which identifies our processes
        "SPT_NOENV": "1",
    }
