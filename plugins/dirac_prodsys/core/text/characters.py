"""Names characters that a reader cannot see, or mistakes for others, so that messages show them.

Invariant: pure; positions count from 1.
"""

from __future__ import annotations

import re
import unicodedata

#: names in plain words, if Unicode's own are hard to understand
_NAMES = {
    "\t": "a tab",
    "\n": "a line break",
    "\r": "a carriage return",
    "\u00a0": "a no-break space",
    "\u202f": "a narrow no-break space",
    "\u200b": "a space of no width",
    "\ufeff": "a byte order mark",
}
#: quotes and dashes as text processors write them, and what a program needs instead
TYPOGRAPHIC = {
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u00ab": '"',
    "\u00bb": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
}


def named(character: str) -> str:
    """Name the character in words: ``a no-break space (U+00A0)``."""
    words = _NAMES.get(character)
    if words is None:
        name = unicodedata.name(character, "control character").lower()
        words = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    return f"{words} (U+{ord(character):04X})"


#: how ``repr`` writes what does not print
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})")


def escapes(message: str) -> str:
    """Explain the escapes in a message: ``\\xa0 is a no-break space (U+00A0)``; or empty."""
    if "\\" not in message:
        return ""
    found = {
        match[0]: named(chr(int(match[1] or match[2], 16))) for match in _ESCAPED.finditer(message)
    }
    return ", ".join(f"{written} is {words}" for written, words in found.items())


def unprintable(text: str) -> str:
    """Name what does not print in ``text``, with its place; empty if all of it prints."""
    if text.isprintable():
        return ""
    for place, character in enumerate(text, 1):
        if not character.isprintable():
            return f"{named(character)} at character {place}"
    return ""
