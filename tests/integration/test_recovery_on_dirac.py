"""Files that stay behind in DIRAC's own Transformation System."""

from __future__ import annotations

import json

import pytest

from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.recovery_ledger import PARAMETER
from dirac_prodsys.core.specs import DirectorySpec, OutputFile
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.reading import report_on
from dirac_prodsys.gateway.services import TRANSFORMATIONS
from dirac_prodsys.provider.recovery import recover
from sandbox import Grid
from tests.contract.systems import OnDirac, spec, unique

RULES = StepRules(True)


@pytest.fixture
def system(light_grid: Grid) -> OnDirac:
    return OnDirac(light_grid)


def set_tasks(gateway: DiracGateway, made: int, tasks: list[int], status: str) -> None:
    gateway.services.call(TRANSFORMATIONS, "setTaskStatus", made, tasks, status)


def test_files_of_failed_tasks_are_tried_again_unless_their_output_is_there(
    system: OnDirac,
) -> None:
    gateway = system.gateway()
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
    system.until(lambda: gateway.snapshot([made])[made].files == {"Assigned": 4})
    gateway.stop_transformation(made)

    set_tasks(gateway, made, [1, 2], "Failed")
    set_tasks(gateway, made, [3], "Running")
    set_tasks(gateway, made, [4], "Done")
    system.register(f"{outputs}/o_00000002", {})
    system.register(f"{outputs}/o_00000004", {})
    of_task = {f.task: f.lfn for f in gateway.attached_files(made, ["Assigned"])}

    outcome = recover(gateway, made, asked.body, RULES)
    assert dict(outcome.changed) == {
        of_task[1]: "Unused",
        of_task[2]: "Processed",
        of_task[4]: "Processed",
    }
    assert gateway.snapshot([made])[made].files == {"Unused": 1, "Assigned": 1, "Processed": 2}
    assert json.loads(gateway.read_note(made, PARAMETER))["files"] == {of_task[1]: {"Failed": 1}}
    (errors,) = [f.errors for f in gateway.attached_files(made, ["Unused"])]
    assert errors == 1
    assert recover(gateway, made, asked.body, RULES).changed == {}

    report = report_on(gateway, made, mark)
    assert report is not None
    assert report.by_status() == {"Done": 1, "Failed": 2, "Running": 1}
    assert report.requeued == {"Failed": 1}
