"""The one way in which the sandbox says that something is wrong: reason, way out, log file."""

from __future__ import annotations

from pathlib import Path


class SandboxError(Exception):
    """The sandbox cannot do what was asked.

    :param reason: what is wrong, one sentence.
    :param hint: the way out; may be empty.
    :param log: the file that tells more, where there is one.
    """

    def __init__(self, reason: str, hint: str = "", log: Path | None = None) -> None:
        super().__init__(reason, hint)
        self.reason = reason
        self.hint = hint
        self.log = log

    def __str__(self) -> str:
        """One line: reason, log and hint."""
        parts = [self.reason]
        if self.log is not None:
            parts.append(f"see {self.log}")
        if self.hint:
            parts.append(self.hint)
        return "; ".join(parts)
