"""Writes the records of a wait: counts while they move, verdicts when they change.

Invariant: never in the way: whatever fails here is one line in the log.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.policy import Verdict
from dirac_prodsys.provider.reporting import ledger_settings

#: takes a while to load
_MODULE = "dirac_prodsys.core.reports.ledger.made_from"


class WaitRecords:
    """Writes records on behalf of a trigger; lives as long as it does.

    :param place: JSON form of ``Place``, as the task gave it; empty: an earlier version began the
        wait.
    :param recorded: verdict recorded last by this wait, see :attr:`recorded`.
    :param wait: ID of the task that waits.
    """

    def __init__(
        self, place: Mapping[str, Any], log: Any, recorded: str = "", wait: str = ""
    ) -> None:
        self._wait = wait
        self._place = dict(place)
        self._log = log
        #: kind and cause of the verdict recorded last
        self.recorded = recorded
        self._counts: Any = None
        self._seen: Any = None
        self._moved_at: datetime | None = None
        self._failed = False

    async def look(self, snapshot: Snapshot, verdict: Verdict) -> None:
        """Record what is new at this look. Raises nothing."""
        try:
            await self._look(snapshot, verdict)
        except Exception as error:
            if not self._failed:
                self._log.warning("nothing is recorded: %s: %s", type(error).__name__, error)
            self._failed = True

    async def _look(self, snapshot: Snapshot, verdict: Verdict) -> None:
        writer = ledger_settings.background()
        if writer is None:
            return
        if _MODULE not in sys.modules:
            await asyncio.to_thread(import_module, _MODULE)
        from dirac_prodsys.core.reports.ledger.made_from import (
            Place,
            counts_of,
            place_of_name,
            verdict_of,
        )
        from dirac_prodsys.core.reports.ledger.record import Record, moment
        from dirac_prodsys.core.reports.ledger.thinning import is_due

        at = moment(time.time())
        place = place_of_name(Place.from_dict(self._place), snapshot.id, snapshot.name)
        batch: list[Record] = []
        counts = counts_of(snapshot, place, at)
        if self._seen is None or not counts.same_as(self._seen):
            self._moved_at = at
        self._seen = counts
        if is_due(counts, self._counts, self._moved_at):
            self._counts = counts
            batch.append(counts)
        judged = verdict_of(verdict, place, at, self._wait)
        words = f"{judged.verdict} {judged.cause}"
        if words != self.recorded:
            self.recorded = words
            batch.append(judged)
        if batch:
            writer.put(*batch)
