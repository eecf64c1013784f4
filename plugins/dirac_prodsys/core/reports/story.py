"""Keeps the earlier log lines of a wait, so that the next part of its log can repeat them.

Airflow 3.3 begins the log of a trigger anew whenever its task defers: a wait of weeks would keep no
line of its past. So the lines are stored with the task and repeated at the head of each log.
Everything else that the wait remembers travels with it.

Invariant: it stays small. If there are too many lines, the oldest mere counts are dropped first,
and the number of dropped lines is given. Fields may be added but never renamed or dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dirac_prodsys.core.grid.jobs import Cause
from dirac_prodsys.core.reports.state_line import State, Stop
from dirac_prodsys.core.text.wording import one_line, read_stamp, stamp

#: maximum number of lines, and of characters in all, that travel with a wait
MOST_LINES, MOST_CHARACTERS = 30, 4000
#: maximum characters of a repeated line; in its own log it was complete
MOST_OF_A_LINE = 400
#: maximum number of causes that travel
_CAUSES = 3


@dataclass(frozen=True)
class Line:
    """One line of a log.

    :param at: seconds since the epoch.
    :param matters: whether it is more than a count: a warning, an outage, a change of state.
    """

    at: float
    text: str
    matters: bool = False

    def to_text(self) -> str:
        """Write the line for people, in a form that can be read back."""
        return f"{stamp(self.at)} {'! ' if self.matters else ''}{self.text}"

    @classmethod
    def from_text(cls, text: str) -> Line:
        """Inverse of :meth:`to_text`."""
        at, _, rest = text.partition(" ")
        return cls(read_stamp(at), rest.removeprefix("! "), rest.startswith("! "))


@dataclass(frozen=True)
class Story:
    """The log of a wait so far.

    :param lines: oldest first.
    :param left_out: number of lines that were dropped.
    :param state: the last state of the step.
    :param stop: who stopped it, as long as it is Stopped.
    :param causes: why its jobs failed, when this was last asked.
    :param failures: number of failures at that time.
    :param stored: the kind of state that a worker has last written to the task's state store.
    :param woken: kind of state → when a worker was last asked to write it.
    :param recorded: kind and cause of the verdict that was recorded last in the ledger.
    """

    lines: tuple[Line, ...] = ()
    left_out: int = 0
    state: State | None = None
    stop: Stop | None = None
    causes: tuple[Cause, ...] = ()
    failures: int = 0
    stored: str = ""
    woken: Mapping[str, float] = field(default_factory=dict)
    recorded: str = ""

    def saying(self, text: str, at: float, *, matters: bool = False) -> Story:
        """Return the log with one more line."""
        line = Line(at, one_line(text, MOST_OF_A_LINE), matters)
        lines, gone = _thinned([*self.lines, line])
        return replace(self, lines=lines, left_out=self.left_out + gone)

    def opening_lines(self) -> list[str]:
        """Return the head of the next log; empty: there are no lines yet."""
        if not self.lines:
            return []
        gone = f", without {self.left_out} lines" if self.left_out else ""
        head = f"this wait so far (the log is begun anew at each deferral{gone}):"
        return [head, *(f"  {line.to_text()}" for line in self.lines)]

    def lines_to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the lines, as stored with the task."""
        return {"left_out": self.left_out, "lines": [line.to_text() for line in self.lines]}

    def with_lines(self, data: Any) -> Story:
        """Return the log with these lines; without lines if the data are invalid."""
        if not isinstance(data, Mapping):
            return self
        lines = tuple(Line.from_text(str(text)) for text in data.get("lines") or ())
        return replace(self, lines=lines, left_out=int(data.get("left_out") or 0))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of all but the lines: Airflow logs what an event carries."""
        return {
            "state": self.state.to_dict() if self.state else None,
            "stop": self.stop.to_dict() if self.stop else None,
            "causes": [asdict(cause) for cause in self.causes[:_CAUSES]],
            "failures": self.failures,
            "stored": self.stored,
            "woken": dict(self.woken),
            "recorded": self.recorded,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Story:
        """Inverse of :meth:`to_dict`; a missing field has its default."""
        return cls(
            state=State.from_dict(data.get("state") or {}),
            stop=Stop.from_dict(data["stop"]) if data.get("stop") else None,
            causes=tuple(_cause(each) for each in data.get("causes") or ()),
            failures=int(data.get("failures") or 0),
            stored=str(data.get("stored") or ""),
            woken={str(kind): float(at) for kind, at in (data.get("woken") or {}).items()},
            recorded=str(data.get("recorded") or ""),
        )


def _cause(data: Mapping[str, Any]) -> Cause:
    samples = tuple(int(job) for job in data.get("samples") or ())
    return Cause(
        str(data.get("text") or ""),
        int(data.get("total") or 0),
        str(data.get("site") or ""),
        samples,
    )


def _thinned(lines: Sequence[Line]) -> tuple[tuple[Line, ...], int]:
    """Return as many lines as may travel, and how many were dropped.

    Counts are dropped before lines that matter, old lines before new ones.
    """
    kept = list(lines)
    while len(kept) > MOST_LINES or sum(len(line.text) for line in kept) > MOST_CHARACTERS:
        # the last line is the news
        idle = (index for index, line in enumerate(kept[:-1]) if not line.matters)
        del kept[next(idle, 0)]
    return tuple(kept), len(lines) - len(kept)
