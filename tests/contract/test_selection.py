"""What asking before a removal relies on: the same on the in-memory grid and on DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from tests.contract.systems import Gateway, System, unique


def test_files_are_found_wherever_they_lie_and_are_as_big_as_the_catalogue_says(
    system: System, gateway: Gateway
) -> None:
    run = unique("run")
    lfns = []
    for folder in (unique("one"), unique("two")):
        directory = f"/sim/selection/{folder}"
        gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": run})])
        lfns.append(f"{directory}/a.dat")
        system.register(lfns[-1], {}, content=b"12345")
    assert gateway.selected_files(MetaQuery.parse({"run": run})) == sorted(lfns)
    assert gateway.selected_files(MetaQuery.parse({"run": unique("none")})) == []
    assert gateway.size_of(lfns) == 10
    assert gateway.size_of([lfns[0], "/sim/selection/nowhere.dat"]) == 5


@pytest.mark.parametrize("query", [{}, {"noSuchField": 1}])
def test_a_query_that_the_catalogue_would_widen_is_refused(
    gateway: Gateway, query: dict[str, object]
) -> None:
    with pytest.raises(GatewayRejected):
        gateway.selected_files(MetaQuery.parse(query))
