"""Shortens a broken walk as far as it stays broken, and prints it."""

from __future__ import annotations

from tests.walk.happenings import Happening
from tests.walk.walking import Walk


def shrunk(seed: int) -> list[Happening]:
    """Fewer happenings that break the same invariant; each of them is needed."""
    left = list(Walk(seed).happenings)
    wanted = _first(seed, left)
    for one in list(left):
        fewer = [other for other in left if other is not one]
        if wanted and _first(seed, fewer) == wanted:
            left = fewer
    return left


def story(seed: int) -> str:
    """One walk from its first to its last moment."""
    walk = Walk(seed)
    walk.run()
    return "\n".join([walk.walked.text, *walk.log])


def kept(seed: int, some: list[Happening]) -> str:
    """The line for ``kept.txt``."""
    listed = "; ".join(f"{one.at:g} {one.kind} {one.seed}" for one in some)
    return f"{seed} | {listed} | "


def read(line: str) -> tuple[int, list[Happening]]:
    """Inverse of :func:`kept`."""
    seed, listed, _ = line.split("|", 2)
    some = [one.split() for one in listed.split(";") if one.strip()]
    return int(seed), [Happening(float(at), kind, int(number)) for at, kind, number in some]


def _first(seed: int, some: list[Happening]) -> str:
    broken = Walk(seed, some).run()
    return broken[0].invariant if broken else ""
