"""Four tasks of a stopped transformation on DIRAC, for tests that change their states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import MySQLdb

from dirac_prodsys.core.grid.specs import DirectorySpec, OutputFile, TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.dirac import DiracGateway
from sandbox import Grid
from tests.contract.systems import OnDirac, spec, unique

#: the status of the file of a task
FILE = "UPDATE TransformationFiles SET Status=%s WHERE TransformationID=%s AND TaskID=%s"


@contextmanager
def standing_still(grid: Grid) -> Iterator[None]:
    """Freeze the agents: their news of jobs would write over the rows that a test doctors."""
    grid.freeze("executor")
    try:
        yield
    finally:
        grid.thaw("executor")


def sql(grid: Grid, *changes: tuple[Any, ...]) -> None:
    """Somebody else's hand in the Transformation System: statements with their arguments."""
    connection = MySQLdb.connect(
        unix_socket=str(grid.state.socket), user="root", db="TransformationDB"
    )
    with closing(connection):
        for statement, *arguments in changes:
            connection.cursor().execute(statement, arguments)
        connection.commit()


def four_tasks(system: OnDirac) -> tuple[DiracGateway, int, TransformationSpec, str]:
    """Four files in four tasks of a stopped transformation, whose outputs are known by name."""
    gateway = system.gateway()
    assert isinstance(gateway, DiracGateway)
    mark = unique()
    inputs, outputs = f"/sim/contract/{mark}/in", f"/sim/contract/{mark}/out"
    gateway.prepare_directories(
        [
            DirectorySpec(path=inputs, metadata={"run": mark}),
            DirectorySpec(path=outputs, metadata={"run": f"{mark}out"}),
        ]
    )
    for number in range(4):
        system.register(f"{inputs}/{number}", {})
    output = OutputFile(name="o_@{JOB_ID}", directory=outputs, se="DISK-A-SE")
    asked = spec(mark, group_size=1, input_query=MetaQuery.parse({"run": mark}))
    asked = asked.model_copy(update={"body": asked.body.model_copy(update={"outputs": (output,)})})
    made = gateway.create_transformation(asked).id
    gateway.start_transformation(made)
    states = ["Assigned", "Processed"]
    system.until(lambda: len(gateway.attached_files(made, states)) == 4)
    gateway.stop_transformation(made)
    system.until(lambda: all(f.task for f in gateway.attached_files(made, states)))
    return gateway, made, asked, outputs
