"""The watcher on the catalogue: no group of files is lost, and none is taken twice."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from airflow.triggers.shared_stream import SharedStreamManager

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.waiting import new_files
from dirac_prodsys.provider.waiting.new_files import (
    BEGUN,
    CatalogueWatch,
    DiracNewFilesTrigger,
)
from tests.catalogue_looks import Looks, counted
from tests.patience import patience

SOON = patience(5.0)


class KeptWithAsset:
    """Airflow's store of an asset; it can be away."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.away = False
        self.writes = 0

    async def aget(self, key: str) -> Any:
        self._answer()
        return self.values.get(key)

    async def aset(self, key: str, value: Any) -> None:
        self._answer()
        self.writes += 1
        self.values[key] = json.loads(json.dumps(value))

    def _answer(self) -> None:
        if self.away:
            raise RuntimeError("the API server does not answer")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> KeptWithAsset:
    """What outlives a triggerer."""
    from airflow.sdk.execution_time import context

    made = KeptWithAsset()
    monkeypatch.setattr(context, "AssetStateStoreAccessor", lambda name: made)
    return made


@pytest.fixture
def observed(grid: MemoryGrid) -> Iterator[Any]:
    """Files of an observation appear: ``observed(120, files=2)``."""
    grid.catalogue.file_fields["obs_id"] = "INT"
    numbers = itertools.count()

    def appear(obs_id: int, files: int = 1) -> None:
        for _ in range(files):
            grid.catalogue.register(f"/sim/raw/{obs_id}/{next(numbers)}", step="raw", obs_id=obs_id)

    return appear


def trigger(**changed: Any) -> DiracNewFilesTrigger:
    arguments: dict[str, Any] = {
        "production": "night",
        "asset": "night.+files",
        "query": {"step": {"=": "raw"}},
        "fields": ["obs_id"],
        "directory": "/sim",
        "look_every": 0.01,
        "take_existing": True,
    }
    return DiracNewFilesTrigger(**{**arguments, **changed})


async def some(of: AsyncIterator[Any], number: int) -> list[int]:
    """The observations of the next events."""
    async with asyncio.timeout(SOON):
        return [(await anext(of)).payload["each"]["obs_id"] for _ in range(number)]


async def none(of: AsyncIterator[Any], looks: Looks) -> None:
    """There is no event in three looks."""
    waiting = asyncio.ensure_future(anext(of))
    await looks.more(4)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.fixture
def looks() -> Iterator[Looks]:
    """How often the watchers of a test have looked."""
    with counted() as found:
        yield found


async def test_each_observation_is_one_event_with_its_facts(
    observed: Any, store: KeptWithAsset, looks: Looks
) -> None:
    observed(121, files=3)
    observed(120)
    async with aclosing(trigger().run()) as events:
        async with asyncio.timeout(SOON):
            found = [(await anext(events)).payload for _ in range(2)]
        assert found == [
            {"each": {"obs_id": 120}, "files": 1, "production": "night"},
            {"each": {"obs_id": 121}, "files": 3, "production": "night"},
        ]
        observed(122)
        assert await some(events, 1) == [122]
        observed(122)
        await none(events, looks)


async def test_what_is_there_at_the_first_look_is_left_unless_it_is_to_be_caught_up(
    observed: Any, store: KeptWithAsset
) -> None:
    observed(1)
    async with aclosing(trigger(take_existing=False).run()) as events:
        waiting = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(SOON):
            while BEGUN not in store.values:
                await asyncio.sleep(0.001)
        observed(2)
        async with asyncio.timeout(SOON):
            assert (await waiting).payload["each"] == {"obs_id": 2}


async def test_what_came_while_nobody_watched_is_taken_once_by_the_next_watcher(
    observed: Any, store: KeptWithAsset, looks: Looks
) -> None:
    observed(1)
    async with aclosing(trigger().run()) as events:
        assert await some(events, 1) == [1]
        await none(events, looks)
    observed(2)
    async with aclosing(trigger(take_existing=False, look_every=0.02).run()) as events:
        assert await some(events, 1) == [2]
        await none(events, looks)


async def test_a_growing_observation_waits_until_it_has_stopped_growing(
    observed: Any, store: KeptWithAsset, looks: Looks
) -> None:
    observed(1)
    async with aclosing(trigger(unchanged_for=600).run()) as events:
        await none(events, looks)


async def test_an_outage_of_the_grid_is_waited_out(
    observed: Any, store: KeptWithAsset, looks: Looks, grid: MemoryGrid
) -> None:
    async with aclosing(trigger(fields=["night_id"]).run()) as events:
        await none(events, looks)  # the catalogue does not know the field
    observed(1)
    async with aclosing(trigger().run()) as events:
        assert await some(events, 1) == [1]


async def test_without_airflows_store_nothing_is_taken_and_nothing_lost(
    observed: Any, store: KeptWithAsset, looks: Looks
) -> None:
    observed(1)
    store.away = True
    async with aclosing(trigger().run()) as events:
        await none(events, looks)
    store.away = False
    async with aclosing(trigger().run()) as events:
        assert await some(events, 1) == [1]


async def test_what_could_not_be_written_down_is_written_at_the_next_look(
    observed: Any, store: KeptWithAsset, grid: MemoryGrid
) -> None:
    watch = CatalogueWatch(trigger(), store)
    observed(1)
    async with aclosing(watch.open_stream()) as stream:
        _, key = await anext(stream)
        store.away = True
        await watch.take([key])
        store.away = False
        observed(2)
        await anext(stream)
    assert [keys for name, keys in store.values.items() if name != BEGUN] == [[key]]


async def test_one_call_serves_all_events_of_a_look(
    observed: Any, store: KeptWithAsset, monkeypatch: pytest.MonkeyPatch, grid: MemoryGrid
) -> None:
    calls = []
    served = grid.catalogue.serve_findFilesByMetadataDetailed
    monkeypatch.setattr(
        grid.catalogue,
        "serve_findFilesByMetadataDetailed",
        lambda *given: calls.append(given) or served(*given),
    )
    for number in range(300):
        observed(number)
    async with aclosing(trigger(look_every=60).run()) as events:
        assert await some(events, 300) == list(range(300))
    assert len(calls) == 1


class Triggerer:
    """Airflow's own bookkeeping of shared streams, as its triggerer uses it."""

    def __init__(self) -> None:
        self.manager = SharedStreamManager(log=new_files.log)
        self.sent: list[dict[str, Any]] = []

    async def watch(self, number: int, watcher: DiracNewFilesTrigger, *, stores: bool) -> None:
        """Run a watcher; ``stores``: the events reach Airflow's database."""
        key = watcher.shared_stream_key()
        raw = self.manager.subscribe(trigger_id=number, trigger=watcher, key=key)
        async for event in watcher.filter_shared_stream(raw):
            seq = self.manager.bind_pending_event(trigger_id=number, key=key)
            self.sent.append(event.payload)
            if stores:
                asyncio.get_running_loop().call_soon(self.manager.confirm_persisted, [seq])


async def test_a_group_is_taken_when_airflow_has_stored_its_event_and_not_before(
    observed: Any, store: KeptWithAsset, looks: Looks
) -> None:
    observed(1)
    lost = Triggerer()
    dies = asyncio.ensure_future(lost.watch(1, trigger(), stores=False))
    async with asyncio.timeout(SOON):
        while not lost.sent:
            await asyncio.sleep(0.001)
    await looks.more(2)
    dies.cancel()
    await asyncio.gather(dies, return_exceptions=True)
    await lost.manager.stop_all()
    assert list(store.values) == [BEGUN]

    lives = Triggerer()
    goes_on = asyncio.ensure_future(lives.watch(1, trigger(), stores=True))
    async with asyncio.timeout(SOON):
        while len(store.values) < 2:
            await asyncio.sleep(0.001)
    goes_on.cancel()
    await asyncio.gather(goes_on, return_exceptions=True)
    await lives.manager.stop_all()
    assert [payload["each"] for payload in lives.sent] == [{"obs_id": 1}]


def test_its_path_and_arguments_are_json_and_unknown_ones_are_ignored() -> None:
    path, kwargs = trigger().serialize()
    assert path == "dirac_prodsys.provider.waiting.new_files.DiracNewFilesTrigger"
    again = DiracNewFilesTrigger(**json.loads(json.dumps(kwargs)), of_a_later_version=1)
    assert again.serialize() == (path, kwargs)
    assert again.shared_stream_key() == trigger().shared_stream_key()
    assert trigger(fields=["x"]).shared_stream_key() != trigger().shared_stream_key()
