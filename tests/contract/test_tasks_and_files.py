"""Tasks are made and files attached exactly once: the same on the in-memory grid and on DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.status import TransformationStatus as Status
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable, NotFound
from tests.contract.systems import (
    Gateway,
    Interrupted,
    System,
    lost,
    prepared,
    spec,
    status_of,
    unique,
)


def test_tasks_are_made_once_and_all_of_them(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    assert gateway.ensure_tasks(made.id, 5) == 5
    assert gateway.ensure_tasks(made.id, 5) == 0
    assert gateway.ensure_tasks(made.id, 7) == 2
    assert gateway.ensure_tasks(made.id, 3) == 0
    assert gateway.snapshot([made.id])[made.id].tasks == {"Created": 7}


def test_tasks_are_exact_after_dying_while_they_were_made(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    real = gateway.services
    gateway.services = Interrupted(real, "extendTransformation", lost())
    with pytest.raises(GatewayUnavailable):
        gateway.ensure_tasks(made.id, 6)
    gateway.services = real
    gateway.ensure_tasks(made.id, 6)
    assert gateway.snapshot([made.id])[made.id].tasks == {"Created": 6}


def test_a_type_with_input_is_not_extended(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    with pytest.raises(GatewayRejected, match="extend"):
        gateway.ensure_tasks(made.id, 1)


def test_tasks_of_a_started_transformation_run_and_end(system: System, gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    gateway.ensure_tasks(made.id, 2)
    gateway.start_transformation(made.id)
    system.until(lambda: gateway.snapshot([made.id])[made.id].tasks == {"Done": 2})


def test_files_are_grouped_while_it_runs_and_the_rest_when_it_is_flushed(
    system: System, gateway: Gateway
) -> None:
    directory = prepared(gateway)
    query = MetaQuery.parse(directory.metadata)
    made = gateway.create_transformation(spec(unique(), input_query=query, group_size=2))
    for number in range(5):
        system.register(f"{directory.path}/{number}", {})
    system.cycles(1)
    assert gateway.snapshot([made.id])[made.id].files == {}  # it is New

    gateway.start_transformation(made.id)
    system.until(
        lambda: gateway.snapshot([made.id])[made.id].files == {"Processed": 4, "Unused": 1}
    )
    assert gateway.count_files(query) == 5
    assert gateway.flush_transformation(made.id) is True
    system.until(lambda: gateway.snapshot([made.id])[made.id].files == {"Processed": 5})
    snapshot = gateway.snapshot([made.id])[made.id]
    assert snapshot.tasks == {"Done": 3}
    assert snapshot.status == Status.ACTIVE


def test_listed_files_are_attached_once_and_worked_on_without_any_query(
    system: System, gateway: Gateway
) -> None:
    directory = prepared(gateway)
    lfns = [f"{directory.path}/{number}" for number in range(3)]
    for lfn in lfns:
        system.register(lfn, {})
    made = gateway.create_transformation(spec(unique(), group_size=3, files=tuple(lfns)))
    assert gateway.add_files(made.id, lfns[:2]) == 2
    assert gateway.add_files(made.id, lfns) == 1
    assert gateway.add_files(made.id, lfns) == 0
    assert gateway.snapshot([made.id])[made.id].files == {"Unused": 3}
    gateway.start_transformation(made.id)
    system.until(lambda: gateway.snapshot([made.id])[made.id].files == {"Processed": 3})


def test_a_list_with_a_file_that_does_not_exist_attaches_nothing(
    system: System, gateway: Gateway
) -> None:
    directory = prepared(gateway)
    there, gone = f"{directory.path}/there", f"{directory.path}/gone"
    system.register(there, {})
    made = gateway.create_transformation(spec(unique()))
    with pytest.raises(NotFound, match=gone):
        gateway.add_files(made.id, [there, gone])
    assert gateway.snapshot([made.id])[made.id].files == {}


def test_a_flush_with_nothing_to_flush_ends_too(system: System, gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    gateway.start_transformation(made.id)
    assert gateway.flush_transformation(made.id) is True
    system.until(lambda: status_of(gateway, made.id) == Status.ACTIVE)


def test_a_stopped_transformation_attaches_nothing(system: System, gateway: Gateway) -> None:
    directory = prepared(gateway)
    made = gateway.create_transformation(
        spec(unique(), input_query=MetaQuery.parse(directory.metadata))
    )
    gateway.start_transformation(made.id)
    gateway.stop_transformation(made.id)
    system.cycles(1)  # an agent that saw it Active may be at work
    system.register(f"{directory.path}/late", {})
    system.cycles(1)
    assert gateway.snapshot([made.id])[made.id].files == {}
