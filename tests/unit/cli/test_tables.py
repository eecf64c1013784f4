"""Tables for people leave nothing out, however narrow the terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from dirac_prodsys.cli.tables import fitted, plain_table

HEAD = ["Step", "Run", "ID", "Type", "Status", "Tasks"]
ROW = [
    "simulate-electron-20deg-north-of-nowhere-and-more",
    "manual-2026-11-29T10-00-00-00-0-ebbd84ee",
    "123456",
    "MCSimulation",
    "Active",
    "Done 300, Failed 2, Running 4, Waiting 33",
]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 200])
def test_a_narrow_terminal_folds_and_cuts_nothing(width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None)
    console.print(plain_table(HEAD, [ROW], width))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    shown = sorted(re.sub(r"\s", "", out.getvalue()))
    assert shown == sorted(re.sub(r"\s", "", "".join([*HEAD, *ROW])))


def test_the_widest_cells_are_folded_first() -> None:
    assert fitted([49, 40, 6, 12], 80) == [31, 31, 6, 12]
    assert fitted([4, 6], 80) == [4, 6]
    assert fitted([4, 6], 0) == [1, 1]


def test_text_is_shown_as_it_is() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(plain_table(["A"], [["[bold]x[/bold]"]], 80))
    assert "[bold]x[/bold]" in out.getvalue()
