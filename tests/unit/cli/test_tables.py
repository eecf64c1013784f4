"""Tables for people leave nothing out, however narrow the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dirac_prodsys.cli.tables import whole_table

STEP = "simulate-electron-20deg-north-of-nowhere-and-more"
TASKS = "Done 300, Failed 2, Running 4, Waiting 33"


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_a_narrow_terminal_folds_and_cuts_nothing(width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None)
    console.print(whole_table(["Step", "ID", "Tasks"], [[STEP, "123456", TASKS]]))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in out.getvalue()
    assert "123456" in lines[1] or width < 40
    begins = {name: lines[0].index(name) for name in ("Step", "ID", "Tasks")}
    column = "".join(line[: begins["ID"]].strip() for line in lines[1:])
    assert column == STEP
    assert "".join(line[begins["Tasks"] :].strip() for line in lines[1:]).replace(
        " ", ""
    ) == TASKS.replace(" ", "")


def test_text_is_shown_as_it_is() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(whole_table(["A"], [["[bold]x[/bold]"]]))
    assert "[bold]x[/bold]" in out.getvalue()
