"""What waiting costs the grid, counted: three calls a cycle, however many wait."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from dirac_prodsys.provider.triggers import DiracTransformationTrigger
from dirac_prodsys.provider.waiting.poller import attached
from sandbox import Grid

WAITING = 1000
CYCLES = 3


async def test_a_thousand_waiting_transformations_cost_three_calls_a_cycle(
    light_grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {
        "config": str(light_grid.client_cfg),
        "proxy": str(light_grid.proxy("prodmgr", "sim_prod")),
        "group": "sim_prod",
        "poll_interval": 0.5,
    }
    monkeypatch.setenv("AIRFLOW_CONN_COUNTED", json.dumps({"conn_type": "dirac", "extra": extra}))
    services = DiracGateway(GatewaySettings(**extra)).services
    mark = time.time_ns()
    ids = [
        services.call(
            TRANSFORMATIONS, "addTransformation",
            f"cost_{mark}_{number}", "", "", "Merging", "Standard", "Manual", "",
        )
        for number in range(WAITING)
    ]  # fmt: skip
    rules = StepRules(needs_input=True).to_dict()

    async def wait(number: int) -> None:
        trigger = DiracTransformationTrigger(number, dirac_conn_id="counted", rules=rules)
        async for event in trigger.run():
            pytest.fail(f"a wait ended: {event}")

    async with attached("counted") as poller:
        waits = [asyncio.ensure_future(wait(number)) for number in ids]
        try:
            await poller.look(ids[-1])  # handed out when its cycle is over
            gateway = poller.gateway
            assert isinstance(gateway, DiracGateway)
            asked: list[int] = []
            snapshot = gateway.snapshot

            def counted(numbers: Sequence[int]) -> dict[int, Snapshot]:
                asked.append(len(numbers))
                return snapshot(numbers)

            monkeypatch.setattr(gateway, "snapshot", counted)
            while asked[-1:] != [WAITING]:  # until all of them have come
                await poller.look(ids[-1])
            asked.clear()
            before = gateway.services.calls.copy()
            for _ in range(CYCLES):
                assert (await poller.look(ids[-1])).snapshot is not None
            assert asked == [WAITING] * CYCLES
            assert gateway.services.calls - before == {
                f"{TRANSFORMATIONS}.getTransformations": CYCLES,
                f"{TRANSFORMATIONS}.getCounters": 2 * CYCLES,
            }
            assert not any(each.done() for each in waits)
        finally:
            for each in waits:
                each.cancel()
