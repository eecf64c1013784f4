"""The contract of a step's input: what its query finds, what is attached, what its parents made."""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import DirectorySpec, OutputFile
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.procedures.inputs import lost_inputs
from dirac_prodsys.gateway.records import ComparedFiles
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.contract.systems import Gateway, System, spec, unique


def taking(system: System, gateway: Gateway, mark: str, files: int) -> int:
    """A started transformation that takes so many files of that run."""
    asked = spec(unique(), group_size=10, input_query=MetaQuery.parse({"run": mark}))
    made = gateway.create_transformation(asked)
    gateway.start_transformation(made.id)
    system.until(lambda: gateway.snapshot([made.id])[made.id].files == {"Unused": files})
    gateway.stop_transformation(made.id)
    return made.id


def test_files_that_a_plugin_attached_are_counted_apart(system: System, gateway: Gateway) -> None:
    mark = unique()
    query, folder = MetaQuery.parse({"run": mark}), f"/sim/contract/{mark}"
    gateway.prepare_directories(
        [
            DirectorySpec(path=f"{folder}/in", metadata={"run": mark}),
            DirectorySpec(path=f"{folder}/calibration", metadata={"run": f"{mark}c"}),
        ]
    )
    for number in range(3):
        system.register(f"{folder}/in/{number}", {})
    made = taking(system, gateway, mark, 3)
    assert gateway.compare_files(made, query) == ComparedFiles(0, {})
    # as CTAO's ByTelescopeChunk does, by the same call
    foreign = [f"{folder}/calibration/{number}" for number in range(2)]
    for lfn in foreign:
        system.register(lfn, {})
    gateway.services.call(TRANSFORMATIONS, "addFilesToTransformation", made, foreign)
    for number in (3, 4):  # as many as there are others: numbers alone would agree
        system.register(f"{folder}/in/{number}", {})
    assert gateway.count_files(query) == sum(gateway.snapshot([made])[made].files.values()) == 5
    assert gateway.compare_files(made, query) == ComparedFiles(2, {"Unused": 2})


def test_files_that_the_parents_made_and_the_query_does_not_find_are_reported(
    system: System, gateway: Gateway
) -> None:
    mark = unique()
    folder = f"/sim/contract/{mark}"
    good, spoiled = f"{folder}/good", f"{folder}/spoiled"
    declared = tuple(DirectorySpec(path=path, metadata={"run": mark}) for path in (good, spoiled))
    outputs = tuple(
        OutputFile(name="o_@{JOB_ID}", directory=path, se="DISK-A-SE") for path in (good, spoiled)
    )
    parent = spec(f"{mark}p", type="MCSimulation", group_size=1, directories=declared)
    parent = parent.model_copy(update={"body": parent.body.model_copy(update={"outputs": outputs})})
    simulated = gateway.create_transformation(parent).id
    gateway.ensure_tasks(simulated, 3)
    gateway.services.call(TRANSFORMATIONS, "setTaskStatus", simulated, [1, 2], "Done")
    # the catalogue has not kept what was declared of the second directory
    gateway.prepare_directories(
        [DirectorySpec(path=good, metadata={"run": mark}), DirectorySpec(path=spoiled, metadata={})]
    )
    for number in (1, 2, 3):
        system.register(f"{good}/o_0000000{number}", {})
    system.register(f"{spoiled}/o_00000002", {})
    system.register(f"{spoiled}/o_00000003", {})  # of a task that is not done
    made = taking(system, gateway, mark, 3)
    asked = spec(f"{mark}q", input_query=MetaQuery.parse({"run": mark}))
    assert lost_inputs(gateway, made, asked, [parent]) == [f"{spoiled}/o_00000002"]
    part = spec(f"{mark}r", input_query=MetaQuery.parse({"run": mark, "particle": "gamma"}))
    assert lost_inputs(gateway, made, part, [parent]) == []
    assert lost_inputs(gateway, made, asked, []) == []


def test_the_end_of_jobs_can_be_passed_to_the_transformation_system(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation", group_size=1)).id
    gateway.ensure_tasks(made, 4)
    gateway.follow_tasks(made, {1: "Done", 2: "Failed", 3: "Done"})
    assert gateway.snapshot([made])[made].tasks == {"Created": 1, "Done": 2, "Failed": 1}
