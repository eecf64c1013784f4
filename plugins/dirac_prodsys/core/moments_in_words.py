"""Moments and spans of time as people read them.

Invariant: pure; the clock is the caller's, and every time that is shown is UTC and says so.
"""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """The moment as ISO 8601, to the second: for values that programs read."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def read_stamp(text: str) -> float:
    """Inverse of :func:`stamp`; 0 for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return 0.0


def clock(seconds: float, now: float) -> str:
    """The moment as on a clock: ``02:14 UTC``, and with its day if that is another one."""
    then, today = datetime.fromtimestamp(seconds, UTC), datetime.fromtimestamp(now, UTC)
    return then.strftime("%H:%M UTC" if then.date() == today.date() else "%d %b %H:%M UTC")


def span(seconds: float) -> str:
    """The span in the unit that tells it best: ``3 h``, ``90 min``, ``20 s``."""
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
