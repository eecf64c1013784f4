"""Watches the catalogue for new files, and sends an event for each new group of them.

Airflow runs the watcher in its triggerer for as long as a DAG that is not paused has it. Whoever
watches looks through the poller of the connection: one call to the catalogue for each look,
however many events come of it.

Invariant: no group is lost, whatever dies. A group counts as taken when Airflow has confirmed that
its event is stored (``airflow.triggers.shared_stream``, 3.3), and not before. That is kept with
the asset, where Airflow removes nothing. If Airflow dies between the two, the event comes again,
and begins no second run: :mod:`dirac_prodsys.provider.tasks.event_runs`.

The class path and keyword arguments are stored in Airflow's database: they may grow but never
change or go, and unknown ones are ignored.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Hashable, Iterable, Mapping, Sequence
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.run.new_files import (
    FileGroup,
    Unchanged,
    due,
    groups_of,
    payload_of,
    shelf_of,
)
from dirac_prodsys.provider.waiting.poller import Poller, attached
from dirac_prodsys.provider.waiting.wait_log import reason_of

log = logging.getLogger(__name__)

#: most events of one look: Airflow gives up a watcher that has a thousand unread ones
MOST_EVENTS = 500
#: key of the store: there when the watcher has looked once
BEGUN = "begun"

_PATH = "dirac_prodsys.provider.waiting.new_files.DiracNewFilesTrigger"


class DiracNewFilesTrigger(BaseEventTrigger):
    """Sends ``{"each": {field: value}, "files": number, "production"}`` for each new group.

    :param production: whose runs begin.
    :param asset: name of the asset that is watched; what was taken is kept with it.
    :param query: meta query that the files match, in DIRAC's form.
    :param fields: metadata fields; files with the same values of them are a group.
    :param directory: below which files count.
    :param look_every: seconds between two looks.
    :param unchanged_for: seconds for which a group must have had the same number of files.
    :param take_existing: whether groups are new that are there at the first look of all.
    """

    def __init__(
        self,
        dirac_conn_id: str = "dirac_default",
        production: str = "",
        asset: str = "",
        query: Mapping[str, Any] | None = None,
        fields: Sequence[str] = (),
        directory: str = "/",
        look_every: float = 300.0,
        unchanged_for: float = 0.0,
        take_existing: bool = False,
        **_ignored: Any,
    ) -> None:
        super().__init__()
        self.dirac_conn_id = dirac_conn_id
        self.production = production
        self.asset = asset
        self.query = dict(query or {})
        self.fields = list(fields)
        self.directory = directory
        self.look_every = look_every
        self.unchanged_for = unchanged_for
        self.take_existing = take_existing

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and keyword arguments, all JSON."""
        return _PATH, {
            "dirac_conn_id": self.dirac_conn_id,
            "production": self.production,
            "asset": self.asset,
            "query": self.query,
            "fields": self.fields,
            "directory": self.directory,
            "look_every": self.look_every,
            "unchanged_for": self.unchanged_for,
            "take_existing": self.take_existing,
        }

    def shared_stream_key(self) -> Hashable:
        """Return a key of this watcher's own: only so does Airflow confirm what it stored."""
        return json.dumps(self.serialize(), sort_keys=True)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> CatalogueWatch:
        """Return what looks at the catalogue."""
        from airflow.sdk.execution_time.context import AssetStateStoreAccessor

        trigger = cls(**kwargs)
        return CatalogueWatch(trigger, AssetStateStoreAccessor(name=trigger.asset))

    async def filter_shared_stream(
        self, shared_stream: AsyncIterator[Any]
    ) -> AsyncIterator[TriggerEvent]:
        """Yield an event for each group."""
        async for payload in shared_stream:
            yield TriggerEvent(payload)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events where Airflow confirms nothing: a group counts as taken afterwards."""
        watch = self.create_shared_stream_producer(self.serialize()[1])
        async for payload, key in watch.open_stream():
            yield TriggerEvent(payload)
            await watch.take([key])


class CatalogueWatch(SharedStreamProducer):
    """Looks at the catalogue, and remembers which groups were taken.

    :param store: keeps values with the asset: ``aget(key)``, ``aset(key, value)``.
    """

    def __init__(self, trigger: DiracNewFilesTrigger, store: Any) -> None:
        self._of = trigger
        self._query = MetaQuery.from_dirac(trigger.query)
        self._store = store
        #: keys by shelf, as far as they were read
        self._shelves: dict[str, set[str]] = {}
        #: keys of groups whose events Airflow has, or is about to store
        self._offered: set[str] = set()
        #: keys of groups that were taken, and could not be written down yet
        self._unwritten: set[str] = set()
        self._unchanged: dict[str, Unchanged] = {}
        self._writing = asyncio.Lock()
        self._begun = False
        self._outage = ""

    async def open_stream(self) -> AsyncIterator[tuple[Any, Any]]:
        """Yield the facts and the key of each new group, for as long as the watcher is needed."""
        async with attached(self._of.dirac_conn_id) as poller:
            while True:
                for group in (await self._look(poller))[:MOST_EVENTS]:
                    self._offered.add(group.key)
                    log.info(
                        "%s: new files with %s (%d): a run begins",
                        self._of.production,
                        group.words,
                        group.files,
                    )
                    yield payload_of(group, self._of.production), group.key
                await asyncio.sleep(self._of.look_every)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Take the groups whose events Airflow has stored; the others are offered again."""
        self._offered -= {item.broker_payload for item in batch if not item.outcome.is_clean}
        await self.take(item.broker_payload for item in batch if item.outcome.is_clean)

    async def take(self, keys: Iterable[str]) -> None:
        """Remember groups as taken; what cannot be written down now is written at the next look."""
        self._unwritten |= set(keys)
        try:
            await self._write_down()
        except Exception as error:
            log.warning("%s: what was taken is kept later: %s", self._of.asset, reason_of(error))

    async def _look(self, poller: Poller) -> list[FileGroup]:
        """Return the groups that begin runs now; none during an outage, which is reported once."""
        try:
            groups = await self._groups(poller)
            found = await self._new(groups)
        except Exception as error:
            # no error here is the production's fault, so the watcher watches on
            reason = reason_of(error)
            if reason != self._outage:
                log.warning("%s cannot look for new files: %s", self._of.production, reason)
            self._outage = reason
            return []
        if self._outage:
            log.info("%s looks for new files again", self._of.production)
        self._outage = ""
        return found

    async def _groups(self, poller: Poller) -> list[FileGroup]:
        of = self._of
        counted = await poller.ask(
            ("files by", of.directory, json.dumps(of.query, sort_keys=True), tuple(of.fields)),
            lambda grid: grid.count_files_by(of.directory, self._query, of.fields),
        )
        return groups_of(of.fields, counted)

    async def _new(self, groups: list[FileGroup]) -> list[FileGroup]:
        await self._write_down()
        keys = {group.key for group in groups}
        for shelf in sorted(set(map(shelf_of, keys))):
            await self._read(shelf)
        if not self._begun and await self._store.aget(BEGUN) is None:
            if not self._of.take_existing:
                self._unwritten |= keys
                await self._write_down()
            await self._store.aset(BEGUN, {"groups": len(keys)})
        self._begun = True
        taken = self._offered.union(*self._shelves.values())
        ready, self._unchanged = due(
            groups, taken, self._unchanged, time.monotonic(), self._of.unchanged_for
        )
        return ready

    async def _write_down(self) -> None:
        async with self._writing:
            for shelf in sorted(set(map(shelf_of, self._unwritten))):
                kept = await self._read(shelf)
                added = {key for key in self._unwritten if shelf_of(key) == shelf}
                if not added <= kept:
                    await self._store.aset(shelf, sorted(kept | added))
                kept |= added
                self._unwritten -= added

    async def _read(self, shelf: str) -> set[str]:
        if shelf not in self._shelves:
            self._shelves[shelf] = set(await self._store.aget(shelf) or ())
        return self._shelves[shelf]
