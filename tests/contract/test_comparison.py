"""What a plan would meet: the same on the in-memory grid and on DIRAC, and never a write."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import Command, JobSpec
from dirac_prodsys.core.grid.status import TransformationStatus as Status
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayUnavailable
from tests.contract.systems import Gateway, Interrupted, by_hand, lost, spec, unique

OTHER_BODY = JobSpec(
    name="contract", job_type="Merging", commands=(Command(executable="/bin/false"),)
)


def test_what_is_there_is_read_back_as_values(gateway: Gateway) -> None:
    query = MetaQuery.parse({"run": {"in": ["a", "b"]}})
    wanted = spec(unique(), input_query=query, output_query=query)
    [before] = gateway.compare_transformations([wanted])
    assert (before.state, before.standing) == ("new", None)
    made = gateway.create_transformation(wanted)
    [after] = gateway.compare_transformations([wanted])
    assert (after.state, after.differences) == ("equal", ())
    there = after.standing
    assert there is not None
    assert (there.id, there.name, there.status) == (made.id, wanted.name, Status.NEW)
    assert (there.type, there.plugin, there.group_size) == ("Merging", "Standard", 2.0)
    assert there.input_query == there.output_query == query
    assert (len(there.body_digest), dict(there.files), dict(there.tasks)) == (64, {}, {})


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"group_size": 3.0}, "group size: asked 3, found 2"),
        ({"plugin": "BySize"}, "plugin: asked 'BySize', found 'Standard'"),
        ({"output_query": MetaQuery.parse({"run": "x"})}, "output query: asked run x, found run y"),
        ({"body": OTHER_BODY}, "body:"),
    ],
)
def test_a_conflict_is_what_creating_refuses(
    gateway: Gateway, changes: dict[str, object], difference: str
) -> None:
    old = spec(unique(), output_query=MetaQuery.parse({"run": "y"}))
    gateway.create_transformation(old)
    wanted = old.model_copy(update=changes)
    [meeting] = gateway.compare_transformations([wanted])
    assert meeting.state == "conflict"
    assert meeting.differences[0] == difference
    with pytest.raises(Conflict):
        gateway.create_transformation(wanted)


def test_what_creating_makes_anew_is_unfinished(gateway: Gateway) -> None:
    wanted = spec(unique(), input_query=MetaQuery.parse({"run": "x"}))
    bare = wanted.model_copy(update={"input_query": None})
    gateway.create_transformation(bare)
    [meeting] = gateway.compare_transformations([wanted])
    assert meeting.state == "unfinished"


def test_others_of_the_group_are_reported_after_those_asked_for(gateway: Gateway) -> None:
    group = unique()
    one, two = (spec(unique(), group=group) for _ in range(2))
    new = spec(unique(), group=group)
    ids = [gateway.create_transformation(each).id for each in (one, two)]
    meetings = gateway.compare_transformations([two, new], group)
    assert [(m.name, m.state) for m in meetings] == [
        (two.name, "equal"),
        (new.name, "new"),
        (one.name, "unknown"),
    ]
    assert meetings[2].standing is not None
    assert meetings[2].standing.id == ids[0]
    assert len(gateway.compare_transformations([two, new])) == 2


def test_a_name_in_other_case_is_taken(gateway: Gateway) -> None:
    old = spec(unique())
    gateway.create_transformation(old)
    [meeting] = gateway.compare_transformations([spec(old.name.upper())])
    assert meeting.state == "conflict"
    assert meeting.differences == (f"name: {old.name} differs in upper and lower case only",)


def test_one_that_somebody_stopped_or_cleaned(gateway: Gateway) -> None:
    old = spec(unique())
    made = gateway.create_transformation(old)
    gateway.start_transformation(made.id)
    gateway.stop_transformation(made.id)
    [meeting] = gateway.compare_transformations([old])
    assert (meeting.state, meeting.standing and meeting.standing.status) == ("equal", "Stopped")
    by_hand(gateway, made.id, "Status", "Cleaned")
    [meeting] = gateway.compare_transformations([old])
    assert meeting.state == "conflict"
    assert "somebody removed it" in meeting.differences[0]


def test_an_outage_is_an_outage(gateway: Gateway) -> None:
    gateway.services = Interrupted(gateway.services, "getTransformations", lost(), before=True)
    with pytest.raises(GatewayUnavailable):
        gateway.compare_transformations([spec(unique())])
