"""Files that stay behind in DIRAC's own Transformation System."""

from __future__ import annotations

import json

from dirac_prodsys.core.grid.specs import CommunityBody, DirectorySpec
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.ledger import LEDGER
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.procedures.recovery import recover
from dirac_prodsys.gateway.procedures.reports import report_on
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.contract.systems import OnDirac, spec, unique
from tests.integration.four_tasks import FILE, four_tasks, sql, standing_still

RULES = StepRules(True)


def set_tasks(gateway: DiracGateway, made: int, tasks: list[int], status: str) -> None:
    gateway.services.call(TRANSFORMATIONS, "setTaskStatus", made, tasks, status)


def test_files_of_failed_tasks_are_tried_again_unless_their_output_is_there(
    system: OnDirac,
) -> None:
    gateway, made, asked, outputs = four_tasks(system)
    with standing_still(system.grid):
        sql(system.grid, *((FILE, "Assigned", made, task) for task in (1, 2, 3, 4)))
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
        assert json.loads(gateway.read_note(made, LEDGER))["files"] == {of_task[1]: {"Failed": 1}}
        (errors,) = [f.errors for f in gateway.attached_files(made, ["Unused"])]
        assert errors == 1
        assert recover(gateway, made, asked.body, RULES).changed == {}

        report = report_on(gateway, made, asked.name)
        assert report is not None
        assert report.by_status() == {"Done": 1, "Failed": 2, "Running": 1}
        assert report.requeued == {"Failed": 1}


def test_what_a_failed_job_of_ctao_uploaded_is_found_by_its_id(system: OnDirac) -> None:
    gateway, mark = system.gateway(), unique()
    inputs = f"/sim/contract/{mark}/in"
    gateway.prepare_directories([DirectorySpec(path=inputs, metadata={"run": mark})])
    lfns = [f"{inputs}/gamma_run{run}___cta.zst" for run in (1, 2, 12)]
    for lfn in lfns:
        system.register(lfn, {})
    body = CommunityBody(
        kind="ctao",
        job_class="CtapipeProcessJob",
        settings=(("version", "v1"), ("base_path", "/sim/contract"), ("output_extension", "h5")),
        output_metadata=(("MCCampaign", mark), ("analysis_prog", "p"), ("data_level", 2)),
    )
    query = MetaQuery.parse({"run": mark})
    asked = spec(mark, type="DataProcessing", group_size=3, input_query=query, body=body)
    made = gateway.create_transformation(asked).id
    gateway.start_transformation(made)
    system.until(lambda: gateway.snapshot([made])[made].files == {"Assigned": 3})
    gateway.stop_transformation(made)
    gateway.services.call(TRANSFORMATIONS, "setTaskStatusAndWmsID", made, 1, "Failed", "4711")

    left = f"/sim/contract/{mark}/p/{made}/Data/000xxx"
    gateway.prepare_directories([DirectorySpec(path=left, metadata={})])
    system.register(f"{left}/gamma_run2.h5", {"jobID": "4711", "runNumber": "00000002"})
    system.register(f"{left}/gamma_run1.h5", {"jobID": "4712", "runNumber": "00000001"})
    system.register(f"{left}/gamma_run12.h5", {})
    outcome = recover(gateway, made, body, RULES)
    assert dict(outcome.changed) == {lfns[0]: "Unused", lfns[1]: "Processed"}
    assert outcome.asked == 1
