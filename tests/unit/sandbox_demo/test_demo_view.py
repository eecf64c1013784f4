"""What the demo shows, without a grid: values in, text out."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from dirac_prodsys.core.reports.progress import Progress, StepRow
from dirac_prodsys.gateway.records import DatasetRecord
from sandbox.demo.run import Look, Outcome
from sandbox.demo.view import Live, table


def look(done: int, *, state: str = "running", note: str = "") -> Look:
    files = {"Processed": done, "Unused": 4 - done}
    return Look(
        state,
        [Progress("merge", "files", done, 4, done / 4, "Active")],
        [StepRow("merge", 7, "p__r__merge", "Merging", "Active", files, {"Done": 1}, "/sim/d")],
        {"merge": "process deferred"},
        note,
    )


def shown(*looks: Look) -> list[str]:
    text = io.StringIO()
    with Live(Console(file=text, width=140)) as live:
        for one in looks:
            live.show(one)
    return text.getvalue().splitlines()


def test_without_a_terminal_every_change_is_one_line_and_nothing_is_printed_twice() -> None:
    lines = shown(look(1), look(1), look(2))
    assert len(lines) == 2
    assert "1/4 files" in lines[0]
    assert "2/4 files" in lines[1]
    assert "[process deferred]" in lines[0]


def test_on_a_terminal_there_is_a_bar_per_step() -> None:
    text = io.StringIO()
    with Live(Console(file=text, width=140, force_terminal=True)) as live:
        live.show(look(3))
    assert "3/4 files" in text.getvalue()
    assert "━" in text.getvalue()


def test_an_outage_is_reported_when_it_begins_and_when_it_ends() -> None:
    lines = shown(look(1, note="the grid does not answer: down"), look(1), look(1))
    assert [line for line in lines if "the grid" in line] == [
        "the grid does not answer: down",
        "the grid answers again",
    ]


def test_the_table_names_the_dataset_only_if_the_grid_has_it() -> None:
    record = DatasetRecord("/sim/d", 1, {}, frozen=True)
    for datasets, expected in (([record], "/sim/d (1 file, frozen)"), ([], "-")):
        text = io.StringIO()
        outcome = Outcome(look(4, state="success"), datasets=datasets, picture=Path("x.png"))
        Console(file=text, width=140).print(table(outcome))
        (row,) = [line for line in text.getvalue().splitlines() if "merge" in line]
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert cells == ["merge", "7", "Active", "Done 1", "Processed 4, Unused 0", expected]
