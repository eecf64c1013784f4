"""The contract of outputs that no body names, on every production system."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.ctao.traces import UNSIGNED, signed_by
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from tests.contract.systems import Gateway, System, spec, unique


def test_files_are_found_by_their_job_below_one_directory(system: System, gateway: Gateway) -> None:
    directory = f"/sim/contract/{unique()}"
    mine, other = f"{directory}/7/Data", f"{directory}/8/Data"
    for place in (mine, other):
        gateway.prepare_directories([DirectorySpec(path=place, metadata={})])
    signed = {"jobID": "70", "runNumber": "00000012"}
    system.register(f"{mine}/000xxx/run12", signed)
    system.register(f"{mine}/000xxx/run13", {"jobID": "71", "runNumber": "00000013"})
    system.register(f"{mine}/-01xxx/unsigned", {"nsb": 1})
    system.register(f"{other}/000xxx/run12", signed)
    assert gateway.files_below(mine, signed_by([70, 72])) == {f"{mine}/000xxx/run12": signed}
    assert list(gateway.files_below(mine, signed_by([70, 71]))) == [
        f"{mine}/000xxx/run12",
        f"{mine}/000xxx/run13",
    ]
    assert gateway.files_below(mine, UNSIGNED) == {f"{mine}/-01xxx/unsigned": {"nsb": 1}}
    assert gateway.files_below(mine, signed_by([7])) == {}
    assert gateway.files_below(f"{directory}/9", UNSIGNED) == {}


def test_a_field_that_the_catalogue_does_not_know_is_no_condition(gateway: Gateway) -> None:
    with pytest.raises(GatewayRejected, match="nobodysField"):
        gateway.files_below("/sim", MetaQuery.parse({"nobodysField": "70"}))


def test_a_task_keeps_what_it_was_made_of(system: System, gateway: Gateway) -> None:
    mark = unique()
    directory = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    lfns = [f"{directory}/{number}" for number in range(3)]
    for lfn in lfns:
        system.register(lfn, {})
    made = gateway.create_transformation(
        spec(mark, group_size=2, input_query=MetaQuery.parse({"run": mark}))
    )
    gateway.start_transformation(made.id)
    system.until(lambda: bool(gateway.tasks(made.id)))
    gateway.stop_transformation(made.id)
    taken = gateway.attached_files(made.id, ["Assigned", "Processed"])
    given = gateway.task_inputs(made.id, [1, 9])
    assert sorted(given) == [1]
    assert sorted(given[1]) == sorted(file.lfn for file in taken if file.task == 1)
    assert len(given[1]) == 2
    assert gateway.task_inputs(made.id, []) == {}
