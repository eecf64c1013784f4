"""Codes are stable: one table, one document, and no code in the source that is in neither."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.core.community import built_in
from dirac_prodsys.core.proof.findings import RULES
from dirac_prodsys.errors import DefinitionErrors

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "plugins" / "dirac_prodsys"
FOLDER = ROOT / "tests" / "productions"
BAD = sorted((FOLDER / "bad").glob("[!_]*.yaml"))
GOOD = sorted((FOLDER / "good").glob("[!_]*.yaml"))  # the others are there to be extended


def codes_in_source() -> set[str]:
    """Every literal that is given as a code, and every constant of a name that stands for one."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "code":
                if isinstance(node.value, ast.Constant):
                    found.add(node.value.value)
                elif isinstance(node.value, ast.Name):
                    names.add(node.value.id)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                targets = {name.id for name in node.targets if isinstance(name, ast.Name)}
                found |= {node.value.value} if targets & names else set()
    return found - {""}


def test_every_code_in_the_source_is_a_rule():
    found = codes_in_source()
    assert len(found) > 30
    assert found - set(RULES) == set()


def test_every_rule_is_used_somewhere():
    source = "\n".join(
        file.read_text("utf-8") for file in PACKAGE.rglob("*.py") if file.name != "findings.py"
    )
    declared = {rule[0] for community in built_in() for rule in community.rules}
    quoted = {code: source.count(f'"{code}"') for code in RULES}
    assert [code for code in RULES if quoted[code] <= (code in declared)] == []


def test_codes_are_plain_words_and_meanings_are_sentences():
    for rule in RULES.values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.code)
        assert re.fullmatch(r"[A-Z].*\.", rule.meaning)


def test_the_reference_of_findings_is_the_table_of_rules():
    text = (ROOT / "docs/reference/findings.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(rule.code, rule.severity, rule.meaning) for rule in RULES.values()]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("not_utf8", "yaml"),
        ("duplicate_key", "yaml"),
        ("not_a_production", "not-a-production"),
        ("unknown_keys", "unknown-key"),
        ("missing_keys", "missing-key"),
        ("wrong_types", "wrong-type"),
        ("unknown_types", "unknown-word"),
        ("names", "name"),
        ("placeholders", "placeholder"),
        ("wrong_conditions", "condition"),
        ("unknown_parent", "unknown-step"),
        ("cycle", "cycle"),
        ("empty_intersection", "empty-link"),
        ("parents_not_joinable", "inexact-join"),
        ("takes_siblings_output", "eats-output"),
        ("nested_directories", "directories"),
    ],
)
def test_a_broken_file_has_a_finding_of_its_kind(prodsys, file, code):
    result = prodsys("lint", "--format", "github", FOLDER / "bad" / f"{file}.yaml")
    assert result.exit_code == 2
    assert f"title={code}::" in result.stdout


@pytest.mark.parametrize("file", GOOD, ids=lambda f: f.stem)
def test_good_productions_have_no_errors(prodsys, file):
    result = prodsys("lint", file)
    assert result.exit_code == 0, result.stdout


@pytest.mark.parametrize("file", BAD, ids=lambda f: f.stem)
def test_lint_reports_what_stops_a_production(prodsys, file):
    with pytest.raises(DefinitionErrors) as stopped:
        read_production(file)
    result = prodsys("lint", "--format", "json", file)
    assert result.exit_code == 2
    linted = [
        (found["file"], found["line"], found["column"], found["message"], found["hint"])
        for found in json.loads(result.stdout)["findings"]
        if found["severity"] == "error"
    ]
    raised = [(e.file, e.line, e.column, e.reason, e.hint) for e in stopped.value.errors]
    assert sorted(linted) == sorted(raised)
