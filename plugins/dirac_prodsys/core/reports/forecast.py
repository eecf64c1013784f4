"""Estimates when a step is done, from how far it was over time.

The rate is that of the past over a time as long as the time that is left; near the end only the
recent past counts. How wrong such an estimate can be is found out by trying: at moments of the
past, the same estimate is made of what was known then, for a target that is now known to have been
reached. The spread of these errors, with an allowance where there are few, is the interval.

Invariant: pure, and deterministic. Where too little is known, there is no estimate, and a reason.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.reports.course import Point
from dirac_prodsys.core.text.wording import span, stamp

#: least number of different moments, and of things done, for an estimate
_POINTS, _DONE = 4, 5

#: things that should have been done by now, if nothing was done, for a step to stand still
_STILL = 12

#: shortest part of the past from which a rate is taken
_SHORTEST = 1 / 8

#: the past is as long as the time that is left if it is so close to it: no estimate is better
_CLOSE = 0.98

#: number of moments of the past at which an estimate is tried
_TRIES = 24

#: the interval: this many standard deviations of the logarithm hold 80 % of a normal distribution
_WIDTH = 1.2816

#: spread of the logarithm of the time that is left, before anything was tried, and how many tries
#: it counts for
_SPREAD, _WEIGHT = 0.30, 4

#: the last things take longer than those before: failed ones are tried again
_TAIL = 0.18


@dataclass(frozen=True)
class Forecast:
    """When a step is done; moments in seconds since the epoch.

    :param rate: things done in an hour, over the last hours; None: unknown.
    :param expected: when it is done; None: not known.
    :param earliest: :param latest: in 8 of 10 cases it is done between these; None: no bound known.
    :param why: why there is no estimate; empty: there is one.
    """

    rate: float | None = None
    expected: float | None = None
    earliest: float | None = None
    latest: float | None = None
    why: str = ""

    @property
    def known(self) -> bool:
        """Whether there is an estimate."""
        return self.expected is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; moments as ISO 8601."""
        moments = {name: getattr(self, name) for name in ("expected", "earliest", "latest")}
        shown = {name: None if at is None else stamp(at) for name, at in moments.items()}
        return {"rate": self.rate, **shown, "why": self.why}


def forecast(
    points: Sequence[Point], now: float, *, final: float | None = None, hours: float = 6.0
) -> Forecast:
    """Estimate when all is done.

    :param points: counts over time, in any order.
    :param now: the moment, in seconds since the epoch; later points are not looked at.
    :param final: total in the end, if it is known better than by the last point.
    :param hours: the hours over which the rate is taken that is shown.
    """
    known = sorted((one for one in points if one.at <= now), key=lambda one: one.at)
    if not known:
        return Forecast(why="no counts yet")
    curve = _Curve.of(known, now)
    rate = curve.rate(min(hours * 3600, curve.length)) * 3600 if curve.length > 0 else None
    last = known[-1]
    total = last.total if final is None else max(final, last.total)
    left = total - curve.done
    if total <= 0:
        return Forecast(rate, why="how much there is to do is not known")
    if left <= 0:
        if final is None:
            return Forecast(rate, why="all that is there is done")
        return Forecast(rate, now, now, now)
    if curve.moments < _POINTS or curve.done - curve.first < _DONE:
        return Forecast(rate, why="too little is done for an estimate")
    still = now - curve.moved
    if curve.rate(curve.length) * still > _STILL:
        return Forecast(rate, why=f"nothing was done for {span(still)}")
    needed = _needed(curve, left)
    if needed is None:
        return Forecast(rate, why="too little is done for an estimate")
    low, high = _spread(curve, left)
    earliest = now + needed * math.exp(-low)
    if final is None and _grows(known, now, needed):
        return Forecast(rate, earliest=earliest, why="more files still come")
    return Forecast(rate, now + needed, earliest, now + needed * math.exp(high))


@dataclass(frozen=True)
class _Curve:
    """Things done over time, from when the first one was done.

    :param times: moments; :param values: things done until then, never fewer than before.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, points: Sequence[Point], now: float) -> _Curve:
        values: list[float] = []
        for one in points:
            values.append(max(one.done, values[-1] if values else one.done))
        start = max(0, bisect_right(values, values[0]) - 1)  # the time before the first one is idle
        times = [one.at for one in points][start:]
        values = values[start:]
        if times[-1] < now:
            times.append(now)
            values.append(values[-1])
        return cls(tuple(times), tuple(values))

    @property
    def moments(self) -> int:
        """Return at how many moments more was done than before."""
        return 1 + sum(b > a for a, b in zip(self.values, self.values[1:], strict=False))

    @property
    def first(self) -> float:
        return self.values[0]

    @property
    def done(self) -> float:
        return self.values[-1]

    @property
    def now(self) -> float:
        return self.times[-1]

    @property
    def length(self) -> float:
        return self.times[-1] - self.times[0]

    @property
    def moved(self) -> float:
        """Return when something was done last."""
        before = bisect_right(self.values, self.values[-1] - 1e-9)
        return self.times[min(before, len(self.times) - 1)]

    def at(self, moment: float) -> float:
        """Return how much was done at a moment."""
        after = bisect_right(self.times, moment)
        if after == 0:
            return self.values[0]
        if after == len(self.times):
            return self.values[-1]
        t0, t1 = self.times[after - 1], self.times[after]
        v0, v1 = self.values[after - 1], self.values[after]
        return v0 + (v1 - v0) * (moment - t0) / (t1 - t0)

    def reached(self, value: float) -> float:
        """Return when so much was done."""
        after = min(bisect_right(self.values, value), len(self.values) - 1)
        t0, t1 = self.times[after - 1], self.times[after]
        v0, v1 = self.values[after - 1], self.values[after]
        return t1 if v1 <= v0 else t0 + (t1 - t0) * min(1.0, max(0.0, (value - v0) / (v1 - v0)))

    def rate(self, back: float) -> float:
        """Return the things done in a second, over so many seconds before the end."""
        return (self.done - self.at(self.now - back)) / back if back > 0 else 0.0

    def until(self, moment: float) -> _Curve:
        """Return what was known at a moment."""
        after = bisect_right(self.times, moment)
        times, values = self.times[:after], self.values[:after]
        if not times or times[-1] < moment:
            times, values = (*times, moment), (*values, self.at(moment))
        return _Curve(times, values)


def _needed(curve: _Curve, left: float) -> float | None:
    """Return how many seconds the rest takes, at the rate of a past as long as that."""
    back = curve.length
    found = None
    while back > 0 and back >= curve.length * _SHORTEST:
        rate = curve.rate(back)
        if rate <= 0 or (found is not None and rate * back < _DONE):
            break
        found = left / rate
        if found >= back * _CLOSE:
            break
        back = max(found, back * 0.7)
    return found


def _spread(curve: _Curve, left: float) -> tuple[float, float]:
    """Return how far below and above the estimate the logarithm of the time may be."""
    ahead = left / (curve.done - curve.first)
    errors = []
    tested = 0.0
    for number in range(_TRIES // 4, _TRIES):
        moment = curve.times[0] + curve.length * number / _TRIES
        then = curve.until(moment)
        made = then.done - then.first
        target = min(curve.done, then.done + made * ahead)
        if made < _DONE or target - then.done < 1:
            continue
        estimate = _needed(then, target - then.done)
        took = curve.reached(target) - moment
        if estimate is None or took <= 0:
            continue
        errors.append(math.log(took / estimate))
        tested = max(tested, (target - then.done) / made)
    square = sum(error**2 for error in errors) + _WEIGHT * _SPREAD**2
    variance = square / (len(errors) + _WEIGHT)
    if tested and ahead > tested:  # so far ahead, nothing could be tried
        variance *= min(3.0, ahead / tested)
    variance += 1 / (curve.done - curve.first) + 1 / left
    shift = sum(errors) / (len(errors) + _WEIGHT)
    wide = _WIDTH * math.sqrt(variance)
    return 0.8 * wide - min(0.0, shift) / 2, wide + max(0.0, shift) / 2 + _TAIL


def _grows(points: Sequence[Point], now: float, needed: float) -> bool:
    """Whether the total grew in the recent past."""
    begin = min(now - needed / 4, points[-2].at if len(points) > 1 else now)
    recent = [one.total for one in points if one.at >= begin]
    before = [one.total for one in points if one.at < begin]
    return max(recent, default=0) > (before[-1] if before else recent[0] if recent else 0)
