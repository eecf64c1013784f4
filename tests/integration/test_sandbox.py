"""The sandbox keeps its promises: real services on loopback, all or nothing, nothing left."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sandbox import Grid, SandboxError, mariadb
from sandbox.community import DIRECTORY_METADATA, FILE_METADATA
from sandbox.environment import REPOSITORY
from sandbox.process import Processes
from sandbox.state import State
from tests.integration.conftest import TRANSFORMATION_MANAGER, run_client


def sandbox(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def assert_nothing_left(grid: Grid) -> None:
    assert grid.processes.marked() == []
    assert grid.processes.names() == []
    assert [port for port in grid.ports().values() if listens(port)] == []
    assert list(grid.state.proxies.iterdir()) == []
    assert list(grid.state.tmp.iterdir()) == []
    assert not grid.state.socket.exists()


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
    assert json.loads(done.stdout) == [sorted(DIRECTORY_METADATA), sorted(FILE_METADATA)]


def test_status_tells_processes_ports_memory_and_readiness(light_grid: Grid) -> None:
    done = sandbox("status", "--json", "--state", light_grid.state.root)
    facts = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert facts["up"] is True
    assert facts["profile"] == "light"
    names = {row["name"] for row in facts["processes"]}
    assert names == {"mariadb", "services", "TransformationManager", "executor"}
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
    try:
        assert listens(light_grid.ports()[TRANSFORMATION_MANAGER])
        with pytest.raises(subprocess.TimeoutExpired) as hung:
            run_client(light_grid, code, seconds=6)
        assert hung.value.stdout == b"asking\n"
    finally:
        light_grid.thaw(TRANSFORMATION_MANAGER)
    assert run_client(light_grid, code).stdout == "asking\nTrue\n"


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
        for attempt in range(20):
            if client.getTransformations({"TransformationID": [1]})["OK"]:
                print("served")
                break
            time.sleep(0.5)
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


def test_a_port_in_use_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    grid = Grid(tmp_path)
    grid.state.create()
    port = grid.ports()["DataManagement/FileCatalog"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        done = sandbox("up", "--state", tmp_path)
    assert done.returncode == 1
    assert f"port {port} (DataManagement/FileCatalog) is in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert_nothing_left(grid)


def test_a_missing_mariadb_names_the_debian_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Grid(tmp_path)
    monkeypatch.setattr(mariadb, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    # openssl is a program of the system, too; only the database is to be missing
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "openssl").symlink_to("/usr/bin/openssl")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    with pytest.raises(SandboxError) as refused:
        grid.up()
    assert "mariadbd is not installed" in str(refused.value)
    assert "mariadb-server" in str(refused.value)
    assert_nothing_left(grid)


def test_a_database_that_cannot_start_is_told_with_its_log(tmp_path: Path) -> None:
    grid = Grid(tmp_path)
    grid.state.create()
    (grid.state.database / "mysql").mkdir()
    (grid.state.database / "ibdata1").write_text("this is no database")
    with pytest.raises(SandboxError, match="mariadbd does not start") as refused:
        grid.up()
    assert str(grid.state.log_of("mariadb")) in str(refused.value)
    assert_nothing_left(grid)


def test_an_interrupted_start_stops_what_it_had_started(tmp_path: Path) -> None:
    grid = Grid(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "up", "--state", str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        while grid.processes.find("services") is None:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        _out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted, everything stopped" in err
    assert_nothing_left(grid)


def test_a_recycled_pid_is_never_killed(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.create()
    processes = Processes(state)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        started = psutil.Process(stranger.pid).create_time()
        remembered = {"pid": stranger.pid, "started": started - 100}
        (state.run / "services.pid").write_text(json.dumps(remembered))
        assert processes.find("services") is None
        processes.stop("services")
        assert stranger.poll() is None
        assert processes.names() == []
        stranger.kill()


def test_a_full_disk_is_told_in_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(tmp_path)
    monkeypatch.setattr(mariadb, "_LEAST_FREE_MIB", 2**40)
    with pytest.raises(SandboxError, match=r"only \d+ MiB are free on the disk of"):
        grid.up()
    assert_nothing_left(grid)


def test_a_process_that_died_is_noticed_and_up_mends_it(tmp_path: Path) -> None:
    left_by_a_crash = tmp_path / "run" / "job-agent.pid"
    left_by_a_crash.parent.mkdir()
    left_by_a_crash.write_text('{"pid": 1, "started": 0}')
    with Grid(tmp_path) as grid:
        assert grid.up() is False
        executor = grid.processes.find("executor")
        assert executor is not None
        executor.kill()
        executor.wait(5)
        facts = grid.status()
        assert facts["up"] is False
        assert {row["name"] for row in facts["processes"] if row["state"] == "dead"} == {"executor"}
        assert grid.up() is True
        assert grid.status()["up"]
    assert_nothing_left(grid)
