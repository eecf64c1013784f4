"""Facts of a grid and of an Airflow with which nothing is wrong, and ways to spoil them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dirac_prodsys.core.doctor import access, airflow_settings
from dirac_prodsys.core.doctor.facts import (
    AirflowFacts,
    Authorities,
    Bundle,
    Caller,
    Component,
    Facts,
    GridFacts,
    GridWork,
    LiveTransformation,
    Needed,
    ProxyFacts,
    RequestTraces,
    ServiceAnswer,
    TaskTraces,
)
from dirac_prodsys.core.grid.inventory import Inventory

NOW = 1_800_000_000.0
HOUR = 3600.0
AGENTS = "/Systems/Transformation/Agents"
OPERATIONS = "/Operations/Defaults"

OPTIONS = {
    f"{OPERATIONS}/Transformations/DataProcessing": "MCSimulation, Merging",
    f"{OPERATIONS}/Transformations/DataManipulation": "Replication, Removal",
    f"{OPERATIONS}/Transformations/ExtendableTransfTypes": "MCSimulation",
    f"{OPERATIONS}/JobDescription/AllowedJobTypes": "User, Test",
    f"{OPERATIONS}/ProductionOutputs/sim": "DISK-A-SE",
    f"{OPERATIONS}/ProductionOutputsFailover/sim": "DISK-A-SE",
    f"{OPERATIONS}/Shifter/ProductionManager/User": "prodmgr",
    "/Resources/Shares/CPU/LCG.A.org": "50",
    f"{AGENTS}/TransformationAgent/PollingTime": "120",
    f"{AGENTS}/InputDataAgent/PollingTime": "120",
    f"{AGENTS}/InputDataAgent/MultiVO": "False",
    f"{AGENTS}/WorkflowTaskAgent/TransType": "",
    f"{AGENTS}/WorkflowTaskAgent/SubmitTasks": "yes",
    f"{AGENTS}/WorkflowTaskAgent/MonitorTasks": "yes",
    f"{AGENTS}/WorkflowTaskAgent/MonitorFiles": "yes",
    f"{AGENTS}/RequestTaskAgent/MonitorTasks": "yes",
    f"{AGENTS}/RequestTaskAgent/MonitorFiles": "yes",
    f"{AGENTS}/TransformationCleaningAgent/PollingTime": "3600",
    f"{AGENTS}/TransformationCleaningAgent/EnableFlag": "True",
    "/Systems/RequestManagement/Agents/RequestExecutingAgent/PollingTime": "60",
}

WORK = GridWork(
    patience=1800.0,
    transformations=(
        LiveTransformation(1, "p__r__sim", "MCSimulation", "Standard", "Active", changed=NOW - 60),
        LiveTransformation(2, "p__r__merge", "Merging", "Standard", "Active", changed=NOW - 60),
    ),
    jobs=TaskTraces(waiting=0, oldest=NOW - 60, made=NOW - 60, moved=NOW - 90),
    with_input=TaskTraces(made=NOW - 60, moved=NOW - 90),
    attached=NOW - 120,
)

ANSWER = ServiceAnswer("v9.1.22", NOW, NOW - 0.1, NOW + 0.1)

GRID = GridFacts(
    group="sim_prod",
    vo="sim",
    agent_cycle=120.0,
    now=NOW,
    options=OPTIONS,
    authorities=Authorities("/etc/grid-security/certificates", 3),
    proxy=ProxyFacts("/run/proxy.pem", NOW + 100 * HOUR, "sim_prod"),
    identity=Caller("prodmgr", "sim_prod", "sim", frozenset({"ProductionManagement"})),
    services=dict.fromkeys((*access.NEEDED, *access.USEFUL), ANSWER),
    inventory=Inventory(
        directory_fields={"run": "VARCHAR(128)", "prodsys_gather": "int"},
        file_fields={"TransformationID": "int", "jobID": "VARCHAR(128)"},
        storage_elements=frozenset({"DISK-A-SE"}),
        sites=frozenset({"LCG.A.org", "LCG.B.org"}),
        transformation_types=frozenset({"MCSimulation", "Merging", "Replication", "Removal"}),
    ),
    work=WORK,
    requests=RequestTraces(NOW - 60, ended=True),
    installed=frozenset(
        {
            *("InputDataAgent", "TransformationAgent", "WorkflowTaskAgent", "RequestTaskAgent"),
            *("TransformationCleaningAgent", "RequestExecutingAgent"),
        }
    ),
    delegated=NOW + 300 * HOUR,
)

AIRFLOW = AirflowFacts(
    version="3.3.2",
    options={
        **dict.fromkeys(airflow_settings.OPTIONS, ""),
        "core/executor": "LocalExecutor",
        "core/execution_api_server_url": "http://127.0.0.1:8080/execution/",
        "core/test_connection": "Enabled",
        "core/dagbag_import_error_tracebacks": "False",
        "core/min_serialized_dag_update_interval": "5",
        "core/xcom_backend": "airflow.sdk.execution_time.xcom.BaseXCom",
        "api/port": "8080",
        "database/sql_alchemy_conn": "postgresql+psycopg2",
        "dag_processor/stale_bundle_cleanup_interval": "0",
        "dag_processor/bundle_refresh_check_interval": "2",
        "dag_processor/min_file_process_interval": "3600",
        "triggerer/capacity": "5000",
        "workers/min_heartbeat_interval": "5",
        "scheduler/task_instance_heartbeat_timeout": "300",
    },
    secrets={"api_auth/jwt_secret": "environment", "core/fernet_key": "environment"},
    bundles=(Bundle("productions", ours=True, folder="/srv/productions"), Bundle("dags-folder")),
    components={
        name: Component("healthy", "2027-01-15T08:00:00+00:00")
        for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
    },
)

GOOD = Facts(
    GRID,
    AIRFLOW,
    needs=(
        Needed("p/sim", "MCSimulation", "Standard", "MCSimulation", "job", tasks_given=True),
        Needed("p/merge", "Merging", "Standard", "Merging", "job", ("LCG.A.org",)),
        Needed("p/copy", "Replication", "Broadcast", "", "request"),
    ),
)


def grid(**changed: Any) -> Facts:
    """The good facts with other facts of the grid."""
    return replace(GOOD, grid=replace(GRID, **changed))


def work(**changed: Any) -> Facts:
    """The good facts with other work for the agents."""
    return grid(work=replace(WORK, **changed))


def option(path: str, value: str | None) -> Facts:
    """The good facts with another option of the grid; None: without it."""
    options = {name: old for name, old in OPTIONS.items() if name != path}
    return grid(options=options if value is None else {**options, path: value})


def agent(name: str, value: str | None) -> Facts:
    """The good facts with another option of an agent of the Transformation System."""
    return option(f"{AGENTS}/{name}", value)


def fields(
    *, directories: dict[str, str] | None = None, files: dict[str, str] | None = None
) -> Facts:
    """The good facts with other fields of the catalogue."""
    inventory = GRID.inventory
    assert isinstance(inventory, Inventory)
    return grid(
        inventory=replace(
            inventory,
            directory_fields={**inventory.directory_fields, **(directories or {})},
            file_fields=inventory.file_fields if files is None else files,
        )
    )


def needs(*needed: Needed) -> Facts:
    """The good facts with other needs."""
    return replace(GOOD, needs=needed)


def airflow(**changed: Any) -> Facts:
    """The good facts with other facts of Airflow."""
    return replace(GOOD, airflow=replace(AIRFLOW, **changed))


def setting(**options: str) -> Facts:
    """The good facts with other options of Airflow: ``section__option``."""
    said = {name.replace("__", "/", 1): value for name, value in options.items()}
    return airflow(options={**AIRFLOW.options, **said})
