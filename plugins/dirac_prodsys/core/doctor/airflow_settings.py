"""Checks the settings of an Airflow that runs productions of days to weeks.

Invariant: values are those that Airflow itself would use here, whether from the environment, its
file or its defaults. A secret is never looked at, only where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dirac_prodsys.core.doctor.check import Check, Trouble, number_of
from dirac_prodsys.core.doctor.facts import AirflowFacts, Facts, Missing, known

_BUNDLES = "dag_processor/dag_bundle_config_list"
_CLEANUP = "dag_processor/stale_bundle_cleanup_interval"
_UNVERSIONED = "dag_processor/disable_bundle_versioning"
_LOOK = "dag_processor/bundle_refresh_check_interval"
_PARSE = "dag_processor/min_file_process_interval"
_STORE = "core/min_serialized_dag_update_interval"
_TRACEBACKS = "core/dagbag_import_error_tracebacks"
_EXECUTOR = "core/executor"
_EXECUTION_API = "core/execution_api_server_url"
_BASE_URL = "api/base_url"
_PORT = "api/port"
_DATABASE = "database/sql_alchemy_conn"
_CAPACITY = "triggerer/capacity"
_TIMEOUT = "core/default_task_execution_timeout"
_PAUSE = "core/max_consecutive_failed_dag_runs_per_dag"
_LATEST = "core/rerun_with_latest_version"
_XCOM = "core/xcom_backend"
_HEARTBEAT = "workers/min_heartbeat_interval"
_HEARTBEAT_TIMEOUT = "scheduler/task_instance_heartbeat_timeout"
_ALL_ADMINS = "core/simple_auth_manager_all_admins"
_TEST = "core/test_connection"

#: options that doctor reads; of the database only its kind
OPTIONS = (
    *(_CLEANUP, _UNVERSIONED, _LOOK, _PARSE, _STORE, _TRACEBACKS, _EXECUTOR, _EXECUTION_API),
    *(_BASE_URL, _PORT, _DATABASE, _CAPACITY, _TIMEOUT, _PAUSE, _LATEST, _XCOM, _HEARTBEAT),
    *(_HEARTBEAT_TIMEOUT, _ALL_ADMINS, _TEST),
)
#: secrets of which doctor reads where they come from
JWT, FERNET = "api_auth/jwt_secret", "core/fernet_key"

#: versions of Airflow for which this is made
VERSIONS = ("3.3.", "3.4.")
#: executors whose tasks run on the scheduler's machine
_LOCAL = "LocalExecutor"
#: components that must be alive
_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
_USUAL_XCOM = "airflow.sdk.execution_time.xcom.BaseXCom"

#: seconds of an interval from which on people notice
_SLOW_LOOK, _SLOW_STORE, _SLOW_HEARTBEAT = 10.0, 10.0, 30.0
#: parses of unchanged files that are too many: seconds between them
_OFTEN = 300.0
_URL = re.compile(r"\w+://(?P<host>\[[^\]]*\]|[^:/]*)(:(?P<port>\d+))?(?P<path>.*)")
#: heartbeats of a task that may be lost
_LOST_HEARTBEATS = 3


def airflow_of(facts: Facts) -> AirflowFacts:
    """Return what is known of the Airflow.

    :raises NotThere: there is none here.
    """
    return known(facts.airflow)


def _starts(facts: Facts) -> Iterator[Trouble]:
    if isinstance(facts.airflow, Missing) and facts.airflow.outage:
        yield Trouble(facts.airflow.why)
    else:
        airflow_of(facts)


def _on(text: str) -> bool:
    return text.strip().lower() in ("t", "true", "1", "yes", "on")


def _number(airflow: AirflowFacts, option: str) -> float:
    try:
        return float(airflow.options.get(option) or 0)
    except ValueError:
        return 0.0


def _is(
    option: str, wrong: Callable[[str], bool], words: str
) -> Callable[[Facts], Iterator[Trouble]]:
    """Check one option by itself.

    :param words: what is wrong with it; ``{}`` stands for its value.
    """

    def find(facts: Facts) -> Iterator[Trouble]:
        value = str(airflow_of(facts).options.get(option) or "")
        if wrong(value):
            yield Trouble(f"{named(option)} is {value}: {words}")

    return find


def named(option: str) -> str:
    """Write an option as Airflow's documents do."""
    section, _, name = option.partition("/")
    return f"[{section}] {name}"


def _beyond(limit: float) -> Callable[[str], bool]:
    return lambda value: number_of(value) > limit


def _version(facts: Facts) -> Iterator[Trouble]:
    version = airflow_of(facts).version
    if not version.startswith(VERSIONS):
        yield Trouble(f"this is Airflow {version}")


def _known_here(facts: Facts) -> Iterator[Trouble]:
    airflow = airflow_of(facts)
    if not airflow.provider:
        yield Trouble("Airflow does not know the connection type dirac: its form is missing")
    if not airflow.plugin:
        yield Trouble(
            "Airflow has not loaded the plugin dirac_prodsys: links to the portal are lost"
        )


def _loaded_twice(facts: Facts) -> Iterator[Trouble]:
    if airflow_of(facts).loaded_twice:
        yield Trouble(
            "the plugins folder has the package and no .airflowignore: each of its files "
            "is loaded a second time"
        )


def _bundle(facts: Facts) -> Iterator[Trouble]:
    airflow = airflow_of(facts)
    bundles = airflow.bundles
    if isinstance(bundles, Missing):
        yield Trouble(f"{named(_BUNDLES)} cannot be read: {bundles.why}")
    elif not any(bundle.ours for bundle in bundles) and not airflow.plain:
        there = ", ".join(bundle.name for bundle in bundles) or "none"
        yield Trouble(f"no Dag bundle serves productions; there are: {there}")


def _bundle_folder(facts: Facts) -> Iterator[Trouble]:
    for bundle in known(airflow_of(facts).bundles):
        if bundle.ours and bundle.trouble:
            yield Trouble(f"bundle {bundle.name}: {bundle.folder or 'its folder'} {bundle.trouble}")


def _bundle_storage(facts: Facts) -> Iterator[Trouble]:
    airflow = airflow_of(facts)
    if airflow.storage and any(bundle.ours for bundle in known(airflow.bundles)):
        yield Trouble(f"[dag_processor] dag_bundle_storage_path {airflow.storage}")


def _jwt(facts: Facts) -> Iterator[Trouble]:
    airflow = airflow_of(facts)
    source = airflow.secrets.get(JWT, "environment")
    executor = airflow.options.get(_EXECUTOR, _LOCAL)
    if source in ("default", "empty"):
        yield Trouble(
            f"{named(JWT)} is not set: every process makes its own, and no task can start"
        )
    elif source == "file" and executor != _LOCAL:
        yield Trouble(
            f"{named(JWT)} comes from the airflow.cfg of this machine: with {executor}, workers of "
            "other machines may have another",
        )


def _fernet(facts: Facts) -> Iterator[Trouble]:
    if airflow_of(facts).secrets.get(FERNET) in ("empty", "default"):
        yield Trouble(f"{named(FERNET)} is not set: connections and waits are stored in plain text")


def _execution_api(facts: Facts) -> Iterator[Trouble]:
    airflow = airflow_of(facts)
    url = airflow.options.get(_EXECUTION_API) or ""
    base = airflow.options.get(_BASE_URL) or ""
    executor = airflow.options.get(_EXECUTOR, _LOCAL)
    host, port, path = _address(url or base or "http://localhost")
    here = host in ("localhost", "127.0.0.1", "[::1]")
    if executor != _LOCAL and here:
        yield Trouble(
            f"{named(_EXECUTION_API)} leads to {host}, and with {executor} tasks run on other "
            "machines"
        )
    listens = airflow.options.get(_PORT) or port
    if here and url and port and port != listens:
        yield Trouble(
            f"{named(_EXECUTION_API)} has port {port}, and the API server listens on {listens}"
        )
    if url and not path.rstrip("/").endswith("/execution"):
        yield Trouble(f"{named(_EXECUTION_API)} does not end in /execution/: no task can start")


def _address(url: str) -> tuple[str, str, str]:
    """Return host, port and path of a URL; empty where it has none."""
    found = _URL.match(url)
    return (found["host"], found["port"] or "", found["path"]) if found else ("", "", "")


def _components(facts: Facts) -> Iterator[Trouble]:
    components = airflow_of(facts).components
    if isinstance(components, Missing) and components.outage:
        yield Trouble(components.why, "start it: airflow api-server; or correct the address")
        return
    components = known(components)
    for name in _COMPONENTS:
        found = components.get(name)
        if found is None or found.status != "healthy":
            status = found.status if found is not None and found.status else "not running"
            last = (
                f", last heartbeat {found.heartbeat}"
                if found is not None and found.heartbeat
                else ""
            )
            yield Trouble(f"{name} is {status}{last}", f"start it: {_STARTS.get(name, name)}")


_STARTS = {
    "metadatabase": "see the log of the database",
    "scheduler": "airflow scheduler",
    "triggerer": "airflow triggerer; without it no step goes on",
    "dag_processor": "airflow dag-processor",
}


def _capacity(facts: Facts) -> Iterator[Trouble]:
    airflow = airflow_of(facts)
    capacity = _number(airflow, _CAPACITY)
    if capacity < len(facts.needs):
        yield Trouble(
            f"{named(_CAPACITY)} is {capacity:g}, and the productions have {len(facts.needs)} "
            "steps: the others wait for a place"
        )


def _heartbeat(facts: Facts) -> Iterator[Trouble]:
    airflow = airflow_of(facts)
    beat, limit = _number(airflow, _HEARTBEAT), _number(airflow, _HEARTBEAT_TIMEOUT)
    if 0 < limit <= _LOST_HEARTBEATS * beat:
        yield Trouble(
            f"{named(_HEARTBEAT_TIMEOUT)} is {limit:g} s, and tasks beat every {beat:g} s "
            f"({named(_HEARTBEAT)}): living tasks are taken for dead"
        )
    elif beat > _SLOW_HEARTBEAT:
        yield Trouble(f"{named(_HEARTBEAT)} is {beat:g} s: every wait lasts longer by that")


def _connection(facts: Facts) -> Iterator[Trouble]:
    if why := airflow_of(facts).connection:
        yield Trouble(why)


def _site(facts: Facts) -> Iterator[Trouble]:
    if why := airflow_of(facts).site:
        yield Trouble(why)


def _notices(facts: Facts) -> Iterator[Trouble]:
    if why := airflow_of(facts).notices:
        yield Trouble(f"no notices are sent: {why}")


def _database(facts: Facts) -> Iterator[Trouble]:
    kind = str(airflow_of(facts).options.get(_DATABASE) or "")
    if kind.startswith("sqlite"):
        yield Trouble("the database is SQLite: it is for a trial, and for one machine")


CHECKS = (
    Check(
        "airflow-starts",
        "Airflow starts in this environment",
        "error",
        _starts,
        "`airflow version` and `airflow db check` show more",
    ),
    Check(
        "airflow-components",
        "API server, scheduler, triggerer and DAG processor of Airflow are alive",
        "error",
        _components,
        "start it",
    ),
    Check(
        "airflow-connection",
        "the connection can be read, and is one of ours",
        "error",
        _connection,
        "see docs/reference/connection.md; `airflow connections get ID` shows what there is",
    ),
    Check(
        "airflow-bundle",
        "Airflow serves the productions",
        "error",
        _bundle,
        "add ProductionsDagBundle to [dag_processor] dag_bundle_config_list; the Dockerfile has it",
    ),
    Check(
        "airflow-bundle-folder",
        "the folder of the productions can be read",
        "error",
        _bundle_folder,
        "correct productions in the bundle's kwargs, or mount the folder; it must be absolute",
    ),
    Check(
        "airflow-bundle-storage",
        "snapshots of running productions survive a restart",
        "error",
        _bundle_storage,
        "name a folder that lasts, shared by the DAG processor and all workers",
    ),
    Check(
        "airflow-jwt-secret",
        "all components have one secret for tokens",
        "error",
        _jwt,
        "set AIRFLOW__API_AUTH__JWT_SECRET to the same value for all components",
    ),
    Check(
        "airflow-execution-api",
        "tasks reach the API server",
        "error",
        _execution_api,
        "set AIRFLOW__CORE__EXECUTION_API_SERVER_URL to http://HOST:PORT/execution/",
    ),
    Check(
        "airflow-execution-timeout",
        "no time limit ends a wait",
        "error",
        _is(_TIMEOUT, bool, "it ends waits, too, and a production waits for days"),
        "leave it empty; a production has limits of its own (timeout of a policy)",
    ),
    Check(
        "airflow-heartbeat",
        "heartbeats of tasks and the limit for them fit together",
        "error",
        _heartbeat,
        "leave both at Airflow's defaults, 5 s and 300 s",
    ),
    Check(
        "airflow-site",
        "the site's file can be used",
        "error",
        _site,
        "see docs/reference/site.md; until then nothing is allowed",
    ),
    Check(
        "airflow-version",
        "this is a version of Airflow for which dirac_prodsys is made",
        "warning",
        _version,
        f"use one of {', '.join(f'{version}x' for version in VERSIONS)}",
    ),
    Check(
        "airflow-plugin",
        "Airflow knows the connection type and the plugin",
        "warning",
        _known_here,
        "install the package in the environment of all components",
    ),
    Check(
        "airflow-loaded-twice",
        "the package is loaded once",
        "warning",
        _loaded_twice,
        "copy plugins/.airflowignore into the plugins folder",
    ),
    Check(
        "airflow-database",
        "the database is one for many processes",
        "warning",
        _database,
        "use PostgreSQL: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    ),
    Check(
        "airflow-fernet-key",
        "connections and waits are encrypted",
        "warning",
        _fernet,
        "set AIRFLOW__CORE__FERNET_KEY to the same value for all components",
    ),
    Check(
        "airflow-bundle-cleanup",
        "snapshots of waiting productions are not cleaned away",
        "warning",
        _is(
            _CLEANUP,
            _beyond(0),
            "Airflow removes snapshots by when tasks started, and a wait started days ago",
        ),
        "set AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL=0",
    ),
    Check(
        "airflow-bundle-versions",
        "a run stays with the text with which it began",
        "warning",
        _is(_UNVERSIONED, _on, "an edit changes runs that are under way"),
        "set AIRFLOW__DAG_PROCESSOR__DISABLE_BUNDLE_VERSIONING=False",
    ),
    Check(
        "airflow-rerun",
        "a cleared task keeps the text of its run",
        "warning",
        _is(_LATEST, _on, "a cleared task takes the newest text, and its run has two"),
        "leave it out",
    ),
    Check(
        "airflow-failed-runs",
        "failed runs pause no production",
        "warning",
        _is(_PAUSE, _beyond(0), "so many failed runs pause a production for all"),
        "set it to 0",
    ),
    Check(
        "airflow-capacity",
        "there is a place for every waiting step",
        "warning",
        _capacity,
        "set AIRFLOW__TRIGGERER__CAPACITY to the number of your running steps or more",
    ),
    Check(
        "airflow-xcom-backend",
        "XComs are Airflow's own",
        "warning",
        _is(
            _XCOM,
            lambda value: bool(value) and value != _USUAL_XCOM,
            "the triggerer writes XComs at each look, and this backend must not block it",
        ),
        "use Airflow's own, or one that is asynchronous",
    ),
    Check(
        "airflow-all-admins",
        "not everybody is an administrator",
        "warning",
        _is(_ALL_ADMINS, _on, "whoever reaches the API may act on all productions"),
        "use an auth manager with users; see docs/explanation/security.md",
    ),
    Check(
        "airflow-notices",
        "notices can be sent, or nobody wants them",
        "warning",
        _notices,
        "see docs/how-to/notifications.md",
    ),
    Check(
        "airflow-edits",
        "an edited file is seen within seconds",
        "note",
        _is(_STORE, _beyond(_SLOW_STORE), "an edit within that of the one before it is seen later"),
        "set AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL=5",
    ),
    Check(
        "airflow-new-files",
        "a new file is seen within seconds",
        "note",
        _is(_LOOK, _beyond(_SLOW_LOOK), "a new file is seen after so many seconds"),
        "set AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL=2",
    ),
    Check(
        "airflow-parsing",
        "files that have not changed are seldom parsed",
        "note",
        _is(
            _PARSE,
            lambda value: 0 < number_of(value) < _OFTEN,
            "files are parsed again without a change, which costs CPU",
        ),
        "set AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL=3600",
    ),
    Check(
        "airflow-tracebacks",
        "import errors show the place and the reason only",
        "note",
        _is(_TRACEBACKS, _on, "a mistake in a file stands below a traceback"),
        "set AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS=False",
    ),
    Check(
        "airflow-test-connection",
        "the connection can be tested",
        "note",
        _is(_TEST, lambda value: value.lower() != "enabled", "airflow connections test is refused"),
        "set AIRFLOW__CORE__TEST_CONNECTION=Enabled; dirac-prodsys doctor says more",
    ),
)
