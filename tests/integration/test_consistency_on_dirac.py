"""Find rows that do not fit in DIRAC's own database, and repair what is certain."""

from __future__ import annotations

from dirac_prodsys.gateway.procedures.consistency import check, repair
from tests.contract.systems import OnDirac
from tests.integration.four_tasks import FILE, four_tasks, sql, standing_still

TASK = "UPDATE TransformationTasks SET ExternalStatus=%s WHERE TransformationID=%s AND TaskID=%s"
INPUTS = "UPDATE TaskInputs SET InputVector=%s WHERE TransformationID=%s AND TaskID=%s"
FORGOTTEN = """UPDATE TransformationTasks SET ExternalStatus='Running', ExternalID='7',
LastUpdateTime='2020-01-01' WHERE TransformationID=%s"""


def test_doctored_rows_are_found_and_only_what_is_certain_is_repaired(system: OnDirac) -> None:
    gateway, made, asked, outputs = four_tasks(system)
    with standing_still(system.grid):
        files = {f.task: f.lfn for f in gateway.attached_files(made, ["Assigned", "Processed"])}
        sql(
            system.grid,
            (FILE, "Processed", made, 1),  # and there is no output
            (FILE, "Unused", made, 2),  # and its output is there
            (FILE, "Assigned", made, 3),
            (FILE, "Assigned", made, 4),
            (TASK, "Done", made, 1),
            (TASK, "Failed", made, 2),
            # two tasks that are at work on the same file
            (TASK, "Running", made, 3),
            (TASK, "Running", made, 4),
            (INPUTS, files[3], made, 4),
        )
        system.register(f"{outputs}/o_00000002", {})

        found = check(gateway, made, asked)
        kinds = {(one.kind, one.what) for one in found.found}
        assert kinds == {
            ("processed_without_output", files[1]),
            ("output_without_processed", files[2]),
            ("two_live_tasks", files[3]),
        }
        done = repair(gateway, made, found)
        assert done.repaired == (files[2],)
        states = {f.lfn: f.status for f in gateway.attached_files(made, ["Processed", "Assigned"])}
        assert states == {
            files[1]: "Processed",
            files[2]: "Processed",
            files[3]: "Assigned",
            files[4]: "Assigned",
        }
        assert repair(gateway, made, check(gateway, made, asked)).repaired == ()


def test_without_job_monitoring_there_is_a_note_and_no_task_is_called_an_orphan(
    system: OnDirac,
) -> None:
    gateway, made, asked, _ = four_tasks(system)
    with standing_still(system.grid):
        sql(
            system.grid,
            (FORGOTTEN, made),
            *((FILE, "Assigned", made, task) for task in (1, 2, 3, 4)),
        )
        ages = [one.age for one in gateway.live_tasks(made, 10)]
        assert ages
        assert min(ages) > 3600
        found = check(gateway, made, asked)
        assert found.found == ()
        assert "job monitoring was not asked" in found.notes[0]
