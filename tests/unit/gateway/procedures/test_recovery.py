"""Files that stay behind on a grid in memory: recovered, bounded, never processed twice."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from dirac_prodsys.core.policy import History, StepRules, judge
from dirac_prodsys.core.recovery.ledger import LEDGER
from dirac_prodsys.core.recovery.rules import ErrorRule, RecoveryRules
from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.tables import Task
from dirac_prodsys.gateway.procedures import recovery, reports
from dirac_prodsys.gateway.records import FileChange
from tests.unit.gateway.procedures.recovery_site import QUERY, RULES, Site


def test_a_file_of_a_failed_task_is_tried_again_and_counted_in_dirac() -> None:
    site = Site(files=1)
    assert site.files == {"0": "Assigned"}
    outcome = site.recover()
    assert outcome.to_dict()["requeued"] == {"Failed: Application Finished With Errors": 1}
    assert site.note["files"] == {"/sim/in/0": {"Failed: Application Finished With Errors": 1}}
    assert site.files == {"0": "Unused"}
    assert site.grid.transformations[site.id].files["/sim/in/0"].errors == 1


def test_it_is_tried_exactly_as_often_as_allowed_and_then_given_up() -> None:
    site = Site(files=1, fails=lambda task: True)
    for _ in range(6):
        site.recover()
        site.grid.advance(100)
    assert site.files == {"0": "MaxReset"}
    assert len(site.grid.transformations[site.id].tasks) == 1 + RULES.recovery.max_resets


@pytest.mark.parametrize(
    ("rules", "becomes"),
    [
        (RecoveryRules(errors=(ErrorRule("give_up", minor="Application*"),)), "MaxReset"),
        (RecoveryRules(max_resets=0), "MaxReset"),
        (RecoveryRules(max_resets=1), "Unused"),
        (RecoveryRules(mode="passive", max_resets=0), "Unused"),
    ],
)
def test_what_the_grid_takes_back_itself_is_bound_by_the_rules_as_well(
    rules: RecoveryRules, becomes: str
) -> None:
    site = Site(files=1)
    site.grid.transformations[site.id].files["/sim/in/0"].status = "Unused"
    site.grid.transformations[site.id].files["/sim/in/0"].errors = 1
    site.recover(StepRules(True, group_size=1, recovery=rules))
    site.recover(StepRules(True, group_size=1, recovery=rules))
    assert site.files == {"0": becomes}


def test_a_file_that_the_grid_took_back_and_that_is_processed_is_not_processed_again() -> None:
    site = Site(files=1)
    site.grid.transformations[site.id].files["/sim/in/0"].status = "Unused"
    site.grid.catalogue.register("/sim/merged/m_00000001")
    site.recover()
    assert site.files == {"0": "Processed"}


def test_the_bad_site_is_avoided_although_the_grid_has_handed_its_files_on() -> None:
    site = Site(files=2)
    for file in site.grid.transformations[site.id].files.values():
        file.status, file.task = "Assigned", 2  # the good task has them all
    elsewhere = RecoveryRules(errors=(ErrorRule("retry_elsewhere", site="LCG.Memory.*"),))
    outcome = site.recover(StepRules(True, group_size=1, recovery=elsewhere))
    assert outcome.notes == ("tasks to come avoid LCG.Memory.org",)
    assert "LCG.Memory.org" in site.grid.transformations[site.id].row["Body"]


def test_what_was_processed_by_a_failed_task_is_not_processed_again() -> None:
    site = Site(files=1)
    site.grid.catalogue.register("/sim/merged/m_00000001")
    outcome = site.recover()
    assert [d.fate for d in outcome.decisions] == ["processed"]
    assert site.files == {"0": "Processed"}
    assert site.note == {}


def test_in_passive_mode_nothing_is_changed_and_everything_is_reported() -> None:
    site = Site(files=1)
    calls = Counter(site.gateway.services.calls)
    rules = StepRules(True, recovery=RecoveryRules("passive"))
    outcome = site.recover(rules)
    assert outcome.asked == 1
    assert outcome.lines()[0].startswith("passive, nothing is changed: would retry: 1 files")
    assert (site.files, site.note) == ({"0": "Assigned"}, {})
    made = {name.split(".")[1] for name in site.gateway.services.calls - calls}
    assert all(method.startswith(("get", "is")) for method in made)


@pytest.mark.parametrize("kind", ["crash", "crash_after"])
@pytest.mark.parametrize("method", ["setTransformationParameter", "setFileStatusForTransformation"])
def test_a_pass_that_is_killed_is_begun_anew_and_never_exceeds_its_bounds(
    method: str, kind: Any
) -> None:
    site = Site(files=1, fails=lambda task: True)
    for _ in range(6):
        site.grid.fault(kind, method)
        try:
            site.recover()
        except Crash:
            site.recover()
        site.grid.faults.clear()
        site.grid.advance(100)
    assert site.files == {"0": "MaxReset"}
    tries = len(site.grid.transformations[site.id].tasks) - 1
    assert tries <= RULES.recovery.max_resets


def test_a_file_that_moved_on_meanwhile_is_left_alone() -> None:
    site = Site(files=1)
    stale = site.gateway.attached_files(site.id, ["Assigned"])
    site.recover()
    site.grid.fails = lambda task: False
    site.grid.advance(10)  # another task has it now
    assert site.gateway.attached_files(site.id, ["Assigned"]) != stale
    assert site.recover().changed == {}
    assert site.files == {"0": "Assigned"}


def test_an_end_that_the_transformation_system_missed_is_read_from_job_monitoring() -> None:
    site = Site(files=0)
    site.grid.stopped_agents = {"file_monitoring", "task_monitoring"}
    site.grid.catalogue.register("/sim/in/0", run="r")
    site.grid.advance(100)
    assert site.gateway.snapshot([site.id])[site.id].tasks == {"Submitted": 1}
    outcome = site.recover()
    assert [d.fate for d in outcome.decisions] == ["retry"]
    assert site.files == {"0": "Unused"}


def test_rules_by_error_decide_and_a_person_is_asked() -> None:
    def fails(task: Task) -> bool:
        task.application, task.site = ("segmentation fault", "LCG.Bad.org")
        return task.id == 1

    site = Site(files=1, fails=fails)
    rules = RecoveryRules(errors=(ErrorRule("ask", application="*segmentation*", site="*.Bad.*"),))
    outcome = site.recover(StepRules(True, recovery=rules))
    assert (outcome.asked, site.files) == (1, {"0": "Assigned"})


def test_a_site_that_fails_is_avoided_from_then_on_and_the_step_stays_the_one_asked_for() -> None:
    def fails(task: Task) -> bool:
        task.site = "LCG.Bad.org"
        return task.id == 1

    site = Site(files=1, fails=fails)
    rules = RecoveryRules(errors=(ErrorRule("retry_elsewhere", site="*.Bad.*"),))
    for _ in range(2):
        outcome = site.recover(StepRules(True, recovery=rules))
        assert site.files == {"0": "Unused"}
        site.gateway.change_files(site.id, [FileChange("/sim/in/0", "Unused", 1, "Assigned")])
    assert outcome.notes == ("tasks to come avoid LCG.Bad.org",)
    assert json.loads(site.grid.transformations[site.id].row["Body"])["avoided_sites"] == [
        "LCG.Bad.org"
    ]
    assert site.gateway.create_transformation(site.spec).adopted


def test_without_job_monitoring_tasks_are_believed_and_that_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(files=1)

    def absent(jobs: Any) -> Any:
        raise GatewayRejected("no service of that name is configured")

    monkeypatch.setattr(site.gateway, "job_states", absent)
    outcome = site.recover()
    assert outcome.notes == ("job monitoring was not asked: no service of that name is configured",)
    assert site.files == {"0": "Unused"}


def test_an_outage_of_job_monitoring_is_no_answer() -> None:
    site = Site(files=1)
    site.grid.fault("unavailable", "getJobsMinorStatus")
    with pytest.raises(GatewayUnavailable):
        site.recover()
    assert (site.files, site.note) == ({"0": "Assigned"}, {})


def test_with_a_note_of_somebody_else_nothing_is_changed() -> None:
    site = Site(files=1)
    site.gateway.write_note(site.id, LEDGER, "hands off")
    outcome = site.recover()
    assert outcome.passive
    assert site.files == {"0": "Assigned"}


def test_missing_files_are_tried_again_once_they_are_back() -> None:
    site = Site(files=1, fails=lambda task: False, agent_cycle=1000)
    rules = StepRules(True, recovery=RecoveryRules(missing_in_fc="retry"))
    site.gateway.add_files(site.id, ["/sim/in/0"])
    site.grid.catalogue.remove("/sim/in/0")
    site.grid.advance(1000)
    assert site.files == {"0": "MissingInFC"}
    assert site.recover(rules).asked == 1
    site.grid.catalogue.register("/sim/in/0", run="r")
    assert site.recover(rules).changed == {"/sim/in/0": "Unused"}


def test_vanished_files_are_named() -> None:
    site = Site(files=3, agent_cycle=1000)
    site.gateway.add_files(site.id, ["/sim/in/0", "/sim/in/1"])
    site.grid.catalogue.remove("/sim/in/1")
    assert recovery.vanished(site.gateway, site.id) == ["/sim/in/1"]


def test_the_report_tells_jobs_causes_and_what_was_tried_again() -> None:
    site = Site(files=4)
    site.recover()
    report = reports.report_on(site.gateway, site.id, "merge")
    assert report is not None
    assert report.by_status() == {"Done": 3, "Failed": 1}
    assert report.causes()[0].samples == (1_000_001,)
    assert report.requeued == {"Failed: Application Finished With Errors": 1}


@pytest.mark.parametrize("seed", range(8))
def test_a_step_finishes_unattended_whatever_fails(seed: int) -> None:
    """A fifth of the jobs fail, some of them after they have left their output; nobody monitors
    files. All files are Processed in the end, and by one good task each."""
    chance = random.Random(seed)  # noqa: S311  not for secrets
    after_upload = []

    def fails(task: Task) -> bool:
        if chance.random() > 0.2:
            return False
        if chance.random() < 0.5:
            site.grid.catalogue.register(f"/sim/merged/m_{task.id:08d}")
            after_upload.append(task.id)
        return True

    site = Site(files=0, group_size=3, fails=fails)
    for number in range(40):
        site.grid.catalogue.register(f"/sim/in/{number:02d}", run="r")
    rules = StepRules(True, group_size=3, recovery=RecoveryRules(max_resets=9))
    history = History()
    for _ in range(400):
        site.grid.advance(10)
        seen = site.gateway.snapshot([site.id])[site.id]
        seen = seen.with_catalogue(site.gateway.count_files(QUERY))
        verdict, history = judge(
            seen, rules, history, now=site.grid.now, quiet_seconds=20, inputs_final=True
        )
        assert verdict.kind != "fail", verdict.reason
        if verdict.kind == "complete":
            break
        if verdict.kind == "recover":
            history = site.recover(rules).remembered(history, site.grid.now)
        if verdict.kind == "flush" and site.gateway.flush_transformation(site.id):
            history = history.flushed(site.grid.now)
    assert verdict.kind == "complete"
    assert set(site.files.values()) == {"Processed"}
    good = [t for t in site.grid.transformations[site.id].tasks.values() if t.good]
    good += [site.grid.transformations[site.id].tasks[number] for number in after_upload]
    processed = Counter(lfn for task in good for lfn in task.lfns)
    assert set(processed.values()) == {1}
    assert len(processed) == 40


@pytest.mark.parametrize("monitored", ["tasks and files", "files", "tasks", "nothing"])
@pytest.mark.parametrize("group_size", [1, 4])
@pytest.mark.parametrize("max_resets", [0, 1, 3])
def test_a_job_that_always_fails_runs_at_most_as_often_as_declared_whoever_takes_its_file_back(
    max_resets: int, group_size: int, monitored: str
) -> None:
    site = Site(files=0, group_size=group_size, fails=lambda task: True, watched=True)
    for number in range(2):
        site.grid.catalogue.register(f"/sim/in/{number}", run="r")
    site.grid.stopped_agents = {
        name
        for name, word in (("task_monitoring", "tasks"), ("file_monitoring", "files"))
        if word not in monitored
    }
    rules = StepRules(
        True,
        group_size=group_size,
        leaves_rests=group_size > 1,
        stall_after=600.0,
        recovery=RecoveryRules(max_resets=max_resets),
    )
    history = History()
    for _ in range(2000):
        site.grid.advance(10)
        seen = site.gateway.snapshot([site.id])[site.id]
        seen = seen.with_catalogue(site.gateway.count_files(QUERY))
        verdict, history = judge(
            seen, rules, history, now=site.grid.now, quiet_seconds=20, inputs_final=True
        )
        if verdict.kind in ("complete", "fail"):
            break
        if verdict.kind == "recover":
            history = site.recover(rules).remembered(history, site.grid.now)
        if verdict.kind == "flush":  # looked at again before
            history = site.recover(rules).remembered(history, site.grid.now)
            site.gateway.flush_transformation(site.id)
            history = history.flushed(site.grid.now)
    assert verdict.kind == "fail"
    assert "2 MaxReset" in verdict.reason
    tasks = site.grid.transformations[site.id].tasks.values()
    assert Counter(lfn for task in tasks for lfn in task.lfns) == dict.fromkeys(
        ("/sim/in/0", "/sim/in/1"), 1 + max_resets
    )


def test_a_missing_file_that_is_there_again_is_tried_within_its_bounds() -> None:
    site = Site(files=2, group_size=4, fails=lambda task: False, watched=True)
    site.grid.catalogue.remove("/sim/in/0")
    site.gateway.flush_transformation(site.id)
    site.grid.advance(100)
    assert site.files["0"] == "MissingInFC"
    rules = StepRules(True, group_size=1, recovery=RecoveryRules(max_resets=1))
    assert site.recover(rules).changed == {}
    site.grid.catalogue.register("/sim/in/0", run="r")
    site.grid.advance(100)
    assert site.files["0"] == "MissingInFC"  # DIRAC never looks again
    assert site.recover(rules).changed == {"/sim/in/0": "Unused"}
    site.grid.transformations[site.id].files["/sim/in/0"].status = "MissingInFC"
    assert site.recover(rules).changed == {}  # once, as is allowed


def test_what_the_last_task_left_counts_though_the_grid_gave_the_file_up() -> None:
    site = Site(files=0, group_size=1, fails=lambda task: True, watched=True)
    site.grid.catalogue.register("/sim/in/0", run="r")
    rules = StepRules(True, group_size=1, recovery=RecoveryRules(max_resets=0))
    site.grid.advance(20)
    (last,) = site.recover(rules).decisions
    assert (last.fate, site.files) == ("last", {"0": "Assigned"})
    site.grid.advance(100)
    assert site.files == {"0": "MaxReset"}
    assert site.recover(rules).changed == {}
    site.grid.catalogue.register("/sim/merged/m_00000001")
    assert site.recover(rules).changed == {"/sim/in/0": "Processed"}
