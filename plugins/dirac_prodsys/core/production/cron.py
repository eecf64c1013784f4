"""Checks cron expressions, so that a mistake is found where no Airflow is installed.

Taken are the five fields of cron and Airflow's words for common ones. Airflow's own reader
(``croniter``) takes more: a sixth field, ``L``, ``#``. These are refused.

Invariant: what passes here is valid for Airflow 3.3.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: the words that Airflow writes out (``airflow.timetables._cron``)
PRESETS = frozenset({"@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly"})

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(\*|[A-Za-z0-9]+(?:-[A-Za-z0-9]+)?)(?:/([0-9]{1,2}))?")


class CronError(ValueError):
    """An expression that is not taken.

    :param reason: what is wrong.
    """

    hint = 'write five fields, such as "30 2 * * *" for 02:30 of each day, or @daily'

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CronField(NamedTuple):
    """A field of an expression: what it is, and the numbers and names that it takes."""

    what: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first: int = 0

    def number(self, text: str) -> int | None:
        """Return the number of a text; None: it is none of this field's."""
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.first
        if not text.isascii() or not text.isdigit() or len(text) > 2:
            return None
        return int(text) if self.low <= int(text) <= self.high else None


FIELDS = (
    CronField("minute", 0, 59),
    CronField("hour", 0, 23),
    CronField("day of the month", 1, 31),
    CronField("month", 1, 12, _MONTHS, 1),
    CronField("day of the week", 0, 7, _DAYS),
)


def check_cron(expression: str) -> None:
    """Check an expression.

    :raises CronError: it is not taken.
    """
    if expression in PRESETS:
        return
    if expression.startswith("@"):
        raise CronError(f"{expression!r} is not among {', '.join(sorted(PRESETS))}")
    written = expression.split()
    if len(written) != len(FIELDS):
        raise CronError(f"{expression!r} has {len(written)} fields")
    for field, text in zip(FIELDS, written, strict=True):
        for part in text.split(","):
            if not _fits(field, part):
                raise CronError(f"{part!r} is no {field.what}: {field.low} to {field.high}")


def split_part(part: str) -> tuple[str, int | None]:
    """Return extent and step of a part of a field that is taken: ``2-8/2``."""
    extent, _, step = part.partition("/")
    return extent, int(step) if step else None


def _fits(field: CronField, part: str) -> bool:
    matched = _PART.fullmatch(part)
    if matched is None:
        return False
    extent, step = matched.groups()
    if step is not None and not 1 <= int(step) <= field.high:
        return False
    if extent == "*":
        return True
    numbers = [field.number(text) for text in extent.split("-")]
    if None in numbers:
        return False
    return numbers == sorted(number for number in numbers if number is not None)
