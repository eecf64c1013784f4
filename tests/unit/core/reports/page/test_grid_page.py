"""The page of the grid says what is wrong, and calls nothing else wrong."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.doctor.check import Diagnosis, Outcome, Severity
from dirac_prodsys.core.reports.page.answers.common import Sources
from dirac_prodsys.core.reports.page.answers.site import GridAnswer
from dirac_prodsys.core.reports.page.grid_page import Checked, grid_page
from dirac_prodsys.core.reports.page.words import freshness
from tests.unit.core.reports.page.story import NOW

AT = NOW.timestamp()


def page(checked: Checked) -> GridAnswer:
    now = freshness(AT, AT, 15)
    sources = Sources(made=NOW, refresh=15, ledger=now, grid=now, airflow=now)
    return grid_page("dirac_default", None, (), checked, sources, AT)


def found(*outcomes: tuple[Severity, Outcome]) -> Checked:
    some = [Diagnosis(f"code-{n}", *one, "what") for n, one in enumerate(outcomes)]
    return Checked(some, AT)


@pytest.mark.parametrize(
    ("checked", "wrong", "verdict"),
    [
        (found(("error", "passed")), 0, "nothing is wrong; 1 passed"),
        (
            found(("note", "found"), ("warning", "not seen"), ("error", "passed")),
            0,
            "nothing is wrong; 1 remark; 1 cannot be seen from here; 1 passed",
        ),
        (
            found(("error", "found"), ("warning", "found"), ("note", "found")),
            2,
            "2 things are wrong; 1 remark; 0 passed",
        ),
        (
            found(("warning", "found"), ("error", "no answer")),
            1,
            "1 thing is wrong; 1 check got no answer; 0 passed",
        ),
        (Checked(why="the checks are being made"), 0, "the checks are being made"),
        (Checked(at=AT, why="no proxy"), 0, "nothing could be checked: no proxy"),
    ],
)
def test_remarks_and_what_is_unseen_are_not_wrong(
    checked: Checked, wrong: int, verdict: str
) -> None:
    answer = page(checked)
    assert answer.wrong == wrong
    assert answer.verdict.startswith(verdict)


def test_a_mistake_is_drawn_in_the_colour_of_its_gravity() -> None:
    checks = page(found(("error", "found"), ("note", "found"), ("error", "not seen"))).checks
    assert [one.colour for one in checks] == ["red", "blue", "gray"]
