"""Makes the page of the grid: whether it answers, who watches it, and what is wrong with it.

Invariant: pure; what is wrong is what ``dirac-prodsys doctor`` finds, by the same checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dirac_prodsys.core.doctor.check import Diagnosis
from dirac_prodsys.core.reports.page.answers.common import Colour, Sources
from dirac_prodsys.core.reports.page.answers.site import CheckView, ComponentView, GridAnswer
from dirac_prodsys.core.reports.page.rows import GridLook
from dirac_prodsys.core.reports.page.words import freshness
from dirac_prodsys.core.text.wording import plural, span

#: seconds after which a component of Airflow should have been alive again
_BEAT = 15.0

_OUTCOMES: Mapping[str, Colour] = {"passed": "green", "no answer": "yellow", "not seen": "gray"}
_GRAVITY: Mapping[str, Colour] = {"error": "red", "warning": "orange", "note": "blue"}


@dataclass(frozen=True)
class Beat:
    """A component of Airflow.

    :param state: ``healthy``, ``unhealthy``; empty: there is none.
    :param at: when it was last alive, seconds since the epoch; None: unknown.
    """

    name: str
    state: str
    at: float | None


@dataclass(frozen=True)
class Checked:
    """What doctor found.

    :param at: when it looked; None: it never did.
    :param every: seconds between two looks.
    :param why: why it did not look.
    """

    found: Sequence[Diagnosis] = ()
    at: float | None = None
    every: float = 600.0
    why: str = ""
    proxy_seconds: float | None = None


def grid_page(
    connection: str,
    look: GridLook | None,
    beats: Sequence[Beat],
    checked: Checked,
    sources: Sources,
    now: float,
) -> GridAnswer:
    """Return the page of the grid that a connection leads to.

    :param look: the last look at transformations; None: none was needed.
    """
    answers = None if look is None else not look.why
    seen = freshness(None if look is None else look.at, now, 30.0 if look is None else look.every)
    left = checked.proxy_seconds
    return GridAnswer(
        connection=connection,
        answers=answers,
        words=_words(look, now),
        look=seen,
        proxy_seconds=left,
        proxy_words=_proxy(left),
        components=tuple(_component(one, now) for one in beats),
        checks=tuple(_check(one) for one in checked.found),
        wrong=_wrong(checked.found),
        verdict=_verdict(checked),
        checked=freshness(checked.at, now, checked.every, checked.why),
        sources=sources,
    )


def _words(look: GridLook | None, now: float) -> str:
    if look is None:
        return "no run is under way: the grid was not asked"
    if look.why:
        return look.why
    return f"the grid answers: last look {span(now - (look.at or now))} ago"


def _wrong(found: Sequence[Diagnosis]) -> int:
    return sum(one.outcome == "found" and one.severity != "note" for one in found)


def _verdict(checked: Checked) -> str:
    """Sum up the checks: what is wrong, what is worth knowing, what nobody knows."""
    if not checked.found:
        if checked.at is None:
            return f"{checked.why or 'nothing was checked'}; this takes some seconds"
        return f"nothing could be checked: {checked.why}"
    outcomes = [one.outcome for one in checked.found]
    wrong = _wrong(checked.found)
    remarks = outcomes.count("found") - wrong
    said = [f"{wrong} {plural('thing', wrong)} {'is' if wrong == 1 else 'are'} wrong" * bool(wrong)]
    silent, unseen = outcomes.count("no answer"), outcomes.count("not seen")
    said += [
        f"{remarks} {plural('remark', remarks)}" * bool(remarks),
        f"{silent} {plural('check', silent)} got no answer" * bool(silent),
        f"{unseen} cannot be seen from here" * bool(unseen),
        f"{outcomes.count('passed')} passed",
    ]
    return "; ".join(filter(None, said if wrong else ["nothing is wrong", *said]))


def _proxy(left: float | None) -> str:
    if left is None:
        return "not known"
    return f"{span(left)} left" if left > 0 else "it has expired"


def _component(beat: Beat, now: float) -> ComponentView:
    colours: Mapping[str, Colour] = {"healthy": "green", "unhealthy": "red"}
    why = "" if beat.state == "healthy" else "no sign of life" if beat.state else "there is none"
    return ComponentView(
        name=beat.name,
        state=beat.state or "unknown",
        colour=colours.get(beat.state, "gray"),
        last=freshness(beat.at, now, _BEAT, why),
    )


def _check(one: Diagnosis) -> CheckView:
    colour = _GRAVITY[one.severity] if one.outcome == "found" else _OUTCOMES[one.outcome]
    return CheckView(
        code=one.code,
        severity=one.severity,
        outcome=one.outcome,
        colour=colour,
        what=one.what,
        way_out=one.way_out,
    )
