"""Runs checks over facts: one row of the table each, and a diagnosis as a value.

Invariant: a check is a pure function of the facts. It yields what is wrong, and nothing if all is
well; a fact that it needs and that is not there makes it ``not seen`` or ``no answer``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dirac_prodsys.core.doctor.facts import Facts, NotThere

#: ``error``: productions stop, or go wrong; ``warning``: they will, or some of them;
#: ``note``: worth knowing
Severity = Literal["error", "warning", "note"]
#: ``not seen``: it cannot be seen from here; ``no answer``: it was asked, and nothing came
Outcome = Literal["found", "no answer", "not seen", "passed"]

#: what is shown first
_ORDER: tuple[Outcome, ...] = ("found", "no answer", "not seen", "passed")
_GRAVITY: tuple[Severity, ...] = ("error", "warning", "note")


def number_of(text: str) -> float:
    """Return the number that an option holds; 0 if it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong.

    :param way_out: what to do about it; empty: what the check says.
    """

    what: str
    way_out: str = ""


@dataclass(frozen=True)
class Check:
    """A row of the table.

    :param code: never changes: it may be in a filter of a monitoring.
    :param title: what is so if all is well.
    :param find: yields what is wrong.
    :param way_out: what to do then.
    :param seen: what was seen if nothing is wrong; None: its title says it.
    """

    code: str
    title: str
    severity: Severity
    find: Callable[[Facts], Iterable[Trouble]]
    way_out: str
    seen: Callable[[Facts], str] | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What one check came to; a check that finds several things has several.

    :param what: what is wrong, or why it was not seen; of a check that passed, what was seen.
    """

    code: str
    severity: Severity
    outcome: Outcome
    what: str
    way_out: str = ""

    @property
    def stops(self) -> bool:
        """Return whether productions stop, or go wrong."""
        return self.outcome == "found" and self.severity == "error"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def examine(facts: Facts, checks: Iterable[Check]) -> list[Diagnosis]:
    """Return what all checks come to; what matters most comes first."""
    found = [diagnosis for check in checks for diagnosis in _examined(facts, check)]
    return sorted(found, key=lambda one: (_ORDER.index(one.outcome), _GRAVITY.index(one.severity)))


def _examined(facts: Facts, check: Check) -> Iterator[Diagnosis]:
    try:
        troubles = list(check.find(facts))
    except NotThere as error:
        outcome: Outcome = "no answer" if error.missing.outage else "not seen"
        yield Diagnosis(check.code, check.severity, outcome, error.missing.why)
        return
    for trouble in troubles:
        way_out = trouble.way_out or check.way_out
        yield Diagnosis(check.code, check.severity, "found", trouble.what, way_out)
    if not troubles:
        what = check.title if check.seen is None else check.seen(facts)
        yield Diagnosis(check.code, check.severity, "passed", what)
