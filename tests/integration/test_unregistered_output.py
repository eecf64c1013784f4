"""A file that was stored and could not be registered: DIRAC's own command says that all is well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import MySQLdb
import pytest

from dirac_prodsys.core.grid.specs import Command, DirectorySpec, JobSpec, OutputFile
from sandbox import Grid
from tests.contract.systems import OnDirac, spec, unique

REFUSE = (
    "CREATE TRIGGER refuse BEFORE INSERT ON FC_Files FOR EACH ROW"
    " IF NEW.FileName LIKE 'refused%' THEN"
    " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF"
)


@pytest.fixture
def refusing(light_grid: Grid) -> Iterator[None]:
    """A catalogue whose database refuses some names."""
    socket = str(light_grid.state.socket)
    with closing(MySQLdb.connect(unix_socket=socket, user="root", db="FileCatalogDB")) as database:
        database.cursor().execute(REFUSE)
        yield
        database.cursor().execute("DROP TRIGGER refuse")


@pytest.mark.usefixtures("refusing")
def test_a_job_whose_output_is_not_registered_fails(light_grid: Grid) -> None:
    system = OnDirac(light_grid)
    gateway = system.gateway()
    mark = unique()
    directory = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    made = {}
    for name in ("kept", "refused"):
        output = OutputFile(name=f"{name}_@{{JOB_ID}}", directory=directory, se="DISK-A-SE")
        command = Command(executable="/bin/sh", arguments=f"-c 'echo data > {name}_@{{JOB_ID}}'")
        body = JobSpec(
            name=name, job_type="MCSimulation", commands=(command,), outputs=(output,), cpu_time=600
        )
        asked = spec(f"{mark}{name}", type="MCSimulation", body=body, tasks=1, group_size=1)
        made[name] = gateway.create_transformation(asked).id
        gateway.ensure_tasks(made[name], 1)
        gateway.start_transformation(made[name])

    def tasks(name: str) -> dict[str, int]:
        return dict(gateway.snapshot([made[name]])[made[name]].tasks)

    system.until(lambda: all(set(tasks(name)) & {"Done", "Failed"} for name in made))
    assert tasks("kept") == {"Done": 1}
    lfns = [f"{directory}/{name}_00000001" for name in made]
    assert gateway.existing_files(lfns) == {lfns[0]}
    # it lies on the disk, and nobody would find it
    assert (light_grid.state.storage / "DISK-A-SE" / lfns[1][1:]).exists()
    assert tasks("refused") == {"Failed": 1}
