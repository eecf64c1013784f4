"""A sandbox that is up: real services on loopback, with outages as they are wanted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dirac_prodsys.gateway.memory.catalogue import known_fields
from sandbox import Grid, SandboxError
from tests.integration.conftest import TRANSFORMATION_MANAGER, run_client, start_client
from tests.integration.sandbox_facts import assert_nothing_left, listens, sandbox
from tests.integration.two_steps import assert_worked, work
from tests.patience import patience

pytestmark = pytest.mark.grid


def test_a_plain_client_needs_only_its_environment(light_grid: Grid) -> None:
    code = """
        import DIRAC
        DIRAC.initialize()
        from DIRAC.TransformationSystem.Client.TransformationClient import TransformationClient
        result = TransformationClient().getTransformations({"TransformationName": "nobody's"})
        assert result["OK"] and result["Value"] == [], result
        from DIRAC.Core.Base.Client import Client
        print(Client(url="Transformation/TransformationManager").whoami()["Value"]["group"])
        """
    for group in ("sim_prod", "ctao_prod"):
        done = run_client(light_grid, code, group=group)
        assert done.stdout.split() == [group], done.stderr


def test_a_dirac_command_works_unchanged(light_grid: Grid) -> None:
    done = subprocess.run(
        ["dirac-dms-show-se-status"],
        env=light_grid.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "DISK-A-SE" in done.stdout, done.stderr
    assert "DISK-B-SE" in done.stdout


def test_the_catalogue_knows_the_metadata_fields(light_grid: Grid) -> None:
    code = """
        import json
        import DIRAC
        DIRAC.initialize()
        from DIRAC.Resources.Catalog.FileCatalog import FileCatalog
        fields = FileCatalog(["DIRACFileCatalog"]).getMetadataFields()["Value"]
        print(json.dumps([sorted(fields["DirectoryMetaFields"]), sorted(fields["FileMetaFields"])]))
        """
    done = run_client(light_grid, code)
    assert json.loads(done.stdout) == [sorted(fields) for fields in known_fields()]


def test_status_tells_processes_ports_memory_and_readiness(light_grid: Grid) -> None:
    done = sandbox("status", "--json", "--state", light_grid.state.root)
    facts = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert facts["up"] is True
    assert facts["profile"] == "light"
    names = {row["name"] for row in facts["processes"]}
    assert names == {
        "mariadb",
        "services",
        "TransformationManager",
        "executor",
        "warm-programs",
    }
    assert all(row["state"] == "running" and row["rss_mib"] > 1 for row in facts["processes"])
    ports = light_grid.ports()
    assert {name: row["port"] for name, row in facts["services"].items()} == {
        name: port for name, port in ports.items() if name != "mariadb"
    }
    assert all(row["ready"] for row in facts["services"].values())


def test_every_socket_is_on_loopback(light_grid: Grid) -> None:
    addresses = {
        connection.laddr.ip
        for process in light_grid.processes.marked()
        for connection in process.net_connections("inet")
    }
    assert addresses
    assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


def test_up_again_finds_the_same_processes(light_grid: Grid) -> None:
    before = {name: light_grid.processes.handle(name) for name in light_grid.processes.names()}
    done = sandbox("up", "--state", light_grid.state.root, "--separate", TRANSFORMATION_MANAGER)
    assert done.returncode == 0, done.stderr
    assert "already up" in done.stdout
    after = {name: light_grid.processes.handle(name) for name in light_grid.processes.names()}
    assert after == before


def test_another_profile_on_a_running_grid_is_refused_with_the_way_out(light_grid: Grid) -> None:
    done = sandbox("up", "--profile", "full", "--state", light_grid.state.root)
    assert done.returncode == 1
    assert f"python -m sandbox down --state {light_grid.state.root}" in done.stderr
    assert light_grid.status()["up"]


def test_light_tasks_run_fail_and_are_taken_up_again(light_grid: Grid, tmp_path: Path) -> None:
    seen = work(light_grid, tmp_path, "sim", 120)
    assert_worked(seen)
    assert (light_grid.state.log / "failed-tasks" / seen["failed"] / "problem.txt").is_file()


def test_a_stopped_service_refuses_and_a_started_one_serves_again(light_grid: Grid) -> None:
    port = light_grid.ports()[TRANSFORMATION_MANAGER]
    light_grid.stop_service(TRANSFORMATION_MANAGER)
    try:
        assert not listens(port)
        silent = [name for name, row in light_grid.probe().items() if not row["ready"]]
        assert silent == [TRANSFORMATION_MANAGER]
    finally:
        light_grid.start_service(TRANSFORMATION_MANAGER)
    assert all(row["ready"] for row in light_grid.probe().values())


def test_a_frozen_service_takes_connections_and_answers_nobody(light_grid: Grid) -> None:
    code = """
        import DIRAC
        DIRAC.initialize()
        from DIRAC.TransformationSystem.Client.TransformationClient import TransformationClient
        print("asking", flush=True)
        print(TransformationClient().getTransformations({"TransformationID": [1]})["OK"])
        """
    light_grid.freeze(TRANSFORMATION_MANAGER)
    with start_client(light_grid, code) as client:
        try:
            assert listens(light_grid.ports()[TRANSFORMATION_MANAGER])
            assert client.stdout.readline() == "asking\n"
            with pytest.raises(subprocess.TimeoutExpired):
                client.wait(3)
        finally:
            light_grid.thaw(TRANSFORMATION_MANAGER)
        assert client.communicate(timeout=patience(60))[0] == "True\n"


def test_a_service_that_shares_its_process_cannot_be_stopped_alone(light_grid: Grid) -> None:
    with pytest.raises(SandboxError, match="shares its process"):
        light_grid.stop_service("DataManagement/FileCatalog")


def test_services_find_a_restarted_database_again(light_grid: Grid) -> None:
    code = """
        import time
        import DIRAC
        DIRAC.initialize()
        from DIRAC.TransformationSystem.Client.TransformationClient import TransformationClient
        client = TransformationClient()
        while not client.getTransformations({"TransformationID": [1]})["OK"]:
            time.sleep(0.5)
        print("served")
        """
    light_grid.restart_mariadb(away_seconds=1)
    assert run_client(light_grid, code).stdout == "served\n"


def test_down_leaves_nothing_and_wipe_removes_the_data(tmp_path: Path) -> None:
    # deeper than a socket path may be long
    state = tmp_path.joinpath(*["a-rather-long-folder-name"] * 5)
    grid = Grid(state, profile="light")
    assert grid.up() is True
    assert grid.status()["up"]
    assert (state / "env.sh").read_text().count(str(state)) == 3
    grid.down()
    assert_nothing_left(grid)
    assert sandbox("status", "--state", state).returncode == 3
    ports = grid.ports()
    assert grid.up() is True
    assert grid.ports() == ports
    grid.wipe()
    assert_nothing_left(grid)
    assert not any((state / "mysql").glob("*"))
    assert not (state / "storage").exists()
