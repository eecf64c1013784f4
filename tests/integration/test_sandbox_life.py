"""The sandbox comes up whole or not at all, and leaves nothing, whatever happens to it."""

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

from sandbox import Grid, SandboxError
from sandbox.configuration.environment import REPOSITORY
from sandbox.grid import mariadb
from sandbox.process import Processes
from sandbox.state import State
from tests.integration.sandbox_facts import assert_nothing_left, sandbox
from tests.patience import patience

pytestmark = pytest.mark.grid


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


def test_a_database_that_cannot_start_is_reported_with_its_log(tmp_path: Path) -> None:
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
        _out, err = child.communicate(timeout=patience(60))
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


def test_a_full_disk_is_reported_in_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        executor.wait(patience(5))
        facts = grid.status()
        assert facts["up"] is False
        assert {row["name"] for row in facts["processes"] if row["state"] == "dead"} == {"executor"}
        assert grid.up() is True
        assert grid.status()["up"]
    assert_nothing_left(grid)
