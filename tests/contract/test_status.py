"""States of transformations and who may change them: the same in memory and on DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import RequestOperation, RequestSpec
from dirac_prodsys.core.grid.status import TransformationStatus as Status
from dirac_prodsys.errors import NotFound, TransformationFailed
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.contract.systems import Gateway, by_hand, spec, status_of, unique


def test_starting_stopping_and_starting_again_may_be_repeated(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    for _ in range(2):
        gateway.start_transformation(made.id)
        assert status_of(gateway, made.id) == Status.ACTIVE
    for _ in range(2):
        gateway.stop_transformation(made.id)
        assert status_of(gateway, made.id) == Status.STOPPED
    gateway.start_transformation(made.id)
    assert status_of(gateway, made.id) == Status.STOPPED
    for _ in range(2):
        gateway.resume_transformation(made.id)
        assert status_of(gateway, made.id) == Status.ACTIVE


def test_resuming_what_a_person_stopped_lets_the_agents_submit_again(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    gateway.start_transformation(made.id)
    by_hand(gateway, made.id, "Status", "Stopped")
    by_hand(gateway, made.id, "AgentType", "Manual")
    gateway.resume_transformation(made.id)
    row = gateway.services.call(TRANSFORMATIONS, "getTransformation", made.id, False)
    assert (row["Status"], row["AgentType"]) == ("Active", "Automatic")


@pytest.mark.parametrize("state", ["New", "Stopped", "Completed", "Cleaned", "Idle"])
def test_only_an_active_transformation_is_flushed(gateway: Gateway, state: str) -> None:
    made = gateway.create_transformation(spec(unique()))
    by_hand(gateway, made.id, "Status", state)
    assert gateway.flush_transformation(made.id) is False
    assert status_of(gateway, made.id) == state


def test_completing_may_be_repeated_and_nothing_starts_it_again(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique()))
    gateway.start_transformation(made.id)
    for _ in range(2):
        gateway.complete_transformation(made.id)
        assert status_of(gateway, made.id) == Status.COMPLETED
    gateway.start_transformation(made.id)
    gateway.resume_transformation(made.id)
    gateway.stop_transformation(made.id)
    assert status_of(gateway, made.id) == Status.COMPLETED


@pytest.mark.parametrize("state", ["Cleaned", "Deleted", "TransformationCleaned"])
def test_a_removed_transformation_is_neither_completed_nor_started(
    gateway: Gateway, state: str
) -> None:
    made = gateway.create_transformation(spec(unique()))
    by_hand(gateway, made.id, "Status", state)
    with pytest.raises(TransformationFailed, match=state):
        gateway.complete_transformation(made.id)
    with pytest.raises(TransformationFailed, match=state):
        gateway.start_transformation(made.id)
    with pytest.raises(TransformationFailed, match=state):
        gateway.resume_transformation(made.id)
    gateway.stop_transformation(made.id)
    assert status_of(gateway, made.id) == state


@pytest.mark.parametrize("state", ["New", "Active", "Stopped", "Completed", "RemovedFiles"])
def test_cleaning_is_asked_for_once_and_left_to_the_agent(gateway: Gateway, state: str) -> None:
    made = gateway.create_transformation(spec(unique()))
    by_hand(gateway, made.id, "Status", state)
    for _ in range(2):
        gateway.clean_transformation(made.id)
        assert status_of(gateway, made.id) == Status.CLEANING


@pytest.mark.parametrize("state", ["Cleaned", "Archived", "Deleted"])
def test_what_has_been_cleaned_is_not_cleaned_again(gateway: Gateway, state: str) -> None:
    made = gateway.create_transformation(spec(unique()))
    by_hand(gateway, made.id, "Status", state)
    gateway.clean_transformation(made.id)
    assert status_of(gateway, made.id) == state


def test_data_management_that_was_cleaned_is_not_complete_though_dirac_archives_it(
    gateway: Gateway,
) -> None:
    copy = RequestOperation(type="ReplicateAndRegister", attributes={"TargetSE": "DISK-B-SE"})
    body = RequestSpec(operations=(copy,))

    def archived(*before: str) -> str:
        made = gateway.create_transformation(spec(unique(), type="Replication", body=body))
        for state in (*before, "Archived"):
            by_hand(gateway, made.id, "Status", state)
        seen = status_of(gateway, made.id)
        found = gateway.find_transformation(made.name)
        assert found is not None
        assert found.status == seen
        return str(seen)

    assert archived("Active", "Completed") == "Archived"
    assert archived("Active", "Cleaning") == "Cleaned"


def test_many_are_found_by_their_exact_names(gateway: Gateway) -> None:
    names = [unique() for _ in range(3)]
    made = [gateway.create_transformation(spec(name)) for name in names[:2]]
    found = gateway.find_transformations([*names, names[0].upper()])
    assert {name: record.id for name, record in found.items()} == {
        names[0]: made[0].id,
        names[1]: made[1].id,
    }
    assert gateway.find_transformations([]) == {}


def test_an_unknown_transformation_is_not_found(gateway: Gateway) -> None:
    for verb in (
        gateway.start_transformation,
        gateway.resume_transformation,
        gateway.stop_transformation,
        gateway.flush_transformation,
        gateway.complete_transformation,
        gateway.clean_transformation,
    ):
        with pytest.raises(NotFound):
            verb(999_999_999)


@pytest.mark.in_process
def test_a_snapshot_of_many_costs_three_calls(gateway: Gateway) -> None:
    ids = [
        gateway.services.call(
            TRANSFORMATIONS, "addTransformation", unique(), "", "", "Merging", "Standard",
            "Automatic", "",
        )
        for _ in range(120)
    ]  # fmt: skip
    before = gateway.services.calls.total()
    found = gateway.snapshot([*ids, *ids, 999_999_999])
    assert gateway.services.calls.total() - before == 3
    assert sorted(found) == sorted(ids)
    assert {str(snapshot.status) for snapshot in found.values()} == {"New"}
    assert gateway.snapshot([]) == {}
    assert gateway.services.calls.total() - before == 3
