"""``dirac-prodsys doctor`` on a real grid: silent on a good one, and each seeded fault is found.

One grid for all: its administrator commits a fault to the Configuration Server and takes it back;
agents are frozen and the times in their databases set back, as if hours had passed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from sandbox import Grid
from sandbox.configuration import community
from tests.contract.systems import OnDirac, by_hand, spec, unique
from tests.integration.grid_administrator import GridAdministrator
from tests.patience import patience, until

AGENTS = "/Systems/Transformation/Agents"
OPERATIONS = "/Operations/Defaults"
TYPES = f"{OPERATIONS}/Transformations"
JOBS, REQUESTS = (f"{TYPES}/{family}" for family in ("DataProcessing", "DataManipulation"))

PRODUCTION = """\
version: 1
production: {name: examined, vo: sim}
steps:
  simulate:
    type: MCSimulation
    tasks: 4
    job: {type: script, executable: simulate}
    output:
      directory: /sim/examined/${{ run }}/simulate
      se: DISK-A-SE
      metadata: {production: examined, run: "${{ run }}", step: simulate}
      files: ["events_@{JOB_ID}.dat"]
  merge:
    type: Merging
    plugin: PLUGIN
    group_size: 2
    input: {from: simulate}
    job: {type: script, executable: merge, sites: [SIM.SiteA.org]}
    output:
      directory: /sim/examined/${{ run }}/merge
      se: STORAGE
      metadata: {production: examined, run: "${{ run }}", step: merge}
      files: ["merged_@{JOB_ID}.dat"]
  copy:
    type: Replication
    input: {from: merge}
    plugin_parameters: {SourceSE: DISK-A-SE, TargetSE: DISK-B-SE}
"""

#: code of the check → options of the configuration that are the fault
FAULTS: dict[str, Mapping[str, str | None]] = {
    "types": {REQUESTS: "Removal"},
    "types-of-agents": {f"{AGENTS}/WorkflowTaskAgent/TransType": "MCSimulation, Merge"},
    "types-twice": {REQUESTS: "Replication, Removal, Training"},
    "types-extendable": {f"{TYPES}/ExtendableTransfTypes": "Simulation"},
    "flush-is-seen": {f"{AGENTS}/TransformationAgent/transformationStatus": "Active"},
    "request-monitoring": {f"{AGENTS}/RequestTaskAgent/MonitorFiles": ""},
    "agent-credentials": {f"{AGENTS}/WorkflowTaskAgent/shifterProxy": "ProductionMaster"},
    "input-data-multi-vo": {f"{AGENTS}/InputDataAgent/MultiVO": "True"},
    "input-data-refresh-only": {f"{AGENTS}/InputDataAgent/RefreshOnly": "True"},
    "monitored-states": {f"{AGENTS}/RequestTaskAgent/TaskUpdateStatus": "Scheduled, Done"},
    "cleaning-directories": {
        f"{AGENTS}/TransformationCleaningAgent/DirectoryLocations": "MetadataCatalog"
    },
    "cleaning-field": {f"{AGENTS}/TransformationCleaningAgent/TransfIDMeta": "NoSuchField"},
    "archive-after": {f"{AGENTS}/TransformationCleaningAgent/ArchiveAfter": "1"},
    "agents-switched-on": {f"{AGENTS}/TransformationCleaningAgent/EnableFlag": "yes"},
    "destination-plugin": {f"{TYPES}/DestinationPlugin": "BySite"},
    "job-type-mapping": {
        f"{TYPES}/DestinationPlugin": "ByJobType",
        f"{OPERATIONS}/JobTypeMapping/Merging/Exclude": "SIM.SiteA.org",
    },
    "ctao-failover-agent": {f"{AGENTS}/TransformationFailoverAgent/Complete": "Merging"},
}

Doctor = Callable[..., tuple[int, dict[str, list[dict[str, Any]]]]]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A grid on which nothing has run, so that nothing is wrong with it."""
    state = tmp_path_factory.mktemp("examined")
    with Grid(state, profile="light", separate=[TRANSFORMATIONS]) as grid:
        yield grid


@pytest.fixture(scope="module")
def administrator(grid: Grid) -> Iterator[GridAdministrator]:
    """Who may change its configuration."""
    with closing(GridAdministrator(grid)) as administrator:
        yield administrator


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A production that this grid can take."""
    path = tmp_path / "production.yaml"
    path.write_text(PRODUCTION.replace("PLUGIN", "Standard").replace("STORAGE", "DISK-A-SE"))
    return path


@pytest.fixture
def doctor(grid: Grid, file: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Run the command; its exit code, and what it found by outcome."""
    for name in [n for n in os.environ if n.startswith(("DIRAC", "X509_"))]:
        monkeypatch.delenv(name)

    def run(
        *options: str, user: str = "prodmgr", group: str = "sim_prod", proxy: Path | None = None
    ) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        access = ["--config", grid.client_cfg, "--proxy", proxy or grid.proxy(user, group)]
        words = ["doctor", file, "--only", "grid", "--json", *access, *options]
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        outcomes: dict[str, list[dict[str, Any]]] = {}
        for one in json.loads(done.stdout)["diagnoses"]:
            outcomes.setdefault(one["outcome"], []).append(one)
        return done.exit_code, outcomes

    return run


def troubles(outcomes: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Codes of what was found, notes left out."""
    return [one["code"] for one in outcomes.get("found", []) if one["severity"] != "note"]


def test_a_good_grid_is_met_with_silence(doctor: Doctor) -> None:
    code, outcomes = doctor()
    assert (code, troubles(outcomes)) == (0, [])
    assert "no answer" not in outcomes
    passed = {one["code"] for one in outcomes["passed"]}
    assert {"proxy", "rights", "services", "clocks", "types", "production-files"} <= passed
    unseen = {one["code"]: one["what"] for one in outcomes["not seen"]}
    assert "Framework/ProxyManager" in unseen["delegated-proxy"]
    assert "Framework/ComponentMonitoring" in unseen["agents-installed"]


@pytest.mark.parametrize("check", FAULTS)
def test_a_fault_of_the_configuration_is_found(
    doctor: Doctor, administrator: GridAdministrator, grid: Grid, check: str
) -> None:
    sections = ("/Operations", AGENTS)
    before = OnDirac(grid).gateway().configured_options(sections)
    with administrator.changed(FAULTS[check], before):
        code, outcomes = doctor()
    assert troubles(outcomes) == [check]
    found = next(one for one in outcomes["found"] if one["code"] == check)
    assert found["way_out"]
    assert code == (1 if found["severity"] == "error" else 0)


def test_what_a_production_names_and_the_grid_lacks_is_found(doctor: Doctor, file: Path) -> None:
    file.write_text(PRODUCTION.replace("PLUGIN", "ByShare").replace("STORAGE", "DISK-Z-SE"))
    code, outcomes = doctor()
    assert code == 1
    assert troubles(outcomes) == ["shares", "production-files"]
    assert "there is no storage element DISK-Z-SE" in outcomes["found"][1]["what"]


def test_a_transformation_that_another_agent_extends_is_found(doctor: Doctor, grid: Grid) -> None:
    gateway = OnDirac(grid).gateway()
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    gateway.start_transformation(made.id)
    by_hand(gateway, made.id, "MaxNumberOfTasks", 500)
    try:
        _, outcomes = doctor()
    finally:
        gateway.complete_transformation(made.id)
    assert troubles(outcomes) == ["mc-extension"]
    assert f"{made.name} has MaxNumberOfTasks 500" in outcomes["found"][0]["what"]


def test_a_field_with_one_of_diracs_own_names_is_found(doctor: Doctor, grid: Grid) -> None:
    services = OnDirac(grid).gateway().services
    services.call(CATALOGUE, "addMetadataField", "Status", "int", "-d")
    try:
        _, outcomes = doctor()
    finally:
        services.call(CATALOGUE, "deleteMetadataField", "Status")
    assert troubles(outcomes) == ["fields-reserved"]


def made_proxy(grid: Grid, path: Path, seconds: int) -> Path:
    """A proxy of the production manager that lasts for so long."""
    code = (
        "import sys\n"
        "from DIRAC.Core.Security.X509Chain import X509Chain\n"
        "chain = X509Chain()\n"
        "chain.loadChainFromFile(sys.argv[1]); chain.loadKeyFromFile(sys.argv[2])\n"
        "chain.generateProxyToFile(sys.argv[3], int(sys.argv[4]), diracGroup='sim_prod')\n"
    )
    files = [grid.state.credentials / f"prodmgr{part}.pem" for part in ("cert", "key")]
    arguments = [*map(str, files), str(path), str(seconds)]
    command = [sys.executable, "-c", code, *arguments]
    subprocess.run(command, check=True, env=grid.env(), timeout=patience(60))
    return path


def test_a_proxy_that_ends_soon_and_one_that_has_ended_are_found(
    doctor: Doctor, grid: Grid, tmp_path: Path
) -> None:
    code, outcomes = doctor(proxy=made_proxy(grid, tmp_path / "short", 3600))
    assert (code, troubles(outcomes)) == (0, ["proxy-lifetime"])
    gone = made_proxy(grid, tmp_path / "gone", 1)
    until("it has expired", 30, lambda: "proxy" in troubles(doctor(proxy=gone)[1]))
    code, outcomes = doctor(proxy=gone)
    assert (code, troubles(outcomes)) == (1, ["proxy", "configuration"])
    assert "has expired at" in outcomes["found"][0]["what"]


def test_no_proxy_and_one_that_everybody_may_read_are_found(
    doctor: Doctor, grid: Grid, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shutil.copy(grid.proxy("prodmgr", "sim_prod"), shared)
    shared.chmod(0o644)
    code, outcomes = doctor(proxy=shared)
    assert (code, troubles(outcomes)) == (0, ["proxy-private"])
    code, outcomes = doctor(proxy=tmp_path / "nothing")
    assert (code, troubles(outcomes)) == (1, ["proxy", "configuration"])
    assert "there is no proxy file" in outcomes["found"][0]["what"]


def test_a_group_without_the_right_is_found(doctor: Doctor) -> None:
    code, outcomes = doctor(user="pilot", group="sim_pilot")
    assert code == 1
    assert troubles(outcomes) == ["rights"]
    assert "sim_pilot" in outcomes["found"][0]["what"]


def test_another_group_than_the_proxy_s_is_found(doctor: Doctor) -> None:
    code, outcomes = doctor("--group", "ctao_prod")
    assert (code, troubles(outcomes)) == (1, ["group-and-vo"])
    assert "for group sim_prod, and the connection says ctao_prod" in outcomes["found"][0]["what"]


def test_a_service_that_is_down_and_one_that_hangs_are_findings_and_no_traceback(
    doctor: Doctor, grid: Grid
) -> None:
    grid.stop_service(TRANSFORMATIONS)
    try:
        code, outcomes = doctor("--timeout", "10")
    finally:
        grid.start_service(TRANSFORMATIONS)
    assert code == 1
    assert troubles(outcomes) == ["services"]
    assert TRANSFORMATIONS in outcomes["found"][0]["what"]
    assert {"workflow-task-agent", "rights"} <= {one["code"] for one in outcomes["no answer"]}
    assert "fields-reserved" in {one["code"] for one in outcomes["passed"]}
    grid.freeze(TRANSFORMATIONS)
    try:
        code, outcomes = doctor("--timeout", "3")
    finally:
        grid.thaw(TRANSFORMATIONS)
    assert (code, troubles(outcomes)) == (1, ["services"])
    assert "no answer in 3 s" in outcomes["found"][0]["what"]


def test_a_grid_that_is_not_there_is_a_finding(doctor: Doctor, tmp_path: Path) -> None:
    config = tmp_path / "dead.cfg"
    config.write_text(
        "DIRAC\n{\n  Configuration\n  {\n    Servers = dips://localhost:9/Configuration/Server\n"
        f"  }}\n  Security\n  {{\n    CALocation = {tmp_path}\n  }}\n}}\n"
    )
    code, outcomes = doctor("--config", str(config), "--timeout", "10")
    assert code == 1
    assert troubles(outcomes) == ["configuration"]
    assert "no Configuration Server answers" in outcomes["found"][0]["what"]


def hours_pass(grid: Grid, hours: int) -> None:
    """Set all times of the Transformation System and of files back."""
    back = f"- INTERVAL {hours} HOUR"
    times = {
        "TransformationDB.Transformations": ("CreationDate", "LastUpdate"),
        "TransformationDB.TransformationTasks": ("CreationTime", "LastUpdateTime"),
        "TransformationDB.TransformationFiles": ("InsertedTime", "LastUpdate"),
        "FileCatalogDB.FC_FileInfo": ("CreationDate", "ModificationDate"),
    }
    connection = MySQLdb.connect(unix_socket=str(grid.state.socket), user="root")
    with closing(connection):
        cursor = connection.cursor()
        for table, columns in times.items():
            changes = ", ".join(f"{column} = {column} {back}" for column in columns)
            cursor.execute(f"UPDATE {table} SET {changes}")  # noqa: S608  names of this file
        connection.commit()


def test_agents_that_stand_still_are_found_by_what_they_leave_undone(
    doctor: Doctor, grid: Grid
) -> None:
    system = OnDirac(grid)
    gateway = system.gateway()
    mark = unique()
    directory = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    query = MetaQuery.parse({"run": mark})
    simulated = gateway.create_transformation(spec(f"{mark}sim", type="MCSimulation"))
    taking = gateway.create_transformation(spec(f"{mark}take", group_size=5, input_query=query))
    flushed = gateway.create_transformation(spec(f"{mark}flush"))
    copied = gateway.create_transformation(spec(f"{mark}copy", type="MCSimulation"))
    cleaned = gateway.create_transformation(spec(f"{mark}clean", type="MCSimulation"))
    made = (simulated, taking, flushed, copied, cleaned)
    grid.freeze("executor")
    try:
        for one in made:
            gateway.start_transformation(one.id)
        gateway.ensure_tasks(simulated.id, 3)
        system.register(f"{directory}/a", {})
        gateway.flush_transformation(flushed.id)
        by_hand(gateway, cleaned.id, "Status", "Cleaning")
        _, outcomes = doctor()
        assert troubles(outcomes) == []  # nothing waits for long
        hours_pass(grid, 30)
        code, outcomes = doctor()
        faults = {
            one["code"]: one["what"] for one in outcomes["found"] if one["severity"] != "note"
        }
        assert code == 1
        assert set(faults) == {
            "workflow-task-agent",
            "input-data-agent",
            "transformation-agent",
            "cleaning-agent",
        }
        assert "3 tasks are Created since" in faults["workflow-task-agent"]
        assert f"1 file of {taking.name}" in faults["input-data-agent"]
        assert f"{flushed.name} is to be flushed" in faults["transformation-agent"]
        assert f"{cleaned.name} is Cleaning since" in faults["cleaning-agent"]
    finally:
        grid.thaw("executor")
    for one in made:
        by_hand(gateway, one.id, "Status", "Completed")
    assert until("all is done", 60, lambda: not troubles(doctor()[1]))


def test_names_of_the_sandbox_are_those_of_the_faults() -> None:
    assert {"Merging", "Training", "MCSimulation"} <= {*community.DATA_PROCESSING}
    assert {"Replication", "Removal"} <= {*community.DATA_MANIPULATION}
    assert len(FAULTS) >= 15
