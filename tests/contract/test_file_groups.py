"""The contract of files counted by their metadata, on every production system."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from tests.contract.systems import Gateway, System, unique


def test_files_are_counted_by_values_of_their_own_and_of_their_directories(
    system: System, gateway: Gateway
) -> None:
    mark = unique()
    top = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=top, metadata={"run": mark})])
    for step in ("day", "night"):
        place = DirectorySpec(path=f"{top}/{step}", metadata={"step": step})
        gateway.prepare_directories([place])
    for name, own in (
        ("day/1", {"nsb": 1}),
        ("night/1", {"nsb": 1}),
        ("night/2", {"nsb": 1}),
        ("night/3", {"nsb": 5}),
        ("night/4", {}),
    ):
        system.register(f"{top}/{name}", own)
    query = MetaQuery.parse({"run": mark})
    assert gateway.count_files_by(top, query, ["nsb"]) == {(1,): 3, (5,): 1}
    assert gateway.count_files_by(top, query, ["step"]) == {("day",): 1, ("night",): 4}
    assert gateway.count_files_by(top, query, ["step", "nsb"]) == {
        ("day", 1): 1,
        ("night", 1): 2,
        ("night", 5): 1,
    }
    assert gateway.count_files_by(f"{top}/day", query, ["nsb"]) == {(1,): 1}
    assert gateway.count_files_by(f"{top}/none", query, ["nsb"]) == {}


def test_files_are_not_counted_by_a_field_that_the_catalogue_does_not_know(
    gateway: Gateway,
) -> None:
    with pytest.raises(GatewayRejected, match="nobodysField"):
        gateway.count_files_by("/sim", MetaQuery.parse({"run": "x"}), ["nobodysField"])
