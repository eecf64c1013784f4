"""Shows runs to a person: a moving picture on a terminal, a line per change elsewhere."""

from __future__ import annotations

import time
from typing import Protocol, Self

from rich.console import Console

from dirac_prodsys.core.reports.progress import Progress


class Picture(Protocol):
    """A picture that moves on a terminal between its start and its stop."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class LiveView:
    """A picture that moves while a block lasts, on a terminal only; use as a context manager."""

    def __init__(self, console: Console, picture: Picture) -> None:
        self.console = console
        self._picture = picture
        self._start = time.monotonic()
        self._lines: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._picture.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        if self.console.is_terminal:
            self._picture.stop()

    @property
    def seconds(self) -> float:
        """Return how long it has been shown; seconds."""
        return time.monotonic() - self._start

    def say(self, name: str, line: str) -> None:
        """Print a line about something, unless it repeats the last one about it."""
        if self._lines.get(name) != line:
            self._lines[name] = line
            self.console.print(
                f"{self.seconds:6.1f} s  {line}", markup=False, highlight=False, soft_wrap=True
            )


def count(step: Progress) -> str:
    """Return ``3/6 files``; with a question mark if the total is unknown."""
    return f"{step.done}/{step.total or '?'} {step.unit}"
