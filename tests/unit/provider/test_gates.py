"""Waiting for what a step needs: the trigger, its sensor, and where they stand in the DAG."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider import gate_trigger
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.gate_trigger import DiracGateTrigger
from dirac_prodsys.provider.tasks.gates import DiracGateSensor
from tests.unit.provider.conftest import TWO_STEPS

MERGE = "    group_size: 4\n"
FILE, VALUE = "/sim/model.h5", "/sim/quality.json"


def waiting_for(*entries: str, more: str = "") -> str:
    """The two steps, of which the second waits."""
    lines = "".join(f"      - {entry}\n" for entry in entries)
    return TWO_STEPS.replace(MERGE, f"{MERGE}    wait_for:\n{lines}{more}")


def trigger_for(*gates: Gate, since: float = 0.0) -> DiracGateTrigger:
    return DiracGateTrigger(gates=[gate.to_dict() for gate in gates], since=since or time.time())


async def one_event(
    trigger: DiracGateTrigger, meanwhile: Callable[[int], None] = lambda turn: None
) -> dict[str, Any]:
    """The event of a trigger; ``meanwhile`` is called again and again until it comes."""

    async def collect() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    task = asyncio.ensure_future(collect())
    turn = 0
    try:
        async with asyncio.timeout(60):
            while not task.done():
                meanwhile(turn)
                turn += 1
                await asyncio.sleep(0.005)
        (event,) = task.result()
        return dict(event)
    finally:
        task.cancel()


async def test_a_file_a_dataset_and_a_value_are_waited_for_together(grid: MemoryGrid) -> None:
    def meanwhile(turn: int) -> None:
        if turn == 20:
            grid.catalogue.register(FILE)
        if turn == 40:
            grid.catalogue.register(VALUE, content=b'{"auc": 0.7}')
        if turn == 60:
            grid.catalogue.serve_createDirectory({"/sim/datasets": True})
            grid.catalogue.serve_addDataset({"/sim/datasets/d": {"run": "r"}})
        if turn == 80:
            grid.catalogue.remove(VALUE)
            grid.catalogue.register(VALUE, content=b'{"auc": 0.85}')

    trigger = trigger_for(
        Gate("file", FILE), Gate("dataset", "/sim/datasets/d"), Gate("value", VALUE, "auc >= 0.8")
    )
    event = await one_event(trigger, meanwhile)
    assert event["kind"] == "open"
    assert "auc = 0.85" in event["reason"]


async def test_a_small_file_is_read_once_for_each_of_its_versions(
    grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dirac_prodsys.gateway.memory import MemoryGateway

    reads: list[str] = []
    fetch = MemoryGateway._fetch
    monkeypatch.setattr(
        MemoryGateway,
        "_fetch",
        lambda self, lfn, most: (reads.append(lfn), fetch(self, lfn, most))[1],
    )
    grid.catalogue.register(VALUE, content=b"auc = 0.1")

    def meanwhile(turn: int) -> None:
        if turn == 60:
            grid.catalogue.remove(VALUE)
            grid.catalogue.register(VALUE, content=b"auc = 0.9")

    assert (await one_event(trigger_for(Gate("value", VALUE, "auc > 0.5")), meanwhile))["kind"]
    assert len(reads) == 2


async def test_an_outage_is_waited_out(grid: MemoryGrid) -> None:
    grid.down = True
    grid.catalogue.register(FILE)
    grid.catalogue.register(VALUE, content=b"auc = 0.9")

    def meanwhile(turn: int) -> None:
        if turn == 40:
            grid.down = False

    gates = Gate("file", FILE), Gate("value", VALUE, "auc > 0.5")
    assert (await one_event(trigger_for(*gates), meanwhile))["kind"] == "open"


async def test_a_gate_fails_when_its_time_is_over_even_in_an_outage(grid: MemoryGrid) -> None:
    grid.down = True
    trigger = trigger_for(Gate("file", FILE, within=3600), since=time.time() - 3601)
    event = await one_event(trigger)
    assert event["kind"] == "fail"
    assert "was waited for 1 h" in event["reason"]


async def test_another_production_opens_when_its_dataset_is_on_the_grid(
    grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(gate_trigger, "made_by", lambda production, step: list(made))

    def meanwhile(turn: int) -> None:
        if turn == 20:
            made.append("/sim/datasets/model_r7")
        if turn == 40:
            grid.catalogue.serve_createDirectory({"/sim/datasets": True})
            grid.catalogue.serve_addDataset({"/sim/datasets/model_r7": {"run": "r"}})

    event = await one_event(trigger_for(Gate("production", "other", step="train")), meanwhile)
    assert event["kind"] == "open"
    assert "exists: /sim/datasets/model_r7" in event["reason"]
    assert grid.catalogue.datasets


def test_a_stored_wait_of_any_version_is_taken_up() -> None:
    path, kwargs = trigger_for(Gate("file", FILE, within=9.0)).serialize()
    assert path == "dirac_prodsys.provider.gate_trigger.DiracGateTrigger"
    again = DiracGateTrigger(**json.loads(json.dumps({**kwargs, "newer": 1})))
    assert again.serialize() == (path, kwargs)


def sensor(text: str) -> DiracGateSensor:
    return DiracGateSensor(task_id="wait_for", production=load_production(text, "f"), step="merge")


def test_the_sensor_hands_its_gates_to_the_trigger(
    grid: MemoryGrid, context: dict[str, Any]
) -> None:
    text = waiting_for('{file: "/sim/${{ run }}/model.h5", within: 2}')
    with pytest.raises(TaskDeferred) as deferred:
        sensor(text).execute(context)
    trigger = deferred.value.trigger
    assert isinstance(trigger, DiracGateTrigger)
    assert trigger.gates == [{"kind": "file", "name": "/sim/r1/model.h5", "within": 7200.0}]
    assert trigger.since <= time.time()


def test_the_sensor_carries_the_verdict_out(context: dict[str, Any]) -> None:
    one = sensor(waiting_for("{file: /sim/f}"))
    assert one.resume(context, {"kind": "open", "reason": "there"}) == "there"
    with pytest.raises(AirflowFailException, match="waited for 2 h"):
        one.resume(context, {"kind": "fail", "reason": "was waited for 2 h"})


def test_datasets_of_other_productions_are_its_inlets() -> None:
    one = sensor(waiting_for("{production: other, step: train}", "{file: /sim/f}"))
    assert [asset.uri for asset in one.inlets] == ["dirac://sim/other/train"]


def edges(text: str) -> set[tuple[str, str]]:
    dag = build_dag(load_production(text, "f"))
    return {(task.task_id, after) for task in dag.tasks for after in task.downstream_task_ids}


def test_a_step_is_created_and_then_waits_and_then_asks() -> None:
    text = waiting_for("{file: /sim/f}", more="    approval: {subject: Go?}\n")
    found = edges(text)
    assert {
        ("prepare.create.merge", "prepare.register"),
        ("prepare.register", "prepare.verify"),
        ("merge.wait_for", "merge.approve"),
        ("merge.approve", "merge.start"),
    } <= found
    # ``verify`` comes before it by way of its parent's start
    assert {before for before, after in found if after == "merge.wait_for"} == {"make.start"}
    assert {before for before, after in found if after == "merge.start"} == {"merge.approve"}
    dag = build_dag(load_production(text, "f"))
    assert "prepare.verify" in dag.get_task("merge.wait_for").get_flat_relative_ids(upstream=True)


def test_what_a_step_starts_after_comes_before_its_wait() -> None:
    found = edges(waiting_for("{file: /sim/f}", more="    start: on_complete\n"))
    assert ("make.complete", "merge.wait_for") in found
    assert ("make.complete", "merge.start") not in found


LATE = """  late:
    type: Replication
    input: {dataset: /sim/datasets/d}
    wait_for: [{dataset: /sim/datasets/d}]
    plugin_parameters: {SourceSE: DISK-A-SE, TargetSE: TAPE-SE}
  after.it:
    type: Merging
    input: {from: late}
    job: {type: script, executable: x}
"""


def test_a_step_that_waits_for_its_input_is_created_afterwards_and_what_follows_it_too() -> None:
    found = edges(TWO_STEPS + LATE)
    assert {
        ("prepare.verify", "late.wait_for"),
        ("late.wait_for", "late.create"),
        ("late.create", "late.register"),
        ("late.register", "late.start"),
        ("late.start", "after__it.create"),
    } <= found
    dag = build_dag(load_production(TWO_STEPS + LATE, "f"))
    assert {"prepare.create.late", "prepare.create.after__it"}.isdisjoint(dag.task_dict)
    before = dag.get_task("prepare.verify").get_flat_relative_ids(upstream=True)
    assert {"prepare.create.make", "prepare.create.merge"} <= before
    assert {"late.create", "after__it.create"}.isdisjoint(before)
    assert "late.create" in dag.get_task("after__it.create").get_flat_relative_ids(upstream=True)


def test_a_production_that_waits_for_nothing_has_no_further_tasks() -> None:
    ids = {task.task_id for task in build_dag(load_production(TWO_STEPS, "f")).tasks}
    parts = {name.rpartition(".")[2] for name in ids}
    assert {"wait_for_input", "wait_for_completion"} <= parts
    assert {"wait_for", "approve"}.isdisjoint(parts)


def test_approval_of_a_production_comes_before_everything() -> None:
    text = TWO_STEPS.replace("vo: sim,", "vo: sim, approval: {subject: Go?},")
    found = edges(text)
    assert ("prepare.approve", "prepare.create.make") in found
    assert {before for before, after in found if after == "prepare.approve"} == {"prepare.begin"}
    dag = build_dag(load_production(text, "f"))
    after = dag.get_task("prepare.approve").get_flat_relative_ids(upstream=False)
    assert set(dag.task_ids) - after == {"prepare.begin", "prepare.approve"}
