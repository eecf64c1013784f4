"""Waits, without a worker, for what a step needs before it starts.

Each look asks the catalogue for all files of the step in one call, and for each dataset in one
call. A small file is read only when its version has changed. For the output of another production,
Airflow is asked for the task that makes the dataset of its step, and the grid is asked whether it
has that dataset now.

Invariant: as for :mod:`provider.triggers`: only primitives, exactly one event, never an error
because of the grid; class path and keyword arguments may grow and never change.
``core.gates.judge_gates`` alone decides what a look means.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from dirac_prodsys.core import naming
from dirac_prodsys.core.gates.gate import Facts, Gate, GateVerdict, decide_gate, judge_gates
from dirac_prodsys.core.gates.numbers import MAX_BYTES
from dirac_prodsys.core.reports.state_line import gate_state
from dirac_prodsys.errors import NotFound
from dirac_prodsys.provider.waiting.blocking_calls import BlockingCalls
from dirac_prodsys.provider.waiting.event_time import wait_until
from dirac_prodsys.provider.waiting.poller import Poller, attached, longest_call
from dirac_prodsys.provider.waiting.state_keeping import StateWriter
from dirac_prodsys.provider.waiting.wait_log import PROGRESS_EVERY, reason_of
from dirac_prodsys.provider.waiting.xcoms import Shelf

#: most runs of another production to look at: the last ones that Airflow names
_RUNS = 20


class DiracGateTrigger(BaseTrigger):
    """Waits until all gates of a step are open at the same look.

    Its one event is ``{"kind": "open" | "closed" | "fail", "reason", "since"}``.

    :param gates: ``Gate`` as dicts.
    :param since: when the wait began, seconds since the epoch.
    :param not_before: as for :class:`DiracTransformationTrigger`.
    :param step: the step's name, for the report of its state.
    :param decides: wait only until the first gate, a value gate, can be judged: ``closed`` is then
        an event.
    """

    def __init__(
        self,
        gates: Sequence[Mapping[str, Any]] = (),
        dirac_conn_id: str = "dirac_default",
        since: float = 0.0,
        not_before: float = 0.0,
        decides: bool = False,
        step: str = "",
        **_ignored: Any,
    ) -> None:
        super().__init__()
        self.gates = [dict(gate) for gate in gates]
        self.dirac_conn_id = dirac_conn_id
        self.since = since
        self.not_before = not_before
        self.decides = decides
        self.step = step

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and keyword arguments, all JSON."""
        return "dirac_prodsys.provider.gate_trigger.DiracGateTrigger", {
            "gates": self.gates,
            "dirac_conn_id": self.dirac_conn_id,
            "since": self.since,
            "not_before": self.not_before,
            "decides": self.decides,
            "step": self.step,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield the one event."""
        gates = [Gate.from_dict(gate) for gate in self.gates]
        async with attached(self.dirac_conn_id) as poller:
            verdict = await self._wait(poller, gates)
        await wait_until(self.not_before)
        yield TriggerEvent({"kind": verdict.kind, "reason": verdict.reason, "since": self.since})

    async def _wait(self, poller: Poller, gates: Sequence[Gate]) -> GateVerdict:
        look = _Look(poller)
        reported, alarm, written = "", "", -PROGRESS_EVERY
        shelf, state = Shelf(self.task_instance, self.log), None
        writer = StateWriter(shelf)
        try:
            while True:
                facts = await look.facts(gates)
                waited = time.time() - self.since
                if self.decides:
                    verdict = decide_gate(gates[0], facts, waited=waited)
                else:
                    verdict = judge_gates(gates, facts, waited=waited)
                if verdict.alarm and verdict.alarm != alarm:
                    self.log.warning("%s", verdict.alarm)
                alarm = verdict.alarm
                name, before = self.step or str(self.task_id or "the step"), state
                state = gate_state(name, verdict, len(gates), time.time(), before)
                every = poller.settings.poll_interval / 2
                writer.write(state, every, at_once=state.is_news_after(before))
                if verdict.kind != "wait":
                    await shelf.close()
                    return verdict
                if verdict.reason != reported and time.monotonic() - written >= PROGRESS_EVERY:
                    self.log.info("%s", verdict.reason)
                    reported, written = verdict.reason, time.monotonic()
                await poller.pause()
        finally:
            look.close()


class _Look:
    """Gathers the facts, and remembers the small files that it has read.

    Files are read in a separate thread: a storage element that hangs delays no other wait.
    """

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._read: dict[str, tuple[str, bytes]] = {}
        self._reader = BlockingCalls(f"dirac-gate-{poller.conn_id}")

    def close(self) -> None:
        """End the thread."""
        self._reader.close()

    async def facts(self, gates: Sequence[Gate]) -> Facts:
        """Return what the grid and Airflow report now, and name what did not answer."""
        datasets: set[str] = set()
        contents: dict[str, bytes] = {}
        made: dict[str, list[str]] = {}
        unread: dict[str, str] = {}
        named = tuple(sorted({gate.name for gate in gates if gate.kind in ("file", "value")}))
        versions: Mapping[str, str] = {}
        try:
            if named:
                versions = await self._poller.ask(
                    ("versions", named), lambda grid: grid.file_versions(named)
                )
        except Exception as error:
            unread |= dict.fromkeys(named, reason_of(error))
        for gate in gates:
            try:
                if gate.kind == "dataset" and await self._exists(gate.name):
                    datasets.add(gate.name)
                elif gate.kind == "value" and gate.name in versions:
                    contents[gate.name] = await self._content(gate.name, versions[gate.name])
                elif gate.kind == "production":
                    candidates = await sync_to_async(made_by)(gate.name, gate.step)
                    there = [name for name in candidates if await self._exists(name)]
                    made[f"{gate.name}/{gate.step}"] = there
            except NotFound:
                continue  # it was removed meanwhile
            except Exception as error:
                unread[gate.name] = reason_of(error)
        return Facts(frozenset(datasets), frozenset(versions), contents, made, unread)

    async def _exists(self, dataset: str) -> bool:
        found = await self._poller.ask(
            ("dataset", dataset), lambda grid: grid.find_dataset(dataset) is not None
        )
        return bool(found)

    async def _content(self, lfn: str, version: str) -> bytes:
        known = self._read.get(lfn)
        if known is not None and known[0] == version:
            return known[1]
        gateway = self._poller.gateway
        content = await self._reader.run(
            lambda: gateway.read_file(lfn, MAX_BYTES), longest_call(self._poller.settings)
        )
        self._read[lfn] = (version, content)
        return content


def made_by(production: str, step: str) -> list[str]:
    """Return the datasets that runs of another production made in a step, as Airflow knows them.

    Blocks; works in a triggerer and in a worker.
    """
    from airflow.sdk.bases.xcom import BaseXCom
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    task = f"{naming.group_id(step)}.create_dataset"
    runs = RuntimeTaskInstance.get_task_states(dag_id=production, task_ids=[task])
    done = [run for run, states in runs.items() if states.get(task) == "success"]
    results = (
        BaseXCom.get_one(key="return_value", dag_id=production, task_id=task, run_id=run)
        for run in sorted(done)[-_RUNS:]
    )
    return _names(results)


def _names(results: Iterable[Any]) -> list[str]:
    named = [result.get("dataset") for result in results if isinstance(result, Mapping)]
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))
