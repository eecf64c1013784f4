"""The commands of DIRAC that jobs run, forked from a process that has imported DIRAC."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from sandbox import Grid
from sandbox.configuration import environment
from sandbox.grid.programs import SERVICES, WARM_PROGRAMS
from tests.patience import patience, until

UPLOAD = "dirac-dms-add-file"


def of_a_job(grid: Grid) -> dict[str, str]:
    """Return the environment of a job of the production manager."""
    proxy = str(grid.proxy("prodmgr", "sim_prod"))
    return {**environment.server(grid.state, "jobs.cfg"), "X509_USER_PROXY": proxy}


def without_clients(env: dict[str, str]) -> dict[str, str]:
    """Return the environment with DIRAC's own commands first."""
    path = env["PATH"].split(os.pathsep)
    assert path[0] == str(environment.WARM)
    return {**env, "PATH": os.pathsep.join(path[1:])}


def upload(env: dict[str, str], folder: Path, lfn: str, file: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it wrote, without times and names."""
    done = subprocess.run(
        [UPLOAD, lfn, file, "DISK-A-SE"],
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience(60),
        check=False,
    )
    return done.returncode, done.stdout.replace(lfn, "LFN")


def programs_of(grid: Grid) -> list[psutil.Process]:
    """Return what the process with DIRAC has forked and what still lives."""
    server = grid.processes.find(WARM_PROGRAMS)
    assert server is not None
    found = server.children(recursive=True)
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("file", ["there.dat", "missing.dat"])
def test_a_forked_command_ends_and_speaks_as_diracs_own(
    light_grid: Grid, tmp_path: Path, file: str
) -> None:
    (tmp_path / "there.dat").write_text("some bytes")
    forked = of_a_job(light_grid)
    ways = {"forked": forked, "own": without_clients(forked)}
    found = {
        name: upload(env, tmp_path, f"/sim/user/{name}_{file}", file) for name, env in ways.items()
    }
    assert found["forked"] == found["own"]
    assert found["forked"][0] == (0 if file == "there.dat" else 1)


def test_where_nobody_serves_a_client_becomes_the_command(light_grid: Grid, tmp_path: Path) -> None:
    (tmp_path / "there.dat").write_text("some bytes")
    env = {**of_a_job(light_grid), "SANDBOX_WARM_PROGRAMS": str(tmp_path / "nobody")}
    code, text = upload(env, tmp_path, "/sim/user/nobody.dat", "there.dat")
    assert code == 0, text


def test_a_command_ends_with_its_client(light_grid: Grid, tmp_path: Path) -> None:
    (tmp_path / "there.dat").write_text("some bytes")
    light_grid.freeze(SERVICES)
    try:
        client = subprocess.Popen(
            [UPLOAD, "/sim/user/killed.dat", "there.dat", "DISK-A-SE"],
            env=of_a_job(light_grid),
            cwd=tmp_path,
        )
        # one that supervises, and the command
        until("the command runs", 30, lambda: len(programs_of(light_grid)) == 2)
        client.kill()
        client.wait()
        until("nothing is left of it", 30, lambda: not programs_of(light_grid))
    finally:
        light_grid.thaw(SERVICES)
