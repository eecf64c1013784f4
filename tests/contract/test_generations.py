"""The contract of later generations: what came since, and what DIRAC forgets when it archives."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.step_plan import Newer
from dirac_prodsys.errors import Conflict
from dirac_prodsys.gateway.procedures.generations import (
    attach_newer,
    came_since,
    keep_taken,
    read_taken,
    taken_before,
)
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.contract.systems import Gateway, System, by_hand, prepared, spec, unique


def attached(gateway: Gateway, transformation: int) -> list[str]:
    return sorted(f.lfn for f in gateway.attached_files(transformation, ["Unused", "Processed"]))


def archive(gateway: Gateway, transformation: int, status: str = "Archived") -> None:
    """As ``TransformationCleaningAgent.archiveTransformation``: it cleans, then sets the status.

    :param status: ``Completed``: it has not come to that yet.
    """
    gateway.services.call(TRANSFORMATIONS, "cleanTransformation", transformation)
    if status != "Completed":
        by_hand(gateway, transformation, "Status", status)


def test_only_files_that_no_generation_has_taken_are_attached(
    system: System, gateway: Gateway
) -> None:
    top = prepared(gateway)
    query = MetaQuery.parse(dict(top.metadata))
    old, new, newest = (f"{top.path}/{name}" for name in ("old", "new", "newest"))
    system.register(old, {})
    production = unique("p")
    names = [f"{production}__{run}__take" for run in ("r1", "r1.g2", "r1.g3")]
    first = gateway.create_transformation(spec(names[0], input_query=query)).id
    gateway.add_files(first, [old])
    gateway.complete_transformation(first)

    refused = came_since(gateway, first, names[:1]).refused
    assert "values of its run are not known" in refused
    assert keep_taken(gateway, first, "r1", {"quality": 7})
    kept = read_taken(gateway, first)
    assert kept is not None
    assert (kept.run_id, kept.parameters, kept.files) == ("r1", {"quality": 7}, {old})
    assert came_since(gateway, first, names[:1]).files == 0

    system.register(new, {})
    came = came_since(gateway, first, names[:1])
    assert (came.files, came.bytes, came.refused) == (1, len(new), "")
    second = gateway.create_transformation(spec(names[1])).id
    for added in (1, 0):  # twice is once
        assert attach_newer(gateway, second, Newer(query, (names[0],))) == added
    assert attached(gateway, second) == [new]
    keep_taken(gateway, second, "r1.g2", {})
    gateway.complete_transformation(second)

    # DIRAC forgets files and query of the first, and what is kept says the same
    archive(gateway, first)
    assert gateway.input_query(first) is None
    assert attached(gateway, first) == []
    assert keep_taken(gateway, first, "r1", {"quality": 7})
    assert read_taken(gateway, first) == kept
    assert taken_before(gateway, names[:2]) == {old, new}
    assert came_since(gateway, first, names[:2]).files == 0
    system.register(newest, {})
    assert came_since(gateway, first, names[:2]).files == 1
    third = gateway.create_transformation(spec(names[2])).id
    attach_newer(gateway, third, Newer(query, tuple(names[:2])))
    assert attached(gateway, third) == [newest]


@pytest.mark.parametrize("status", ["Completed", "Archived"])
def test_what_is_not_known_is_not_taken_again(
    system: System, gateway: Gateway, status: str
) -> None:
    top = prepared(gateway)
    query = MetaQuery.parse(dict(top.metadata))
    lfn = f"{top.path}/old"
    system.register(lfn, {})
    name = f"{unique('p')}__r1__take"
    first = gateway.create_transformation(spec(name, input_query=query)).id
    gateway.add_files(first, [lfn])
    gateway.complete_transformation(first)
    archive(gateway, first, status)
    later = gateway.create_transformation(spec(unique())).id
    for names in ([name], [f"{unique('q')}__r1__take"]):
        with pytest.raises(Conflict, match="begin a new run"):
            attach_newer(gateway, later, Newer(query, tuple(names)))
    assert attached(gateway, later) == []


def test_a_generation_that_was_cleaned_has_taken_nothing(system: System, gateway: Gateway) -> None:
    top = prepared(gateway)
    query = MetaQuery.parse(dict(top.metadata))
    old, new = f"{top.path}/old", f"{top.path}/new"
    production = unique("p")
    names = [f"{production}__{run}__take" for run in ("r1", "r1.g2")]
    for name, lfn in zip(names, (old, new), strict=True):
        system.register(lfn, {})
        made = gateway.create_transformation(spec(name, input_query=query)).id
        gateway.add_files(made, [lfn])
        keep_taken(gateway, made, "r1", {})
        gateway.complete_transformation(made)
    assert taken_before(gateway, names) == {old, new}
    gateway.clean_transformation(made)
    assert taken_before(gateway, names) == {old}
