"""The question before a production or a step goes on: a table, who asked, and until when."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.run import approval

TWO = (Path(__file__).parents[2] / "provider" / "two.yaml").read_text()


@pytest.mark.parametrize(
    ("hours", "span"),
    [
        (72, "3 days"),
        (24, "1 day"),
        (36, "36 hours"),
        (1.5, "90 minutes"),
        (0.001, "less than a minute"),
    ],
)
def test_it_says_who_asked_and_until_when_in_words(hours: float, span: str) -> None:
    assert approval.around("ada", hours, "2026-12-02 10:00 UTC", "Reject") == (
        f"`ada` asked for this run. Answer before **2026-12-02 10:00 UTC**, {span} after this was "
        "asked; no answer means **Reject**."
    )


def test_nobody_and_no_end_are_written_as_well() -> None:
    text = approval.around(None, None, "", "Reject")
    assert text == "No user of Airflow's asked for this run. It waits until there is an answer."


def test_of_many_steps_the_first_stand_in_the_table_and_the_others_are_counted() -> None:
    step = TWO.split("steps:\n")[1].split("  merge:")[0]
    steps = "".join(
        step.replace("make:", f"make-{n}:")
        .replace("/make", f"/make-{n}")
        .replace("step: make", f"step: make-{n}")
        for n in range(100)
    )
    text = TWO.split("steps:\n")[0] + "steps:\n" + steps
    question = approval.before_production(compile(load_production(text, "f"), run="r1"))
    rows = [line for line in question.splitlines() if line.startswith("| `")]
    assert len(rows) == 30
    assert question.endswith("\n\n… and 70 more steps")
    assert "100 steps would be created in DIRAC" in question


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "`a\\|b`"),
        ("`x` **y**", "`` `x` **y** ``"),
        ("one\ntwo", "`one two`"),
        ("", ""),
    ],
)
def test_nothing_of_a_user_leaves_its_cell(text: str, shown: str) -> None:
    assert approval.code(text) == shown
