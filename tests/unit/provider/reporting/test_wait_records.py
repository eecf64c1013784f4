"""A wait records its counts while they move, and each change of its verdict once."""

from __future__ import annotations

from itertools import pairwise

from dirac_prodsys.core.reports.ledger.records import CountsRecord, VerdictRecord
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.reporting.ledger_settings import background
from tests.unit.provider.waits import Begun, events

PLACE = {"vo": "sim", "production": "two", "run": "r1", "step": "make"}


def written() -> None:
    """Wait until the thread has written all."""
    writer = background()
    assert writer is not None
    assert writer.drain(30)


async def test_a_wait_records_counts_and_verdicts(ledger: Ledger, begun: Begun) -> None:
    (event,) = await events(begun.making(place=PLACE), lambda: begun.grid.advance(5))
    written()
    found = ledger.find(Search(kinds=("verdict",)))
    verdicts = [(each.verdict, each.cause) for each in found if isinstance(each, VerdictRecord)]
    assert verdicts[-1][0] == event["kind"] == "complete"
    assert all(one != other for one, other in pairwise(verdicts))
    first = ledger.first(Search(kinds=("counts",)), newest=False)
    assert isinstance(first, CountsRecord)
    assert (first.vo, first.production, first.step) == ("sim", "two", "make")
    assert (first.transformation, first.name) == (begun.make, "two__r1__make")
    assert event["story"]["recorded"].startswith("complete ")


async def test_a_wait_of_an_earlier_version_is_placed_by_its_name(
    ledger: Ledger, begun: Begun
) -> None:
    await events(begun.making(), lambda: begun.grid.advance(5))
    written()
    first = ledger.first(Search(kinds=("counts",)))
    assert first is not None
    assert (first.production, first.run, first.step) == ("two", "r1", "make")


async def test_a_resumed_wait_does_not_repeat_its_verdict(ledger: Ledger, begun: Begun) -> None:
    (event,) = await events(begun.making(), lambda: begun.grid.advance(5))
    written()
    before = ledger.count(Search(kinds=("verdict",)))
    await events(begun.making(story=event["story"]), lambda: begun.grid.advance(5))
    written()
    assert before == ledger.count(Search(kinds=("verdict",))) > 0
