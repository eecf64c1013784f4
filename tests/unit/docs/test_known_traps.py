"""The page of known traps names, for each trap, the tests that keep us out of it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/explanation/known-traps.md"
ROW = re.compile(r"^\| (?!Trap |---)(.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

ROWS = ROW.findall(PAGE.read_text())


@cache
def functions(file: Path) -> frozenset[str]:
    """The names of the functions of a test module."""
    tree = ast.parse(file.read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def test_every_table_row_of_the_page_is_read():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    headings = [line for line in lines if line.startswith(("| Trap ", "| --- "))]
    assert len(ROWS) == len(lines) - len(headings) >= 40


@pytest.mark.parametrize(("trap", "tests"), [(trap, tests) for trap, _, tests in ROWS])
def test_each_trap_names_tests_that_exist(trap, tests):
    named = TEST.findall(tests)
    assert named, f"no test is named for: {trap}"
    assert [name for file, name in named if name not in functions(ROOT / file)] == []
