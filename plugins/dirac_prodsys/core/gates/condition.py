"""Reads conditions on the numbers in a small result file: ``auc >= 0.8 and events > 1000``.

A tiny closed language: names, numbers, comparisons, ``and``, ``or`` and parentheses. ``and`` binds
closer than ``or``. Names may have dots, which lead into nested values: ``test.auc``. A new
comparison is a row of :data:`COMPARISONS`.

Invariant: there is no code: a text is read into the values below or refused, and no text of a file
is ever evaluated.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

#: maximum characters of a condition
MAX_CONDITION = 1000
#: maximum depth of parentheses
MAX_DEPTH = 20

#: comparison → whether it holds for a value of the file and the number of the condition
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}

_OPERATOR = "|".join(re.escape(sign) for sign in sorted(COMPARISONS, key=len, reverse=True))
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"
    rf"|(?P<operator>{_OPERATOR})"
    r"|(?P<parenthesis>[()])"
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*))"
)


class ConditionError(ValueError):
    """The text is not a condition.

    :param reason: what is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class NumberComparison:
    """A comparison: ``name operator number``."""

    name: str
    operator: str
    number: int | float

    def holds(self, values: Mapping[str, float]) -> bool:
        """Whether it holds; KeyError if the value is missing."""
        return COMPARISONS[self.operator](values[self.name], self.number)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the values that it needs."""
        return (self.name,)


@dataclass(frozen=True)
class Junction:
    """Conditions of which all must hold (``and``), or at least one (``or``)."""

    word: str
    parts: tuple[NumberComparison | Junction, ...]

    def holds(self, values: Mapping[str, float]) -> bool:
        """Whether it holds; KeyError if a value is missing, whatever the others are."""
        found = [part.holds(values) for part in self.parts]
        return all(found) if self.word == "and" else any(found)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the values that it needs, in the order in which they are written."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))


NumberCondition = NumberComparison | Junction


def read_condition(text: str) -> NumberCondition:
    """Read a condition.

    :raises ConditionError: the text is not a condition.
    """
    if len(text) > MAX_CONDITION:
        raise ConditionError(f"it has {len(text):,} characters, more than {MAX_CONDITION:,}")
    reader = _Reader(list(_tokens(text)))
    found = reader.junction("or", 0)
    if reader.left:
        raise ConditionError(f"{reader.left[0][1]!r} is too much")
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConditionError(f"{text[at:].split()[0]!r} is not understood")
        kind = str(match.lastgroup)
        word = match[kind]
        yield (word, word) if kind == "name" and word in ("and", "or") else (kind, word)
        at = match.end()


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens

    def junction(self, word: str, depth: int) -> NumberCondition:
        parts = [self._part(word, depth)]
        while self.left and self.left[0][0] == word:
            self.left.pop(0)
            parts.append(self._part(word, depth))
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _part(self, word: str, depth: int) -> NumberCondition:
        return self.junction("and", depth) if word == "or" else self._comparison(depth)

    def _comparison(self, depth: int) -> NumberCondition:
        if self.left and self.left[0] == ("parenthesis", "("):
            if depth >= MAX_DEPTH:
                raise ConditionError(f"more than {MAX_DEPTH} parentheses inside each other")
            self.left.pop(0)
            found = self.junction("or", depth + 1)
            self._take("parenthesis", "a closing parenthesis", ")")
            return found
        name = self._take("name", "the name of a value")
        sign = self._take("operator", f"one of {' '.join(COMPARISONS)}")
        number = self._take("number", "a number")
        return NumberComparison(name, sign, _number(number))

    def _take(self, kind: str, wanted: str, word: str = "") -> str:
        if not self.left:
            raise ConditionError(f"at its end {wanted} is missing")
        found, text = self.left[0]
        if found != kind or (word and text != word):
            raise ConditionError(f"before {text!r} {wanted} is missing")
        self.left.pop(0)
        return text


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
