"""Words that jobs, pilots and services of DIRAC say, as they may be shown and written.

A job sets its own MinorStatus and ApplicationStatus. They may hold anything: a line break that
forges a line of a log, codes that rule a terminal, marks that turn the order of letters.

Invariant: what comes out is one line of printable characters, and not long; what is plain already
comes out as it was.
"""

from __future__ import annotations

from typing import Any

#: characters that are kept
MOST = 500


def one_line(words: Any, most: int = MOST) -> str:
    """The words as one printable line: blanks for breaks, a mark for what does not print."""
    text = str(words)
    if text.isascii() and text.isprintable() and len(text) <= most:
        return text
    text = " ".join(text[: 4 * most].split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
