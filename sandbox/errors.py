"""Defines the one error of the sandbox: reason, hint, log file."""

from __future__ import annotations

from pathlib import Path


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
