"""Courses of steps, as a grid makes them: slots, outages, nights, failures, files that come.

A course is simulated job by job: each of ``tasks`` jobs waits for a slot, runs for a time that
differs from job to job, and may fail, upon which it is tried again.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

from dirac_prodsys.core.reports.course import Point

HOUR = 3600.0

#: share of the slots that are free for us, by the time
Slots = Callable[[float], float]


def steady(_at: float) -> float:
    return 1.0


def job_ends(
    rng: random.Random,
    tasks: int,
    slots: int,
    free: Slots = steady,
    arrivals: list[float] | None = None,
) -> list[float]:
    """When each of the jobs ended well, sorted."""
    waiting = [(arrivals[n] if arrivals else 0.0, n) for n in range(tasks)]
    heapq.heapify(waiting)
    running: list[float] = []
    ends: list[float] = []
    now = 0.0
    while waiting:
        ready, number = heapq.heappop(waiting)
        now = max(now, ready)
        while running and running[0] <= now:
            heapq.heappop(running)
        while len(running) >= max(0, int(slots * free(now))):
            if running and free(now) > 0:
                now = max(now, heapq.heappop(running))
            else:
                now += HOUR / 4  # nothing is free: look again later
                while running and running[0] <= now:
                    heapq.heappop(running)
        end = now + rng.lognormvariate(0.0, 0.5) * 2 * HOUR
        heapq.heappush(running, end)
        if rng.random() < 0.04:
            heapq.heappush(waiting, (end, number))
        else:
            ends.append(end)
    return sorted(ends)


def observed(
    ends: list[float], arrivals: list[float] | None = None, every: float = HOUR / 3
) -> tuple[list[Point], float]:
    """What is seen of it, at each look; and when the last one ended."""
    points = []
    at = 0.0
    while at <= ends[-1] + every:
        done = sum(end <= at for end in ends)
        total = len(ends) if arrivals is None else sum(one <= at for one in arrivals)
        points.append(Point(at, done, total))
        at += every
    return points, ends[-1]


def outages(rng: random.Random, length: float) -> Slots:
    """Two or three times nothing runs, for some hours."""
    begins = [rng.uniform(0.1, 0.9) * length for _ in range(rng.randint(2, 3))]
    spans = [(begin, begin + rng.uniform(0.03, 0.1) * length) for begin in begins]
    return lambda at: 0.0 if any(a <= at < b for a, b in spans) else 1.0


def nights(_rng: random.Random, _length: float) -> Slots:
    """By day, others take half of the slots."""
    return lambda at: 1.0 if (at / HOUR) % 24 < 12 else 0.5


def ramp(rng: random.Random, length: float) -> Slots:
    """Slots come one after the other, in the first part of the time."""
    until = rng.uniform(0.1, 0.4) * length
    return lambda at: min(1.0, 0.1 + at / until)


def change(rng: random.Random, length: float) -> Slots:
    """At some time, there are half or twice as many slots."""
    when, factor = rng.uniform(0.2, 0.8) * length, rng.choice((0.5, 2.0))
    return lambda at: 1.0 if at < when else factor


def walk(rng: random.Random, length: float) -> Slots:
    """Every few hours there are more slots or fewer."""
    levels = [1.0]
    for _ in range(400):
        levels.append(min(2.0, max(0.3, levels[-1] * rng.lognormvariate(0.0, 0.25))))
    return lambda at: levels[min(400, int(20 * at / length))]


KINDS: dict[str, Callable[[random.Random, float], Slots]] = {
    "steady": lambda _rng, _length: steady,
    "outages": outages,
    "nights": nights,
    "ramp": ramp,
    "change": change,
    "walk": walk,
}


def simulated(kind: str, seed: int) -> tuple[list[Point], float]:
    """A course of that kind, and when it ended."""
    rng = random.Random(f"{kind} {seed}")  # noqa: S311  not for secrets
    tasks, slots = rng.choice(((60, 6), (300, 20), (1500, 60)))
    length = tasks / slots * 2.3 * HOUR
    return observed(job_ends(rng, tasks, slots, KINDS[kind](rng, length)))


def simulated_chain(seed: int) -> tuple[list[Point], list[Point], float]:
    """Two steps: the second takes each file of the first when it is there; and the end of both."""
    rng = random.Random(f"chain {seed}")  # noqa: S311  not for secrets
    tasks, slots = rng.choice(((60, 6), (300, 20)))
    made = job_ends(rng, tasks, slots, walk(rng, tasks / slots * 2.3 * HOUR))
    taken = job_ends(rng, tasks, rng.choice((slots // 2, slots * 2)), arrivals=made)
    first, _ = observed(made)
    second, end = observed(taken, made)
    return first, second, end
