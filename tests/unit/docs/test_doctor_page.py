"""The page about doctor lists the checks that there are, each with its severity and its way out."""

from __future__ import annotations

import re
from pathlib import Path

from dirac_prodsys.core.doctor import table
from dirac_prodsys.gateway.procedures.examination import PATIENCE

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/doctor.md").read_text("utf-8")


def test_the_page_ends_with_the_table_of_all_checks() -> None:
    _, found, listed = PAGE.partition("## All checks\n\n")
    assert found
    assert listed == table.markdown(), (
        "write the end of docs/how-to/doctor.md anew: "
        "dirac_prodsys.core.doctor.table.markdown() returns it"
    )


def test_codes_that_the_page_and_the_traps_name_are_checks() -> None:
    codes = {check.code for check in (*table.grid_checks(), *table.airflow_checks())}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) >= codes
    traps = (ROOT / "docs/explanation/known-traps.md").read_text("utf-8")
    named = set(re.findall(r"`doctor`: `([a-z-]+)`", traps))
    assert len(named) >= 10
    assert named <= codes


def test_the_patience_is_that_of_the_page() -> None:
    assert f"`--patience` ({PATIENCE / 60:.0f} minutes)" in PAGE
