"""Defines the faults between us and a grid that a test can plan.

Invariant: a fault strikes at exactly one call, before, inside or after the service's work. So every
place at which a client or a service may die has a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``unavailable`` refused, nothing done; ``hang`` no answer, nothing done; ``denied`` no right;
#: ``lost`` done, but the answer never arrives; ``late`` no answer, and done after we gave up;
#: ``torn`` the service dies inside addTransformation: the row is made and the queries are not;
#: ``no_id`` addTransformation answers OK without an ID; ``crash`` our process dies before the call,
#: ``crash_after`` after the service's work.
Kind = Literal[
    "unavailable", "hang", "denied", "lost", "late", "torn", "no_id", "crash", "crash_after"
]

_ONLY_ADD = ("torn", "no_id")


class Crash(BaseException):
    """Our own process dies here. Not an Exception: nothing may handle it."""


@dataclass
class Fault:
    """One planned fault.

    :param method: the exported method that it strikes; empty: any.
    :param after: number of matching calls that pass first.
    :param times: number of matching calls that it strikes.
    """

    kind: Kind
    method: str = ""
    after: int = 0
    times: int = 1

    def strikes(self, method: str) -> bool:
        """Check whether it strikes this call; counts the call."""
        wanted = self.method or ("addTransformation" if self.kind in _ONLY_ADD else "")
        if (wanted and method != wanted) or self.times <= 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True
