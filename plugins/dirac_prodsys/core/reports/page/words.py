"""Writes amounts, moments, sizes and the age of data as the page shows them.

Invariant: pure; the clock is the caller's. Every number has its unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dirac_prodsys.core.reports.course import Amount
from dirac_prodsys.core.reports.forecast import Forecast
from dirac_prodsys.core.reports.ledger.record import moment
from dirac_prodsys.core.reports.ledger.records import DatasetRecord, Stored
from dirac_prodsys.core.reports.page.answers.common import (
    AmountView,
    DatasetView,
    Eta,
    Freshness,
    PlaceView,
)
from dirac_prodsys.core.reports.run_progress import forecast_words
from dirac_prodsys.core.reports.summary.columns import numbers, sizes
from dirac_prodsys.core.text.wording import clock, counted, span

#: how many times older than the time between two looks data are stale
_STALE = 4


def age_words(seconds: float) -> str:
    """Write how long ago something was: ``12 s ago``."""
    return "now" if seconds < 1 else f"{span(seconds)} ago"


def freshness(at: float | None, now: float, every: float, why: str = "") -> Freshness:
    """Return the age of data.

    :param at: when they were true; None: never seen. :param now: seconds since the epoch.
    :param every: seconds between two looks.
    :param why: why they are not newer.
    """
    if at is None:
        return Freshness(at=None, age=None, words="never seen", stale=True, why=why)
    age = max(0.0, now - at)
    stale = age > _STALE * every
    return Freshness(
        at=moment(at),
        age=round(age, 1),
        words=f"{span(age)} old",
        stale=stale,
        why=why if stale or why else "",
    )


def amount(found: Amount, unit: str) -> AmountView:
    """Return an amount of whole things."""
    total = found.total or None
    words = f"{found.done:,} of {found.total:,} {unit}" if total else f"no {unit} yet"
    return AmountView(done=found.done, total=total, unit=unit, words=words)


def events(done: float | None, target: float | None) -> AmountView | None:
    """Return events that were made, of those that are wanted; None: neither is known."""
    if done is None and not target:
        return None
    made = done or 0.0
    if not target:
        return AmountView(done=made, total=None, unit="events", words=f"{_number(made)} events")
    words = f"{_number(made)} of {_number(target)} events, {made / target:.0%}"
    return AmountView(done=made, total=target, unit="events", words=words)


def eta(made: Forecast, now: float) -> Eta:
    """Return when something is done."""
    expected, earliest, latest = made.expected, made.earliest, made.latest
    if made.known and expected is not None and expected > now:
        low, high = clock(earliest or now, now), clock(latest or expected, now)
        words = f"{clock(expected, now)} ({low} to {high})"
    else:
        words = forecast_words(made, now)
    return Eta(
        expected=None if expected is None else moment(expected),
        earliest=None if earliest is None else moment(earliest),
        latest=None if latest is None else moment(latest),
        why=made.why,
        words=words,
    )


def eta_short(made: Forecast, now: float) -> str:
    """Write ``ETA 14:20 UTC ± 25 min``; empty: it is not known, or all is done."""
    if made.expected is None or made.earliest is None or made.latest is None:
        return ""
    if made.expected <= now:
        return ""
    half = max(made.latest - made.expected, made.expected - made.earliest)
    return f"ETA {clock(made.expected, now)} ± {span(half)}"


def places(elements: Mapping[str, Stored]) -> dict[str, PlaceView]:
    """Return what each storage element has."""
    return {
        name: PlaceView(
            files=one.files,
            bytes=one.bytes,
            words=", ".join([counted(one.files, "file"), *_size(one.bytes)]),
        )
        for name, one in sorted(elements.items())
    }


def dataset(
    name: str, step: str, found: DatasetRecord | None, elements: Mapping[str, Stored]
) -> DatasetView:
    """Return a dataset.

    :param found: as the catalogue had it last; None: it was not made yet.
    """
    if found is None:
        words = "not made yet"
    else:
        parts = [] if found.files is None else [counted(found.files, "file")]
        state = "retired" if found.retired else "frozen" if found.frozen else "not frozen"
        words = ", ".join([*parts, *_size(found.bytes), state])
    return DatasetView(
        name=name,
        step=step,
        made=found is not None,
        frozen=found is not None and found.frozen,
        retired=found is not None and found.retired,
        files=None if found is None else found.files,
        bytes=None if found is None else found.bytes,
        events=None if found is None else found.events,
        places=places(elements),
        words=words,
    )


def since_words(since: datetime | None, now: float) -> str:
    """Write ``since 14:02 UTC``; empty: unknown."""
    return "" if since is None else f"since {clock(since.timestamp(), now)}"


def _size(size: int | None) -> list[str]:
    return [] if size is None else [sizes([size])]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value < 1e5 else numbers([value])
