"""The contract of single files, tasks and jobs, on every production system."""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.decisions import StrandedFile
from dirac_prodsys.core.recovery.rules import RecoveryRules
from dirac_prodsys.gateway.procedures.recovery import recover
from dirac_prodsys.gateway.records import FileChange
from tests.contract.systems import Gateway, System, spec, unique


def attached(system: System, gateway: Gateway, files: int = 3) -> tuple[int, list[str]]:
    """A transformation with Unused files: too few for a task."""
    mark = unique()
    directory = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    lfns = [f"{directory}/{number}" for number in range(files)]
    for lfn in lfns:
        system.register(lfn, {})
    query = MetaQuery.parse({"run": mark})
    made = gateway.create_transformation(spec(mark, group_size=10, input_query=query))
    gateway.start_transformation(made.id)
    system.until(lambda: gateway.snapshot([made.id])[made.id].files == {"Unused": files})
    gateway.stop_transformation(made.id)
    return made.id, lfns


def test_files_are_listed_by_state(system: System, gateway: Gateway) -> None:
    made, lfns = attached(system, gateway)
    assert gateway.attached_files(made, ["Assigned", "Problematic"]) == []
    listed = sorted(gateway.attached_files(made, ["Unused", "Assigned"]), key=lambda f: f.lfn)
    assert listed == [StrandedFile(lfn, "Unused") for lfn in lfns]


def test_a_file_is_changed_only_if_it_still_is_what_was_seen(
    system: System, gateway: Gateway
) -> None:
    made, (one, two, three) = attached(system, gateway)
    changes = [
        FileChange(one, "Unused", 0, "Problematic"),
        FileChange(two, "Assigned", 0, "Problematic"),
        FileChange(three, "Unused", 4, "Problematic"),
    ]
    assert dict(gateway.change_files(made, changes)) == {one: "Problematic"}
    assert gateway.snapshot([made])[made].files == {"Unused": 2, "Problematic": 1}
    assert dict(gateway.change_files(made, changes)) == {}


def test_leaving_assigned_counts_as_an_error_unless_it_was_processed(
    system: System, gateway: Gateway
) -> None:
    made, (one, two, _) = attached(system, gateway)
    gateway.change_files(made, [FileChange(lfn, "Unused", 0, "Assigned") for lfn in (one, two)])
    changes = [
        FileChange(one, "Assigned", 0, "Unused"),
        FileChange(two, "Assigned", 0, "Processed"),
    ]
    gateway.change_files(made, changes)
    errors = {f.lfn: f.errors for f in gateway.attached_files(made, ["Unused", "Processed"])}
    assert (errors[one], errors[two]) == (1, 0)


def test_what_is_processed_stays_so(system: System, gateway: Gateway) -> None:
    made, (one, *_) = attached(system, gateway)
    gateway.change_files(made, [FileChange(one, "Unused", 0, "Processed")])
    gateway.change_files(made, [FileChange(one, "Processed", 0, "Unused")])
    assert gateway.snapshot([made])[made].files == {"Unused": 2, "Processed": 1}


def test_ten_failures_make_max_reset_and_from_there_it_is_the_callers_bound(
    system: System, gateway: Gateway
) -> None:
    made, (one, *_) = attached(system, gateway)
    for _ in range(10):
        gateway.change_files(made, [FileChange(one, "Unused", 0, "Assigned")])
        answer = gateway.change_files(made, [FileChange(one, "Assigned", 0, "Unused")])
        assert dict(answer) == {one: "Unused"}
    gateway.change_files(made, [FileChange(one, "Unused", 0, "Assigned")])
    answer = gateway.change_files(made, [FileChange(one, "Assigned", 0, "Unused")])
    assert dict(answer) == {one: "MaxReset"}
    answer = gateway.change_files(made, [FileChange(one, "MaxReset", 0, "Unused")])
    assert dict(answer) == {one: "Unused"}


def test_tasks_are_listed_with_their_jobs(system: System, gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation", group_size=1))
    gateway.ensure_tasks(made.id, 3)
    tasks = gateway.tasks(made.id)
    states = {number: (task.status, task.job) for number, task in tasks.items()}
    assert states == dict.fromkeys((1, 2, 3), ("Created", 0))
    assert set(gateway.tasks(made.id, [2, 9])) == {2}
    assert gateway.tasks(made.id, []) == {}


def test_the_catalogue_says_which_files_exist(system: System, gateway: Gateway) -> None:
    _, lfns = attached(system, gateway)
    assert gateway.existing_files([*lfns, "/sim/contract/nowhere"]) == frozenset(lfns)
    assert gateway.existing_files([]) == frozenset()


def test_a_note_is_kept_with_the_transformation(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    assert gateway.read_note(made.id, "ProdsysRecovery") == ""
    long = '{"files": "' + "é/" * 5000 + '"}'
    gateway.write_note(made.id, "ProdsysRecovery", "first")
    gateway.write_note(made.id, "ProdsysRecovery", long)
    assert gateway.read_note(made.id, "ProdsysRecovery") == long
    again = gateway.create_transformation(spec(made.name))
    assert again.adopted


def test_every_state_that_it_was_set_to_is_reported(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    assert gateway.status_changes(made.id) == ()
    gateway.start_transformation(made.id)
    gateway.write_note(made.id, "ProdsysStopped", "no state")
    gateway.stop_transformation(made.id)
    gateway.stop_transformation(made.id)
    assert sorted(gateway.status_changes(made.id)) == ["Active", "Stopped"]


def test_the_log_tells_who_did_what_and_when(system: System, gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    system.cycles(1)  # a clock in memory begins at 0, which is no time
    gateway.start_transformation(made.id)
    gateway.stop_transformation(made.id)
    lines = {line.text: line for line in gateway.log_of(made.id)}
    stop = lines["Status updated to Stopped"]
    assert stop.by == gateway.ping().user
    assert stop.at >= lines["Status updated to Active"].at > 0


def test_the_newest_tasks_that_failed_are_reported(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    gateway.ensure_tasks(made.id, 4)
    assert gateway.failed_tasks(made.id, 10) == []
    gateway.follow_tasks(made.id, {1: "Failed", 2: "Killed", 3: "Done", 4: "Failed"})
    assert [task.id for task in gateway.failed_tasks(made.id, 10)] == [4, 2, 1]
    assert [task.id for task in gateway.failed_tasks(made.id, 2)] == [4, 2]


def test_files_and_bytes_below_a_directory_are_summed(system: System, gateway: Gateway) -> None:
    mark = unique()
    gateway.prepare_directories([DirectorySpec(path=f"/sim/contract/{mark}/empty", metadata={})])
    for number in range(3):
        system.register(f"/sim/contract/{mark}/deep/{number}", {})
    paths = [f"/sim/contract/{mark}{rest}" for rest in ("", "/deep", "/empty", "/nowhere")]
    found = gateway.stored_files(paths)
    assert {path: stored.files for path, stored in found.items()} == {
        paths[0]: 3,
        paths[1]: 3,
        paths[2]: 0,
    }
    assert found[paths[0]].size > 0
    assert found[paths[2]].size == 0


def test_sites_are_avoided_in_a_transformation_that_stays_the_same(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    assert gateway.avoid_sites(made.id, ["LCG.Bad.org"]) == ("LCG.Bad.org",)
    assert gateway.avoid_sites(made.id, ["LCG.Bad.org", "LCG.A.org"]) == (
        "LCG.A.org",
        "LCG.Bad.org",
    )
    assert gateway.create_transformation(spec(made.name)).adopted


def test_a_pass_tries_files_again_as_often_as_declared(system: System, gateway: Gateway) -> None:
    made, lfns = attached(system, gateway)
    changes = [FileChange(lfn, "Unused", 0, "Problematic") for lfn in lfns]
    gateway.change_files(made, changes)
    rules = StepRules(True, recovery=RecoveryRules(problematic="retry", max_resets=2))
    tries = 0
    while recover(gateway, made, spec("any").body, rules).changed:
        tries += 1
        assert gateway.snapshot([made])[made].files == {"Unused": 3}
        gateway.change_files(made, changes)
    assert tries == 2
    assert gateway.snapshot([made])[made].files == {"Problematic": 3}


def test_the_grid_takes_files_of_failed_jobs_back_and_counts(
    system: System, gateway: Gateway
) -> None:
    made, (one, *_) = attached(system, gateway)
    gateway.change_files(made, [FileChange(one, "Unused", 0, "Assigned")])
    system.take_back(made, [one])
    (file,) = [f for f in gateway.attached_files(made, ["Unused"]) if f.lfn == one]
    assert file.errors == 1
    seen = gateway.snapshot([made])[made]
    assert seen.files == {"Unused": 3}
    assert seen.failed_files == {"Unused": {1: 1}}
    assert seen.reset_limit == 10


def test_a_file_on_its_last_try_is_not_taken_back(system: System, gateway: Gateway) -> None:
    made, (one, two, three) = attached(system, gateway)
    for _ in range(2):
        gateway.change_files(made, [FileChange(lfn, "Unused", 0, "Assigned") for lfn in (one, two)])
        system.take_back(made, [one, two])
    gateway.change_files(made, [FileChange(lfn, "Unused", 0, "Assigned") for lfn in (one, two)])
    seen = {file.lfn: file for file in gateway.attached_files(made, ["Assigned", "Unused"])}
    stale = StrandedFile(two, "Assigned", seen[two].task + 9)
    assert gateway.bar_resets(made, [seen[one], stale, seen[three]]) == {one}
    assert gateway.bar_resets(made, [seen[one]]) == {one}
    assert gateway.snapshot([made])[made].failed_files == {"Assigned": {2: 1, 10: 1}}
    system.take_back(made, [one, two])
    states = {f.lfn: f.status for f in gateway.attached_files(made, ["Unused", "MaxReset"])}
    assert states == {one: "MaxReset", two: "Unused", three: "Unused"}
