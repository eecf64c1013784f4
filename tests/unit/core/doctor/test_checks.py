"""Each check finds what it is for, and nothing where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dirac_prodsys.core.doctor import table
from dirac_prodsys.core.doctor.check import Diagnosis, examine
from dirac_prodsys.core.doctor.facts import (
    Bundle,
    Caller,
    Component,
    Facts,
    LeftFiles,
    LiveTransformation,
    Missing,
    Needed,
    ProxyFacts,
    RequestTraces,
    TaskTraces,
)
from tests.unit.core.doctor.good import (
    AIRFLOW,
    ANSWER,
    GOOD,
    GRID,
    HOUR,
    NOW,
    OPERATIONS,
    OPTIONS,
    WORK,
    agent,
    airflow,
    fields,
    grid,
    needs,
    option,
    setting,
    work,
)

CHECKS = (*table.grid_checks(), *table.airflow_checks())
CODES = [check.code for check in CHECKS]
SILENT = Missing("it gave no answer in 20 s", outage=True)
ABSENT = Missing("the configuration names no URL for it")

LONG_AGO = NOW - 5 * HOUR
STANDING = TaskTraces(waiting=7, oldest=LONG_AGO, made=LONG_AGO, moved=LONG_AGO)
FLUSHED = LiveTransformation(3, "p__r__left", "Merging", "Standard", "Flush", changed=LONG_AGO)
CLEANED = replace(FLUSHED, status="Cleaning", changed=NOW - 30 * HOUR)
EXTENDED = LiveTransformation(4, "mine", "MCSimulation", "Standard", "Active", max_tasks=100)
LATE = replace(WORK, jobs=STANDING)
TASK_AGENT = "/Systems/Transformation/Agents/WorkflowTaskAgent"
CTAO = Needed("t/sim", "MCSimulation", "Standard", "MCSimulation", "ctao", tasks_given=True)


def services(**changed: object) -> Facts:
    """The good facts with another answer of services, by the end of their names."""
    known = {name: changed.get(name.split("/")[1], said) for name, said in GRID.services.items()}
    return grid(services=known)


CELERY = {
    "core/executor": "CeleryExecutor",
    "core/execution_api_server_url": "http://api:8080/execution/",
    "core/test_connection": "Enabled",
    "triggerer/capacity": "9",
}
OTHER = Caller("prodmgr", "sim_prod", "ctao", frozenset({"ProductionUser"}))


#: code → facts with that one fault, and words of the message
SEEDED: dict[str, tuple[Facts, str]] = {
    "configuration": (grid(options=SILENT), "gave no answer"),
    "ca-certificates": (grid(authorities=replace(GRID.authorities, found=0)), "no CA certificate"),
    "proxy": (grid(proxy=ProxyFacts("/run/proxy.pem", NOW - 60)), "has expired at"),
    "proxy-lifetime": (grid(proxy=ProxyFacts("/run/proxy.pem", NOW + 2 * HOUR)), "ends in 2 h"),
    "proxy-private": (grid(proxy=replace(GRID.proxy, shared=True)), "others than its owner"),
    "delegated-proxy": (grid(delegated=0.0), "has no proxy of ours"),
    "group-and-vo": (
        grid(identity=Caller("prodmgr", "ctao_prod", "sim", frozenset({"ProductionManagement"}))),
        "for group ctao_prod, and the connection says sim_prod",
    ),
    "rights": (grid(identity=Caller("alice", "sim_prod", "sim")), "ProductionManagement"),
    "services": (services(FileCatalog=SILENT), "DataManagement/FileCatalog does not answer"),
    "other-services": (services(ReqManager=SILENT), "requests of data management do not go on"),
    "dirac-version": (services(FileCatalog=replace(ANSWER, version="v8.0.86")), "v8.0.86"),
    "clocks": (services(ReqManager=replace(ANSWER, clock=NOW - 600)), "10 min behind ours"),
    "quick-answers": (services(FileCatalog=replace(ANSWER, asked=NOW - 9)), "9 s to answer"),
    "input-data-agent": (
        work(unattached=(LeftFiles("p__r__merge", 12),), attached=LONG_AGO),
        "12 files of p__r__merge are older than 30 min and not attached",
    ),
    "transformation-agent": (
        work(transformations=(FLUSHED,), with_input=TaskTraces(made=LONG_AGO)),
        "p__r__left is to be flushed since",
    ),
    "workflow-task-agent": (work(jobs=STANDING), "7 tasks are Created since"),
    "request-task-agent": (work(requests=STANDING), "7 tasks are Created since"),
    "request-executing-agent": (grid(requests=RequestTraces(LONG_AGO)), "a request is Waiting"),
    "cleaning-agent": (work(transformations=(CLEANED,)), "p__r__left is Cleaning since"),
    "agents-installed": (
        grid(installed=GRID.installed - {"RequestTaskAgent"}),
        "no host has RequestTaskAgent installed",
    ),
    "agents-switched-on": (
        agent("TransformationCleaningAgent/EnableFlag", "true"),
        "EnableFlag = true, and only True counts",
    ),
    "types": (
        option(f"{OPERATIONS}/Transformations/DataManipulation", "Removal"),
        "no agent works on type Replication (p/copy)",
    ),
    "types-of-agents": (
        agent("WorkflowTaskAgent/TransType", "MCSimulation, Merge"),
        "WorkflowTaskAgent submits no job of type Merging (p/merge)",
    ),
    "types-twice": (
        option(f"{OPERATIONS}/Transformations/DataManipulation", "Replication, Removal, Merging"),
        "Merging is in both",
    ),
    "types-extendable": (
        option(f"{OPERATIONS}/Transformations/ExtendableTransfTypes", "Simulation"),
        "no task can be added to type MCSimulation",
    ),
    "flush-is-seen": (
        agent("TransformationAgent/transformationStatus", "Active, Completing"),
        "that are Flush",
    ),
    "request-monitoring": (agent("RequestTaskAgent/MonitorFiles", ""), "MonitorFiles empty"),
    "agent-credentials": (
        agent("WorkflowTaskAgent/ShifterCredentials", "DataManager"),
        "act as DataManager",
    ),
    "input-data-multi-vo": (agent("InputDataAgent/MultiVO", "True"), "KeyError AuthorDN"),
    "monitored-states": (
        agent("WorkflowTaskAgent/TaskUpdateStatus", "Received, Waiting, Running, Matched"),
        "tasks that are Submitted",
    ),
    "agent-cycle": (agent("InputDataAgent/PollingTime", "900"), "looks every 900 s"),
    "input-data-refresh-only": (agent("InputDataAgent/RefreshOnly", "True"), "without DateKey"),
    "mc-extension": (work(transformations=(EXTENDED,)), "mine has MaxNumberOfTasks 100"),
    "cleaning-directories": (
        agent("TransformationCleaningAgent/DirectoryLocations", "MetadataCatalog"),
        "does not read OutputDirectories",
    ),
    "cleaning-field": (
        agent("TransformationCleaningAgent/TransfIDMeta", "TransID"),
        "no metadata field TransID",
    ),
    "archive-after": (agent("TransformationCleaningAgent/ArchiveAfter", "1"), "after 1 days"),
    "task-monitoring": (agent("WorkflowTaskAgent/MonitorTasks", ""), "MonitorTasks empty"),
    "file-monitoring": (agent("WorkflowTaskAgent/MonitorFiles", ""), "MonitorFiles empty"),
    "destination-plugin": (
        option(f"{OPERATIONS}/Transformations/DestinationPlugin", "BySite"),
        "is BySite, and DIRAC has",
    ),
    "job-type-mapping": (
        grid(
            options={
                **OPTIONS,
                f"{OPERATIONS}/Transformations/DestinationPlugin": "ByJobType",
                f"{OPERATIONS}/JobTypeMapping/Merging/Exclude": "ALL",
            }
        ),
        "no site may run jobs of type Merging (p/merge)",
    ),
    "job-types": (
        needs(Needed("p/sim", "MCSimulation", "Standard", "EvnDisp", "job", tasks_given=True)),
        "jobs of type EvnDisp (p/sim) are refused",
    ),
    "shares": (
        replace(
            option("/Resources/Shares/CPU/LCG.A.org", "0"),
            needs=(Needed("p/merge", "Merging", "ByShare", "Merging", "job"),),
        ),
        "ByShare (p/merge) makes no task: /Resources/Shares/CPU has no share above 0",
    ),
    "production-files": (
        replace(GOOD, lacks=("p.yaml: there is no site X",)),
        "there is no site X",
    ),
    "fields-reserved": (fields(directories={"Status": "int"}), "Status is a metadata field"),
    "fields-unknown-type": (fields(directories={"shape": "GEOMETRY"}), "shape is GEOMETRY"),
    "fields-float": (fields(directories={"thetaP": "float"}), "24 bits"),
    "gather-field": (fields(directories={"prodsys_gather": "VARCHAR(8)"}), "a whole number"),
    "ctao-failover-agent": (
        agent("TransformationFailoverAgent/Flush", "Merging"),
        "flushes transformations of type Merging",
    ),
    "ctao-job-field": (
        replace(fields(files={"TransformationID": "int"}), needs=(CTAO,)),
        "no field jobID of files",
    ),
    "ctao-outputs": (
        replace(option(f"{OPERATIONS}/ProductionOutputs/sim", None), needs=(CTAO,)),
        "ProductionOutputs is empty",
    ),
    "airflow-starts": (replace(GOOD, airflow=SILENT), "gave no answer"),
    "airflow-components": (
        airflow(components={**AIRFLOW.components, "triggerer": Component("unhealthy", "t0")}),
        "triggerer is unhealthy, last heartbeat t0",
    ),
    "airflow-connection": (airflow(connection="connection 'c' is of type 'http'"), "type 'http'"),
    "airflow-bundle": (airflow(bundles=(Bundle("dags-folder"),)), "there are: dags-folder"),
    "airflow-bundle-folder": (
        airflow(bundles=(Bundle("p", True, "/srv/x", "is no folder on this machine"),)),
        "bundle p: /srv/x is no folder",
    ),
    "airflow-bundle-storage": (airflow(storage="is not set"), "dag_bundle_storage_path is not set"),
    "airflow-jwt-secret": (airflow(secrets={"api_auth/jwt_secret": "default"}), "makes its own"),
    "airflow-fernet-key": (airflow(secrets={"core/fernet_key": "empty"}), "in plain text"),
    "airflow-execution-api": (
        setting(core__execution_api_server_url="http://localhost:9090/execution/"),
        "has port 9090, and the API server listens on 8080",
    ),
    "airflow-execution-timeout": (
        setting(core__default_task_execution_timeout="86400"),
        "it ends waits, too",
    ),
    "airflow-heartbeat": (
        setting(scheduler__task_instance_heartbeat_timeout="10"),
        "living tasks are taken for dead",
    ),
    "airflow-site": (airflow(site="the site's file /x cannot be read"), "cannot be read"),
    "airflow-version": (airflow(version="3.0.6"), "Airflow 3.0.6"),
    "airflow-plugin": (airflow(plugin=False), "has not loaded the plugin"),
    "airflow-loaded-twice": (airflow(loaded_twice=True), "no .airflowignore"),
    "airflow-database": (setting(database__sql_alchemy_conn="sqlite"), "SQLite"),
    "airflow-bundle-cleanup": (
        setting(dag_processor__stale_bundle_cleanup_interval="1800"),
        "stale_bundle_cleanup_interval is 1800",
    ),
    "airflow-bundle-versions": (
        setting(dag_processor__disable_bundle_versioning="True"),
        "an edit changes runs",
    ),
    "airflow-rerun": (setting(core__rerun_with_latest_version="True"), "takes the newest text"),
    "airflow-failed-runs": (
        setting(core__max_consecutive_failed_dag_runs_per_dag="2"),
        "pause a production",
    ),
    "airflow-capacity": (setting(triggerer__capacity="2"), "the productions have 3 steps"),
    "airflow-xcom-backend": (setting(core__xcom_backend="my.Backend"), "is my.Backend"),
    "airflow-all-admins": (setting(core__simple_auth_manager_all_admins="True"), "may act on all"),
    "airflow-notices": (airflow(notices="notify_on: x"), "no notices are sent: notify_on: x"),
    "airflow-edits": (setting(core__min_serialized_dag_update_interval="30"), "is 30"),
    "airflow-new-files": (setting(dag_processor__bundle_refresh_check_interval="60"), "is 60"),
    "airflow-parsing": (setting(dag_processor__min_file_process_interval="30"), "costs CPU"),
    "airflow-tracebacks": (setting(core__dagbag_import_error_tracebacks="True"), "a traceback"),
    "airflow-test-connection": (setting(core__test_connection="Disabled"), "is Disabled"),
}


def found(facts: Facts) -> list[Diagnosis]:
    return [one for one in examine(facts, CHECKS) if one.outcome == "found"]


def test_nothing_is_found_and_all_is_seen_where_nothing_is_wrong() -> None:
    assert {(one.outcome, one.code) for one in examine(GOOD, CHECKS)} == {
        ("passed", code) for code in CODES
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("proxy-lifetime", "the proxy /run/proxy.pem lasts for 4 days"),
        ("group-and-vo", "we are prodmgr as sim_prod, VO sim"),
        ("services", "DataManagement/FileCatalog answers, DIRAC v9.1.22"),
        ("workflow-task-agent", "WorkflowTaskAgent: its last trace is of 07:58 UTC, 90 s ago"),
        ("input-data-agent", "InputDataAgent: its last trace is of 07:58 UTC, 2 min ago"),
        ("cleaning-agent", "nothing waits for it, and there is no trace of it"),
        ("request-executing-agent", "a request has ended lately"),
        ("types", "jobs of type MCSimulation, Merging, and on requests of type Replication"),
        ("fields-unknown-type", "VARCHAR(128): jobID, run; int: TransformationID, prodsys_gather"),
    ],
)
def test_what_passed_says_what_was_seen(code: str, words: str) -> None:
    seen = {one.code: one.what for one in examine(GOOD, CHECKS)}
    assert words in seen[code]


def test_a_code_names_one_check_and_every_check_has_a_case() -> None:
    assert len(set(CODES)) == len(CODES)
    assert set(SEEDED) == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_check_finds_its_fault_and_no_other_does(code: str) -> None:
    facts, words = SEEDED[code]
    diagnoses = found(facts)
    assert [one.code for one in diagnoses] == [code]
    assert words in diagnoses[0].what
    assert diagnoses[0].way_out
    severity = next(check.severity for check in CHECKS if check.code == code)
    assert diagnoses[0].stops == (severity == "error")


@pytest.mark.parametrize(
    "facts",
    [
        # an agent that has much to do and does it
        work(jobs=replace(STANDING, moved=NOW - 60)),
        work(unattached=(LeftFiles("p__r__merge", 12),)),
        # a slow agent: ten of its cycles are longer than the patience
        grid(options={**OPTIONS, f"{TASK_AGENT}/PollingTime": "3600"}, work=LATE),
        # nobody enters agents in ComponentMonitoring
        grid(installed=frozenset({"SiteDirector"})),
        # a service that the grid does not have
        services(JobMonitoring=ABSENT),
        # an agent of another name works on the type
        grid(
            options={
                **OPTIONS,
                "/Systems/Transformation/Agents/WorkflowTaskAgent/TransType": "MCSimulation",
                "/Systems/Transformation/Agents/Merger/Module": "WorkflowTaskAgent",
                "/Systems/Transformation/Agents/Merger/TransType": "Merging",
            }
        ),
        # a mapping that leaves the sites of the production
        grid(
            options={
                **OPTIONS,
                f"{OPERATIONS}/Transformations/DestinationPlugin": "ByJobType",
                f"{OPERATIONS}/JobTypeMapping/Merging/Exclude": "ALL",
                f"{OPERATIONS}/JobTypeMapping/Merging/Allow/LCG.A.org": "LCG.A.org",
            }
        ),
        # without a bundle, dags/productions.py serves them
        airflow(bundles=(Bundle("dags-folder"),), plain=True),
        # workers of this machine read the same airflow.cfg
        airflow(secrets={"api_auth/jwt_secret": "file"}),
    ],
    ids=range(9),
)
def test_what_looks_like_a_fault_and_is_none(facts: Facts) -> None:
    assert found(facts) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (agent("WorkflowTaskAgent/SubmitTasks", ""), "its SubmitTasks is there and empty"),
        (agent("TransformationAgent/Status", "Inactive"), "Status = Inactive"),
        (
            services(FileCatalog=replace(ANSWER, version="v9.0.28")),
            "runs DIRAC v9.0.28: it makes no datasets",
        ),
        (
            work(unused=(LeftFiles("p__r__merge", 9),), with_input=TaskTraces()),
            "cannot use 9 files",
        ),
        (airflow(secrets={"api_auth/jwt_secret": "file"}, options=CELERY), "may have another"),
        (setting(core__executor="CeleryExecutor"), "tasks run on other machines"),
        (setting(core__execution_api_server_url="http://127.0.0.1:8080/"), "does not end in"),
        (setting(workers__min_heartbeat_interval="60"), "every wait lasts longer"),
        (airflow(bundles=Missing("no JSON")), "cannot be read: no JSON"),
        (airflow(provider=False), "its form is missing"),
        (airflow(components=SILENT), "gave no answer"),
        (grid(delegated=NOW + HOUR), "ends in 60 min"),
        (grid(identity=OTHER), "for VO ctao"),
        (grid(proxy=Missing("there is no proxy file /x")), "there is no proxy file"),
        (grid(authorities=Missing("there is no directory")), "there is no directory"),
    ],
)
def test_other_forms_of_a_fault(facts: Facts, words: str) -> None:
    assert any(words in one.what for one in found(facts))


def test_sites_of_a_production_that_a_mapping_takes_away_are_named() -> None:
    options = {
        **OPTIONS,
        f"{OPERATIONS}/Transformations/DestinationPlugin": "ByJobType",
        f"{OPERATIONS}/JobTypeMapping/Merging/Exclude": "LCG.A.org",
    }
    told = [one.what for one in found(grid(options=options))]
    words = "jobs of type Merging (p/merge) may not run at LCG.A.org and they have no other"
    assert told == [f"{words}: see Operations/Defaults/JobTypeMapping/Merging"]


def test_what_is_not_there_is_neither_good_nor_bad_and_says_why() -> None:
    nothing = Facts(SILENT, ABSENT, needs=(CTAO,))
    outcomes = {one.code: (one.outcome, one.what) for one in examine(nothing, CHECKS)}
    assert outcomes.keys() == set(CODES)
    for code, (outcome, what) in outcomes.items():
        missing, word = (
            (ABSENT, "not seen") if code.startswith("airflow-") else (SILENT, "no answer")
        )
        assert (outcome, what) == (word, missing.why), code


def test_what_stops_productions_comes_first_and_what_passed_last() -> None:
    facts = replace(
        setting(core__test_connection="Disabled"),
        grid=replace(GRID, delegated=SILENT, installed=ABSENT, proxy=ProxyFacts("/p", NOW - 1)),
    )
    seen = [(one.outcome, one.severity) for one in examine(facts, CHECKS)]
    assert [outcome for outcome, _ in seen[:4]] == ["found", "found", "no answer", "not seen"]
    assert [severity for _, severity in seen[:2]] == ["error", "note"]
    assert {outcome for outcome, _ in seen[4:]} == {"passed"}
