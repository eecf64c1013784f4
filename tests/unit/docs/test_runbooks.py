"""Each kind of notice and each alert has a runbook, and no runbook is about nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
import yaml

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.policy.notice_kinds import KINDS

DOCS = Path(__file__).parents[3] / "docs"
BOOKS = {path.stem: path for path in (DOCS / "runbooks").glob("*.md")}
RULES = [
    rule
    for group in yaml.safe_load((DOCS / "reference/monitoring/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]


def test_each_notice_and_each_alert_has_one_and_there_are_no_others() -> None:
    assert set(BOOKS) == {*KINDS, *(rule["alert"] for rule in RULES)}


@pytest.mark.parametrize("name", BOOKS)
def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_do(name: str) -> None:
    text = BOOKS[name].read_text()
    assert text.startswith(f"# {name}: ")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[1::2] == ["What it means", "What to look at", "What to do"]
    assert all(len(part.strip()) > 20 or part.strip() == "1. Nothing." for part in parts[2::2])


@pytest.mark.parametrize("name", BOOKS)
def test_the_commands_of_a_runbook_are_there(name: str) -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    used = set(re.findall(r"`dirac-prodsys ([a-z-]+)", BOOKS[name].read_text()))
    assert used <= commands


def test_each_alert_leads_to_its_runbook() -> None:
    for rule in RULES:
        assert rule["annotations"]["runbook_url"].endswith(f"/runbook/{rule['alert']}")
