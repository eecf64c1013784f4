"""Defines what ends work of the sandbox: its one error, and that it was told to end."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import NoReturn

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SandboxError(Exception):
    """The sandbox cannot do what was asked.

    :param reason: what is wrong, one sentence.
    :param hint: what to do; may be empty.
    :param log: a file with more details, if there is one.
    """

    def __init__(self, reason: str, hint: str = "", log: Path | None = None) -> None:
        super().__init__(reason, hint)
        self.reason = reason
        self.hint = hint
        self.log = log

    def __str__(self) -> str:
        """Return one line: reason, log and hint."""
        parts = [self.reason]
        if self.log is not None:
            parts.append(f"see {self.log}")
        if self.hint:
            parts.append(self.hint)
        return "; ".join(parts)


class Interrupted(KeyboardInterrupt):
    """The program was told to end.

    A class of its own: if a plain KeyboardInterrupt leaves code that `exec` runs from a string
    (each dataclass is made so), ``python -m`` ends by SIGINT at the very end, whatever the exit
    code (``unhandled_keyboard_interrupt`` in CPython's ``pythonrun.c`` and ``main.c``).
    """


def raise_when_told_to_end() -> None:
    """Raise `Interrupted` in the main thread at the first SIGINT, SIGTERM or SIGHUP.

    Later ones are passed over: the rest of the time is for stopping.
    """
    for number in _ENDING:
        signal.signal(number, _interrupted)


def _interrupted(_number: int, _frame: object) -> NoReturn:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted
