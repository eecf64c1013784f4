"""All orders in which the calls of two writers may reach one grid.

Each writer runs in a thread of its own, of which one moves at a time, from call to call: a schedule
is the list of who moves. All are tried, depth first.

Invariant: nothing is left to chance, and no schedule is tried twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.gateway.memory.gateway import MemoryGateway, MemoryServices
from dirac_prodsys.gateway.memory.grid import MemoryGrid

#: what a writer does; what it tells in the end
Act = Callable[[MemoryGateway], Any]


#: calls that others notice
_WRITES = ("set", "add", "delete", "extend")


class _EndedError(BaseException):
    """A writer goes no further. Not an Exception: nothing may handle it."""


@dataclass(frozen=True)
class Moment:
    """One call.

    :param mover: who made it; :param other: who could have, instead.
    :param reads: both of them would have looked only.
    :param call: the method that was called.
    """

    mover: int
    other: int | None
    reads: bool
    call: str


class _Writer(threading.Thread):
    """One writer, which waits for its turn before each call."""

    def __init__(self, act: Act, grid: MemoryGrid) -> None:
        super().__init__(daemon=True)
        self.turn, self.stands = threading.Semaphore(0), threading.Semaphore(0)
        self.over = False
        self.pending, self.answer = "", None
        self.act = act
        writer = self

        class Services(MemoryServices):
            def call(self, service: str, method: str, *arguments: Any) -> Any:
                writer.pending = method
                writer.stands.release()
                writer.turn.acquire()
                if writer.over:
                    raise _EndedError
                return super().call(service, method, *arguments)

        self.gateway = MemoryGateway(grid)
        self.gateway.services = Services(grid, self.gateway.settings)
        self.start()
        self.stands.acquire()

    def run(self) -> None:
        try:
            self.answer = self.act(self.gateway)
        except _EndedError:
            return
        except Exception as error:
            self.answer = error
        self.over = True
        self.stands.release()

    def end(self) -> None:
        """Go no further."""
        self.over = True
        self.turn.release()
        self.join()

    def move(self) -> None:
        """Up to the next call, or to the end."""
        self.turn.release()
        self.stands.acquire()


def played(
    grid: MemoryGrid,
    acts: Sequence[Act],
    schedule: Sequence[int] = (),
    asleep: int | None = None,
) -> tuple[list[Any], list[Moment]] | None:
    """What the writers tell, and what happened at each moment; None: another schedule is the same.

    :param schedule: who moves; afterwards, whoever can, the first one first.
    :param asleep: who does not move after it before the other has made a call that matters to it.
    """
    writers = [_Writer(act, grid) for act in acts]
    moments: list[Moment] = []
    while able := [n for n, writer in enumerate(writers) if not writer.over]:
        moment = len(moments)
        if moment >= len(schedule) and asleep is not None:
            able = [n for n in able if n != asleep]
            if not able:
                writers[asleep].end()
                return None
        mover = schedule[moment] if moment < len(schedule) else able[0]
        other = next((n for n in able if n != mover), None)
        reads = [not writer.pending.startswith(_WRITES) for writer in writers]
        moments.append(Moment(mover, other, all(reads), writers[mover].pending))
        if moment >= len(schedule) and not all(reads):
            asleep = None
        writers[mover].move()
    return [writer.answer for writer in writers], moments


def all_schedules(
    begin: Callable[[], MemoryGrid], acts: Sequence[Act]
) -> Iterator[tuple[tuple[int, ...], MemoryGrid, list[Any]]]:
    """Every schedule that differs, with the grid that it leaves and what the writers tell.

    Two looks side by side come to the same in either order: such schedules are tried once.

    :param begin: a grid as it is at first; called for each schedule.
    """
    open_: list[tuple[tuple[int, ...], int | None]] = [((), None)]
    while open_:
        prefix, asleep = open_.pop()
        grid = begin()
        end = played(grid, acts, prefix, asleep)
        if end is None:
            continue
        answers, moments = end
        movers = tuple(moment.mover for moment in moments)
        for number, moment in enumerate(moments[len(prefix) :], len(prefix)):
            if moment.other is not None:
                open_.append(
                    ((*movers[:number], moment.other), moment.mover if moment.reads else None)
                )
        yield movers, grid, answers
