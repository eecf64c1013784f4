"""Faults of the grid in memory: whatever befalls a call, a retry ends with exactly one of each."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.unit.gateway.memory.small_chain import SLICES, merging, simulation, started


def test_while_the_grid_is_down_every_verb_is_an_outage(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    merge = started(gateway, merging())
    grid.down = True
    for verb in (
        gateway.ping,
        lambda: gateway.snapshot([merge]),
        lambda: gateway.create_transformation(merging()),
        lambda: gateway.count_files(MetaQuery.parse(SLICES.metadata)),
    ):
        with pytest.raises(GatewayUnavailable):
            verb()
    grid.down = False
    assert gateway.create_transformation(merging()).id == merge


@pytest.mark.parametrize(
    ("kind", "error", "made"),
    [
        ("unavailable", GatewayUnavailable, 0),
        ("hang", GatewayUnavailable, 0),
        ("denied", GatewayDenied, 0),
        ("crash", Crash, 0),
        ("no_id", GatewayRejected, 0),
        ("lost", GatewayUnavailable, 1),
        ("torn", GatewayUnavailable, 1),
        ("crash_after", Crash, 1),
    ],
)
def test_whatever_befalls_the_creating_call_a_retry_ends_with_exactly_one(
    grid: MemoryGrid, gateway: MemoryGateway, kind: str, error: type[BaseException], made: int
) -> None:
    wanted = merging(output_query=MetaQuery.parse({"data_level": 0}))
    grid.fault(kind, "addTransformation")  # type: ignore[arg-type]
    with pytest.raises(error):
        gateway.create_transformation(wanted)
    assert len(grid.transformations) == made
    record = gateway.create_transformation(wanted)
    assert list(grid.transformations) == [record.id]
    assert gateway.create_transformation(wanted).adopted


@pytest.mark.parametrize("kind", ["crash", "crash_after"])
def test_dying_at_any_call_of_a_whole_production_does_no_harm_when_it_is_repeated(
    kind: str,
) -> None:
    def create_and_list(gateway: MemoryGateway) -> list[int]:
        ids = [started(gateway, simulation(), 6), started(gateway, merging())]
        gateway.stop_transformation(ids[1])
        gateway.resume_transformation(ids[1])
        return ids

    calls = MemoryGateway(MemoryGrid())
    create_and_list(calls)
    total = calls.services.calls.total()
    assert total > 20
    for at in range(total):
        grid = MemoryGrid()
        grid.fault(kind, after=at)  # type: ignore[arg-type]
        with pytest.raises(Crash):
            create_and_list(MemoryGateway(grid))
        ids = create_and_list(MemoryGateway(grid))  # a new process
        assert sorted(grid.transformations) == ids
        grid.advance(300)
        found = MemoryGateway(grid).snapshot(ids)
        assert found[ids[0]].tasks == {"Done": 6}
        assert found[ids[1]].files == {"Processed": 4, "Unused": 2}


def test_a_fault_strikes_as_often_as_planned_and_at_its_method_only(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    grid.fault("unavailable", "getCounters", after=1, times=2)
    merge = gateway.create_transformation(merging()).id
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            gateway.snapshot([merge])
    assert gateway.snapshot([merge])[merge].status == "New"
