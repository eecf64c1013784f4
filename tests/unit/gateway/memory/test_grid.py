"""The rules of the in-memory production system that the contract does not reach on a real grid."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.snapshot import RESET_LIMIT
from dirac_prodsys.core.grid.specs import Command, JobSpec, OutputFile
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway import memory, open_gateway
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.unit.gateway.memory.small_chain import SLICES, files, merging, simulation, started


def test_outputs_of_one_step_stream_into_the_next(grid: MemoryGrid, gateway: MemoryGateway) -> None:
    slices, merge = started(gateway, simulation(), 14), started(gateway, merging())
    grid.advance(40)  # submitted at 10, ended at 40
    assert files(gateway, merge) == {"Assigned": 12, "Unused": 2}
    grid.advance(100)
    assert gateway.snapshot([slices])[slices].tasks == {"Done": 14}
    assert files(gateway, merge) == {"Processed": 12, "Unused": 2}
    assert gateway.flush_transformation(merge)
    grid.advance(100)
    assert files(gateway, merge) == {"Processed": 14}


def test_nothing_moves_but_by_the_clock_and_equal_calls_give_equal_grids() -> None:
    def walk(step: float) -> list[object]:
        grid = MemoryGrid()
        gateway = MemoryGateway(grid)
        ids = [started(gateway, simulation(), 5), started(gateway, merging())]
        seen: list[object] = []
        while grid.now < 200:
            grid.advance(step)
            if grid.now % 50 == 0:
                seen.append(gateway.snapshot(ids))
        return seen

    assert walk(50) == walk(10) == walk(1)


def test_a_file_whose_tasks_fail_goes_back_to_unused_and_is_given_up_after_ten_failures() -> None:
    tries: list[int] = []

    def fails(task: Task) -> bool:
        tries.append(task.id)
        return True

    grid = MemoryGrid(fails=fails)
    gateway = MemoryGateway(grid)
    grid.catalogue.register("/sim/slices/one")
    merge = started(gateway, merging(group_size=1))
    grid.advance(60)
    assert set(files(gateway, merge)) <= {"Unused", "Assigned"}
    grid.advance(3600)
    assert files(gateway, merge) == {"MaxReset": 1}
    assert len(tries) == RESET_LIMIT + 1
    assert gateway.snapshot([merge])[merge].tasks == {"Failed": RESET_LIMIT + 1}


def test_a_failed_task_leaves_no_output_and_is_not_run_again() -> None:
    grid = MemoryGrid(fails=lambda task: task.id == 2)
    gateway = MemoryGateway(grid)
    slices = started(gateway, simulation(), 3)
    grid.advance(200)
    assert gateway.snapshot([slices])[slices].tasks == {"Done": 2, "Failed": 1}
    assert sorted(grid.catalogue.files) == ["/sim/slices/s_00000001", "/sim/slices/s_00000003"]


def test_a_stopped_agent_does_nothing_until_it_runs_again(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    grid.catalogue.register("/sim/slices/one")
    grid.stopped_agents = {"transformation"}
    merge = started(gateway, merging(group_size=1))
    grid.advance(100)
    assert files(gateway, merge) == {"Unused": 1}
    gateway.flush_transformation(merge)
    grid.advance(100)
    assert gateway.snapshot([merge])[merge].status == "Flush"
    grid.stopped_agents = set()
    grid.advance(100)
    assert files(gateway, merge) == {"Processed": 1}


def test_a_file_that_vanishes_from_the_catalogue_stays_attached_and_is_marked(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    for name in "abc":
        grid.catalogue.register(f"/sim/slices/{name}")
    merge = started(gateway, merging(group_size=4))
    grid.advance(20)
    grid.catalogue.remove("/sim/slices/a")
    gateway.flush_transformation(merge)
    grid.advance(100)
    assert files(gateway, merge) == {"Processed": 2, "MissingInFC": 1}
    assert gateway.count_files(MetaQuery.parse(SLICES.metadata)) == 2


def test_the_cleaning_agent_empties_a_transformation(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    slices = started(gateway, simulation(), 2)
    gateway.services.call(
        TRANSFORMATIONS, "setTransformationParameter", slices, "Status", "Cleaning"
    )
    grid.advance(20)
    snapshot = gateway.snapshot([slices])[slices]
    assert (snapshot.status, snapshot.tasks) == ("Cleaned", {})


def test_the_cleaning_agent_removes_the_files_of_a_transformation_and_of_no_other(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    kept = OutputFile(name="kept_@{JOB_ID}", directory=SLICES.path, se="DISK-A-SE")
    body = JobSpec(name="k", job_type="x", commands=(Command(executable="k"),), outputs=(kept,))
    slices, _ = (
        started(gateway, simulation(), 2),
        started(gateway, simulation(name="k", body=body), 2),
    )
    grid.catalogue.register("/sim/slices/by-hand")
    grid.advance(100)
    assert len(grid.catalogue.files) == 5
    gateway.clean_transformation(slices)
    grid.advance(20)
    assert sorted(grid.catalogue.files) == [
        "/sim/slices/by-hand",
        "/sim/slices/kept_00000001",
        "/sim/slices/kept_00000002",
    ]


def test_groups_by_size_count_gigabytes(grid: MemoryGrid, gateway: MemoryGateway) -> None:
    for number in range(5):
        grid.catalogue.register(f"/sim/slices/{number}", size=400_000_000)
    merge = started(gateway, merging(plugin="BySize", group_size=1.0))
    grid.advance(20)
    assert files(gateway, merge) == {"Assigned": 3, "Unused": 2}


def test_diracs_own_writing_of_a_falsy_value_loses_it(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    made = gateway.services.call(
        TRANSFORMATIONS, "addTransformation", "raw", "", "", "Merging", "Standard", "Automatic",
        "", "General", 1, 0, "", 0, 0, False, {"data_level": 0, "run": "r", "thetaP": 20.0},
    )  # fmt: skip
    stored = gateway.services.call(TRANSFORMATIONS, "getTransformationMetaQuery", made, "Input")
    assert stored == {"run": "r", "thetaP": "20.0"}


# -- opening -----------------------------------------------------------------------------------


def test_connections_with_one_name_share_a_grid_that_lives_on() -> None:
    settings = GatewaySettings(backend="memory", config="shared", poll_interval=30)
    try:
        made = open_gateway(settings).create_transformation(simulation())
        assert open_gateway(settings).find_transformation("slices") is not None
        other = GatewaySettings(backend="memory", config="other")
        assert open_gateway(other).find_transformation("slices") is None
        mine = memory.register("shared", MemoryGrid())
        assert open_gateway(settings).find_transformation("slices") is None
        assert mine.transformations == {}
        assert made.id == 1
    finally:
        memory.forget("shared")
        memory.forget("other")


def test_a_grid_that_a_connection_opens_moves_by_itself_to_an_end() -> None:
    settings = GatewaySettings(backend="memory", config="alone", poll_interval=30)
    gateway = open_gateway(settings)
    try:
        assert isinstance(gateway, MemoryGateway)
        slices = started(gateway, simulation(), 3)
        for _ in range(20):
            tasks = gateway.snapshot([slices])[slices].tasks
            if tasks == {"Done": 3}:
                break
        assert tasks == {"Done": 3}
    finally:
        memory.forget("alone")


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    with pytest.raises(GatewayRejected, match="unknown backend 'slurm'") as raised:
        open_gateway(GatewaySettings(backend="slurm"))
    assert "memory" in raised.value.hint


def test_files_are_monitored_by_their_jobs_ten_minutes_after_they_were_touched() -> None:
    grid = MemoryGrid(agent_cycle=60, monitor_after=600, fails=lambda task: True)
    grid.stopped_agents = {"task_monitoring"}
    gateway = MemoryGateway(grid)
    grid.catalogue.register("/sim/slices/one")
    merge = started(gateway, merging(group_size=1))
    grid.advance(600)
    assert files(gateway, merge) == {"Assigned": 1}
    grid.advance(60)
    assert gateway.snapshot([merge])[merge].failed_files == {"Assigned": {1: 1}}
    assert gateway.snapshot([merge])[merge].tasks == {"Submitted": 2}


def test_where_somebody_has_set_a_number_the_mc_extension_agent_makes_so_many_at_once() -> None:
    grid = MemoryGrid()
    gateway = MemoryGateway(grid)
    slices = started(gateway, simulation(), 2)
    grid.advance(10)
    assert sum(gateway.snapshot([slices])[slices].tasks.values()) == 2
    gateway.services.call(
        TRANSFORMATIONS, "setTransformationParameter", slices, "MaxNumberOfTasks", 4
    )
    grid.advance(10)
    assert sum(gateway.snapshot([slices])[slices].tasks.values()) == 4


@pytest.mark.timeout(60)
def test_tasks_are_added_however_fast_the_time_of_the_grid_goes() -> None:
    """Who waits for his turn counts his own seconds, not those that jobs and agents live by."""
    gateway = MemoryGateway(MemoryGrid(step=3600.0))
    number = gateway.create_transformation(simulation()).id
    assert gateway.ensure_tasks(number, 3) == 3
