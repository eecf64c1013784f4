"""Counts over time are dense while they move, then one an hour, one a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from dirac_prodsys.core.reports.ledger.records import CountsRecord
from dirac_prodsys.core.reports.ledger.thinning import DAY, DENSE, HOUR, is_due, thinned

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def counts(after: timedelta, done: int = 0, status: str = "Active") -> CountsRecord:
    return CountsRecord(
        at=BEGIN + after, transformation=1, status=status, files={"Processed": done}
    )


def written(looks: list[CountsRecord]) -> list[CountsRecord]:
    """What a wait writes that looks so often."""
    found: list[CountsRecord] = []
    seen: CountsRecord | None = None
    moved = None
    for look in looks:
        if seen is None or not look.same_as(seen):
            moved = look.at
        if is_due(look, found[-1] if found else None, moved):
            found.append(look)
        seen = look
    return found


def test_counts_that_move_are_written_densely_and_not_more() -> None:
    looks = [counts(timedelta(seconds=30 * n), done=n) for n in range(121)]
    assert len(written(looks)) == 1 + timedelta(hours=1) // DENSE


def test_counts_at_rest_are_written_once_an_hour_then_once_a_day() -> None:
    looks = [counts(timedelta(minutes=n)) for n in range(10 * 24 * 60)]
    found = written(looks)
    steps = [after.at - before.at for before, after in pairwise(found)]
    assert steps.count(HOUR) in (23, 24, 25)
    assert set(steps[:20]) == {HOUR}
    assert set(steps[-5:]) == {DAY}


def test_the_last_movement_is_written_when_it_rests() -> None:
    looks = [counts(timedelta(0)), counts(timedelta(seconds=30), 5), counts(DENSE, 5)]
    assert [each.files["Processed"] for each in written(looks)] == [0, 5]


def test_a_change_of_status_and_final_counts_are_always_due() -> None:
    first = counts(timedelta(0))
    assert is_due(counts(timedelta(seconds=1), status="Stopped"), first)
    final = counts(timedelta(seconds=1)).model_copy(update={"final": True})
    assert is_due(final, first)
    assert not is_due(counts(timedelta(seconds=1)), first)


def test_old_counts_are_thinned_to_one_an_hour_and_one_a_day() -> None:
    series = [counts(timedelta(minutes=10 * n), done=n) for n in range(100 * 144)]
    kept = thinned(series, BEGIN + timedelta(days=100))
    assert kept[0] == series[0]
    assert kept[-1] == series[-1]
    recent = [each for each in kept if each.at > BEGIN + timedelta(days=94)]
    hourly = [
        each for each in kept if BEGIN + timedelta(days=50) < each.at < BEGIN + timedelta(days=51)
    ]
    daily = [each for each in kept if each.at < BEGIN + timedelta(days=30)]
    assert len(recent) == 6 * 144 - 1
    assert len(hourly) in (23, 24)
    assert len(daily) in (30, 31)


def test_thinning_again_changes_nothing() -> None:
    series = [counts(timedelta(minutes=7 * n), done=n) for n in range(20_000)]
    now = BEGIN + timedelta(days=98)
    kept = thinned(series, now)
    assert thinned(kept, now) == kept


def test_changes_of_status_and_final_counts_survive() -> None:
    old = [counts(timedelta(minutes=n), done=n) for n in range(100)]
    old[40] = counts(timedelta(minutes=40), status="Flush")
    old[60] = old[60].model_copy(update={"final": True})
    kept = thinned(old, BEGIN + timedelta(days=400))
    assert {old[0].key, old[40].key, old[41].key, old[60].key, old[99].key} == {
        each.key for each in kept
    }
