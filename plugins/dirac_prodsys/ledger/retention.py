"""Makes room in the ledger: removes old records, and thins counts over time.

What says how a dataset came about is never removed: definitions, plans, runs, steps, datasets,
final counts, people's actions, comments.

Invariant: nothing else removes records.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select

from dirac_prodsys.core.reports.ledger.drift import ARCHIVED
from dirac_prodsys.core.reports.ledger.records import CountsRecord, EventRecord
from dirac_prodsys.core.reports.ledger.thinning import thinned
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.ledger.tables import records

#: kinds that may be removed when they are old; of counts those that are not final, of events all
#: but that a transformation was archived
REMOVABLE = ("act", "counts", "drift", "event", "jobs", "notice", "storage", "verdict")


@dataclass(frozen=True)
class Pruned:
    """What is removed: kind → number of records.

    :param keys: of these records.
    """

    kinds: dict[str, int]
    keys: tuple[str, ...]


def old_records(ledger: Ledger, before: datetime) -> Pruned:
    """Return what is older than a moment and may be removed.

    :raises LedgerUnavailable: it cannot be read now.
    """
    found: Counter[str] = Counter()
    keys = []
    for record in ledger.find(Search(kinds=REMOVABLE, until=before)):
        if isinstance(record, CountsRecord) and record.final:
            continue
        if isinstance(record, EventRecord) and record.word == ARCHIVED:
            continue  # or it would be missed when the grid forgets it
        found[record.kind] += 1
        keys.append(record.key)
    return Pruned(dict(found), tuple(keys))


def superfluous_counts(ledger: Ledger, now: datetime) -> Pruned:
    """Return the counts over time that the rule of thinning does not keep.

    :raises LedgerUnavailable: it cannot be read now.
    """
    query = (
        select(records.c.content)
        .where(records.c.kind == "counts")
        .order_by(records.c.transformation, records.c.name, records.c.vo, records.c.at)
    )
    found = (CountsRecord.from_dict(json.loads(content)) for (content,) in ledger.rows(query))
    keys: list[str] = []
    for _, series in groupby(found, key=lambda each: (each.transformation, each.name, each.vo)):
        own = list(series)
        kept = {each.key for each in thinned(own, now)}
        keys += [each.key for each in own if each.key not in kept]
    return Pruned({"counts": len(keys)} if keys else {}, tuple(keys))
