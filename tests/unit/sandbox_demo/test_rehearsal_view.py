"""What a rehearsal shows while it runs, and how needs are found by what the community has."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from dirac_prodsys.core.reports.progress import Progress, StepRow
from sandbox.configuration.needs import Needs
from sandbox.rehearsal.view import View
from sandbox.runs.production_run import Look
from sandbox.state import State


def look(done: int) -> Look:
    return Look(
        "running",
        [Progress("merge", "files", done, 4, done / 4, "Active")],
        [
            StepRow(
                "merge", 7, "p__r__merge", "Merging", "Active", {"Processed": done}, {"Done": 1}, ""
            )
        ],
        {"merge": "process deferred"},
    )


def test_without_a_terminal_every_change_is_one_line() -> None:
    text = io.StringIO()
    with View(Console(file=text, width=140)) as view:
        for done in (1, 1, 2):
            view.show({"p": look(done)})
    lines = [line.split("s  ", 1)[1] for line in text.getvalue().splitlines()]
    assert lines == [
        "p  running",
        "p.merge  Active  1/4 files  Done 1",
        "p.merge  Active  2/4 files  Done 1",
    ]


def test_on_a_terminal_every_step_of_every_production_has_a_row_and_a_bar() -> None:
    text = io.StringIO()
    with View(Console(file=text, width=140, force_terminal=True)) as view:
        view.show({"p": look(1), "q": look(3)})
    shown = text.getvalue()
    for word in ("3/4 files", "1/4 files", "process deferred", "━", "running"):
        assert word in shown


def test_needs_are_what_the_community_lacks_and_are_kept(tmp_path: Path) -> None:
    asked = Needs(
        vos=("sim", "far.org"),
        storage_elements=("FAR-SE", "DISK-A-SE", "FAR-SE"),
        types=("Merging",),
    )
    needs = asked.beyond_community()
    assert needs == Needs(vos=("far.org",), storage_elements=("FAR-SE",))
    assert ("prodmgr", "far.org_prod") in needs.proxies
    state = State(tmp_path)
    assert Needs.kept(state) == Needs()
    needs.keep(state)
    assert Needs.kept(state) == needs
