"""Transformations are created once, or adopted: held against both grids, in memory and DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import Command, JobSpec
from dirac_prodsys.core.grid.status import TransformationStatus as Status
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from tests.contract.systems import (
    POWERLESS,
    Gateway,
    Interrupted,
    System,
    by_hand,
    lost,
    spec,
    status_of,
    unique,
)


def test_a_gateway_has_all_verbs_and_knows_whom_the_grid_takes_it_for(gateway: Gateway) -> None:
    assert isinstance(gateway, ProductionGateway)
    identity = gateway.ping()
    assert (identity.group, identity.vo) == ("sim_prod", "sim")
    assert TRANSFORMATIONS in identity.services


def test_a_new_transformation_is_new_and_found_by_its_name(gateway: Gateway) -> None:
    name = unique()
    assert gateway.find_transformation(name) is None
    made = gateway.create_transformation(spec(name))
    assert (made.status, made.adopted) == (Status.NEW, False)
    found = gateway.find_transformation(name)
    assert found is not None
    assert (found.id, found.name) == (made.id, name)


def test_creating_it_again_adopts_it_even_when_it_runs(gateway: Gateway) -> None:
    wanted = spec(unique(), input_query=MetaQuery.parse({"run": unique()}))
    made = gateway.create_transformation(wanted)
    again = gateway.create_transformation(wanted)
    gateway.start_transformation(made.id)
    running = gateway.create_transformation(wanted)
    assert [again.id, running.id] == [made.id, made.id]
    assert again.adopted
    assert running.status == Status.ACTIVE


def test_a_name_that_is_taken_by_something_else_is_a_conflict_that_lists_every_difference(
    gateway: Gateway,
) -> None:
    mine = spec(
        unique(),
        agent_type="Manual",
        input_query=MetaQuery.parse({"run": "mine"}),
        output_query=MetaQuery.parse({"data_level": 1}),
    )
    made = gateway.create_transformation(mine)
    other = mine.model_copy(
        update={
            "type": "DataReprocessing",
            "plugin": "BySize",
            "agent_type": "Automatic",
            "group_size": 3,
            "body": JobSpec(name="x", job_type="y", commands=(Command(executable="/bin/no"),)),
            "input_query": MetaQuery.parse({"run": "theirs"}),
            "output_query": None,
        }
    )
    with pytest.raises(Conflict) as raised:
        gateway.create_transformation(other)
    reason = raised.value.reason
    for word in (
        str(made.id),
        "type: asked 'DataReprocessing', found 'Merging'",
        "plugin: asked 'BySize', found 'Standard'",
        "agent type: asked 'Automatic', found 'Manual'",
        "group size: asked 3, found 2",
        "input query: asked run theirs, found run mine",
        "output query: asked none, found data_level 1",
        "body:",
        "/bin/no",
    ):
        assert word in reason
    assert gateway.create_transformation(mine).id == made.id


def test_a_group_size_that_a_person_changed_is_adopted(gateway: Gateway) -> None:
    wanted = spec(unique(), group_size=2)
    made = gateway.create_transformation(wanted)
    by_hand(gateway, made.id, "GroupSize", 5)
    again = gateway.create_transformation(wanted)
    assert (again.id, again.adopted) == (made.id, True)
    assert gateway.snapshot([made.id])[made.id].group_size == 5
    other = wanted.model_copy(update={"plugin": "BySize"})
    with pytest.raises(Conflict, match="plugin"):
        gateway.create_transformation(other)


@pytest.mark.parametrize(
    "query",
    [
        {"data_level": 0},
        {"merged": 0, "phiP": 0.0},
        {"thetaP": 20.0},
        {"thetaP": 12.5},
        {"particle": ["gamma", "proton"]},
        {"data_level": [0, 1, 2]},
        {"thetaP": [20.0, 40.5]},
        {"data_level": {"!=": 0}},
        {"data_level": {">=": 0, "<": 3}},
        {"particle": {"nin": ["electron", "muon"]}},
        {"particle": "Any"},
        {"particle": 'it\'s "quoted" % \\ and;odd'},
    ],
    ids=str,
)
def test_every_condition_comes_back_as_it_was_asked(
    gateway: Gateway, query: dict[str, object]
) -> None:
    asked = MetaQuery.parse(query)
    wanted = spec(unique(), input_query=asked, output_query=asked)
    made = gateway.create_transformation(wanted)
    for kind in ("Input", "Output"):
        stored = gateway.services.call(TRANSFORMATIONS, "getTransformationMetaQuery", made.id, kind)
        assert MetaQuery.from_dirac(stored) == asked
    assert gateway.create_transformation(wanted).adopted


def test_success_without_an_id_is_refused_and_leaves_nothing(gateway: Gateway) -> None:
    # one key for the service's table: it removes the row and answers that all is well
    gateway.services.call(CATALOGUE, "addMetadataField", "RUN", "VARCHAR(128)", "-d")
    wanted = spec(unique(), input_query=MetaQuery.parse({"run": "a", "RUN": "b"}))
    with pytest.raises(GatewayRejected, match="without an ID"):
        gateway.create_transformation(wanted)
    assert gateway.find_transformation(wanted.name) is None


def test_a_condition_that_dirac_could_never_read_again_is_refused(gateway: Gateway) -> None:
    values = [f"{number:08d}" for number in range(300)]
    wanted = spec(unique(), input_query=MetaQuery.parse({"particle": values}))
    with pytest.raises(GatewayRejected, match="2048"):
        gateway.create_transformation(wanted)
    shorter = spec(unique(), input_query=MetaQuery.parse({"particle": values[:150]}))
    assert gateway.create_transformation(shorter).id


@pytest.mark.parametrize("before", [True, False], ids=["before the call", "after its work"])
def test_after_dying_round_the_creating_call_a_retry_ends_with_exactly_one(
    gateway: Gateway, before: bool
) -> None:
    wanted = spec(unique(), input_query=MetaQuery.parse({"run": unique()}))
    real = gateway.services
    gateway.services = Interrupted(real, "addTransformation", lost(), before=before)
    with pytest.raises(GatewayUnavailable):
        gateway.create_transformation(wanted)
    gateway.services = real
    found = gateway.find_transformation(wanted.name)
    assert (found is None) is before
    made = gateway.create_transformation(wanted)
    assert made.adopted is not before
    assert gateway.create_transformation(wanted).id == made.id


def test_what_a_service_left_half_made_is_made_anew(gateway: Gateway) -> None:
    wanted = spec(
        unique(),
        input_query=MetaQuery.parse({"run": "r", "data_level": 0}),
        output_query=MetaQuery.parse({"data_level": 1}),
    )
    complete = gateway.create_transformation(wanted)
    # the service stores condition by condition: stop after the first
    torn = gateway.services.call(TRANSFORMATIONS, "deleteTransformation", complete.id)
    assert torn is None
    half = wanted.model_copy(
        update={"input_query": MetaQuery.parse({"data_level": 0}), "output_query": None}
    )
    left = gateway.create_transformation(half)
    made = gateway.create_transformation(wanted)
    assert made.id != left.id
    assert not made.adopted
    assert gateway.snapshot([left.id]) == {}
    assert gateway.create_transformation(wanted).adopted


def test_half_made_but_started_is_somebodys_and_a_conflict(gateway: Gateway) -> None:
    wanted = spec(unique(), input_query=MetaQuery.parse({"run": "r", "data_level": 0}))
    half = wanted.model_copy(update={"input_query": MetaQuery.parse({"data_level": 0})})
    left = gateway.create_transformation(half)
    gateway.start_transformation(left.id)
    with pytest.raises(Conflict):
        gateway.create_transformation(wanted)
    assert status_of(gateway, left.id) == Status.ACTIVE


def test_two_transformations_of_one_name_are_a_conflict_that_names_both(gateway: Gateway) -> None:
    one, other = spec(unique()), spec(unique())
    ids = [gateway.create_transformation(each).id for each in (one, other)]
    by_hand(gateway, ids[1], "TransformationName", one.name)
    with pytest.raises(Conflict) as raised:
        gateway.create_transformation(one)
    assert all(str(id) in raised.value.reason for id in ids)


def test_a_name_in_other_letters_is_another_name(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique("Upper")))
    assert gateway.find_transformation(made.name.lower()) is None


@pytest.mark.parametrize("name", ["4711", "x" * 256, ""])
def test_names_that_dirac_misreads_are_refused(gateway: Gateway, name: str) -> None:
    with pytest.raises(GatewayRejected):
        gateway.create_transformation(spec(name))


@pytest.mark.dirac_91
def test_additional_parameters_are_kept_completed_and_compared(gateway: Gateway) -> None:
    bare = spec(unique())
    made = gateway.create_transformation(bare)
    wanted = bare.model_copy(update={"parameters": {"TargetSE": "DISK-B-SE", "Tries": 3}})
    assert gateway.create_transformation(wanted).id == made.id
    row = gateway.services.call(TRANSFORMATIONS, "getTransformation", made.id, True)
    assert (row["TargetSE"], row["Tries"]) == ("DISK-B-SE", 3)
    other = bare.model_copy(update={"parameters": {"TargetSE": "DISK-A-SE"}})
    with pytest.raises(Conflict, match="parameter TargetSE"):
        gateway.create_transformation(other)


@pytest.mark.parametrize("query", [{}, {"no_such_field": 1}], ids=str)
def test_a_query_that_the_catalogue_would_widen_is_refused(
    gateway: Gateway, query: dict[str, object]
) -> None:
    asked = MetaQuery.parse(query)
    wanted = spec(unique(), input_query=asked)
    with pytest.raises(GatewayRejected):
        gateway.create_transformation(wanted)
    with pytest.raises(GatewayRejected):
        gateway.count_files(asked)
    assert gateway.find_transformation(wanted.name) is None


def test_a_group_without_the_right_is_denied(system: System) -> None:
    wanted = spec(unique())
    with pytest.raises(GatewayDenied):
        system.gateway(group=POWERLESS).create_transformation(wanted)
    assert system.gateway().find_transformation(wanted.name) is None


def test_a_removed_transformation_is_not_adopted(gateway: Gateway) -> None:
    wanted = spec(unique())
    made = gateway.create_transformation(wanted)
    by_hand(gateway, made.id, "Status", "Cleaned")
    with pytest.raises(Conflict, match="removed"):
        gateway.create_transformation(wanted)
