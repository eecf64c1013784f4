"""A dataset is what the tasks of its step have made, says where it comes from, and is listed."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.catalogue_files import CatalogueFile, list_checksum
from dirac_prodsys.core.grid.dataset_origin import DatasetOrigin, read_origin
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.reports.dataset_content import Share
from dirac_prodsys.errors import GatewayRejected, NotYet
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.dataset_lists import MOST, kept_list, pack, unpack
from dirac_prodsys.gateway.procedures.dataset_making import make_dataset
from dirac_prodsys.gateway.procedures.dataset_reports import check_of

TEXT = """\
version: 1
production: {name: bands, vo: sim}
steps:
  make:
    type: MCSimulation
    tasks: 4
    events_per_task: 100
    job: {type: script, executable: make-it}
    output:
      directory: /sim/bands/${{ run }}/make
      se: DISK-A-SE
      metadata: {production: bands, run: "${{ run }}", step: make}
      files: ["made_@{JOB_ID}.dat"]
    dataset: {name: "/sim/datasets/bands_${{ run }}", annotation: for the paper}
"""
NAME = "/sim/datasets/bands_r1"
LFNS = [f"/sim/bands/r1/make/made_{number:08d}.dat" for number in range(1, 5)]


def planned(text: str = TEXT) -> ProductionPlan:
    return compile(load_production(text, "bands.yaml"), run="r1")


@pytest.fixture
def run(grid: MemoryGrid, gateway: MemoryGateway) -> ProductionPlan:
    """The run, at its end."""
    plan = planned()
    spec = plan.step("make").transformation
    gateway.prepare_directories(spec.directories)
    number = gateway.create_transformation(spec).id
    gateway.ensure_tasks(number, 4)
    gateway.start_transformation(number)
    grid.advance(200)
    return plan


def test_the_dataset_says_how_much_it_is_and_where_it_comes_from(
    run: ProductionPlan, gateway: MemoryGateway
) -> None:
    made = make_dataset(gateway, run, "make", "abc123")
    assert (made.record.files, made.events, made.remarks) == (4, 400, ())
    assert made.bytes == gateway.size_of(LFNS) > 0
    assert made.record.list_checksum == list_checksum(LFNS)
    assert made.record.annotation.startswith("for the paper [")
    assert read_origin(made.record.annotation) == DatasetOrigin(
        "bands", "r1", "make", run.digest, "abc123"
    )
    assert made.places == (Share("DISK-A-SE", 4, made.bytes),)
    again = make_dataset(gateway, run, "make", "abc123")
    assert (again.record.adopted, again.bytes, again.events) == (True, made.bytes, 400)
    assert again.places == made.places


def test_the_dataset_has_the_run_numbers_of_its_files(
    run: ProductionPlan, gateway: MemoryGateway
) -> None:
    gateway.mark_files("runNumber", dict(zip(LFNS, ("10", "11", "12", "15"), strict=True)))
    assert make_dataset(gateway, run, "make").run_ranges == ("10-12", "15")


def test_a_file_that_a_good_task_made_and_nobody_finds_is_named(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    grid.catalogue.remove(LFNS[2])
    with pytest.raises(GatewayRejected, match="lack 1 of 4 files") as caught:
        make_dataset(gateway, run, "make")
    assert LFNS[2] in caught.value.reason
    assert gateway.find_dataset(NAME) is None


def test_a_frozen_dataset_whose_files_all_went_is_compared_before_it_is_made_anew(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    make_dataset(gateway, run, "make")
    for lfn in LFNS:
        grid.catalogue.remove(lfn)
    for lfn in LFNS[:3]:
        grid.catalogue.register(lfn)
    with pytest.raises(GatewayRejected, match="lack 1 of 4 files"):
        make_dataset(gateway, run, "make")
    grid.catalogue.register(LFNS[3])
    assert make_dataset(gateway, run, "make").record.files == 4


def began_anew(plan: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway) -> None:
    """The step was cleaned, and its next transformation has made its files."""
    spec = plan.step("make").transformation
    first = gateway.find_transformation(spec.name)
    assert first is not None
    grid.transformations[first.id].row["Status"] = "Cleaned"
    anew = spec.model_copy(update={"name": f"{spec.name}__fresh2"})
    number = gateway.create_transformation(anew).id
    gateway.ensure_tasks(number, 4)
    gateway.start_transformation(number)
    grid.advance(200)


def test_a_frozen_dataset_that_lacks_what_a_step_made_anew_is_refused(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    make_dataset(gateway, run, "make")
    for lfn in LFNS[1:]:  # one was forgotten, in another directory or by a busy agent
        grid.catalogue.remove(lfn)
    began_anew(run, grid, gateway)
    with pytest.raises(GatewayRejected, match="lacks 3 of 4 files made since") as caught:
        make_dataset(gateway, run, "make")
    assert f"datasets retire {NAME}" in str(caught.value)
    gateway.remove_dataset(NAME)
    assert make_dataset(gateway, run, "make").record.files == 4


def test_a_file_that_a_request_may_still_upload_is_waited_for(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    grid.catalogue.remove(LFNS[2])
    grid.transformations[1].tasks[3].status = "Completed"
    with pytest.raises(NotYet, match="1 files of dataset"):
        make_dataset(gateway, run, "make")
    assert gateway.find_dataset(NAME) is None
    grid.catalogue.register(LFNS[2])
    assert make_dataset(gateway, run, "make").remarks == ()


def test_fewer_are_enough_if_the_author_says_so(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    grid.catalogue.remove(LFNS[2])
    enough = planned(TEXT.replace("for the paper}", "for the paper, min_files: 3}"))
    made = make_dataset(gateway, enough, "make")
    assert made.record.files == 3
    assert any("lack 1 of 4" in remark for remark in made.remarks)


def test_a_file_that_no_good_task_made_is_remarked(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    grid.catalogue.register("/sim/bands/r1/make/by_hand.dat")
    made = make_dataset(gateway, run, "make")
    assert made.record.files == 5
    assert any("holds 1 files that no good task" in remark for remark in made.remarks)


def test_a_later_attempt_does_not_hide_what_went_since(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    make_dataset(gateway, run, "make")
    grid.catalogue.remove(LFNS[0])
    make_dataset(gateway, run, "make")
    assert check_of(gateway, NAME).gone == (LFNS[0],)


def test_a_dataset_whose_tasks_are_archived_is_adopted_without_a_comparison(
    run: ProductionPlan, grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    make_dataset(gateway, run, "make")
    for transformation in grid.transformations.values():
        transformation.tasks.clear()
    made = make_dataset(gateway, run, "make")
    assert (made.record.files, made.events) == (4, None)
    assert check_of(gateway, NAME).holds


def test_the_list_is_kept_with_the_transformation(
    run: ProductionPlan, gateway: MemoryGateway
) -> None:
    made = make_dataset(gateway, run, "make")
    listed = kept_list(gateway, made.record)
    assert listed is not None
    assert [one.lfn for one in listed] == LFNS
    assert sum(one.size for one in listed) == made.bytes


def test_a_list_is_read_back_as_it_was_packed_and_anything_else_is_none() -> None:
    files = [CatalogueFile(f"/sim/é/{n}", n, f"{n:08x}") for n in range(2000)]
    text = pack(files)
    read = unpack(text)
    assert read is not None
    assert {(one.lfn, one.size, one.checksum) for one in read} == {
        (one.lfn, one.size, one.checksum) for one in files
    }
    assert len(text) < MOST / 20
    for other in ("", "no list", text[: len(text) // 2] + "!", "YWJj"):
        assert unpack(other) is None
