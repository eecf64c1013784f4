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
NAMED = re.compile(r"`(tests/[\w/]+\.(?:py|yaml))(?:::(\w+))?`")

ROWS = ROW.findall(PAGE.read_text("utf-8"))


@cache
def functions(file: Path) -> frozenset[str]:
    """The names of the functions of a test module."""
    tree = ast.parse(file.read_text("utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def exists(file: str, name: str) -> bool:
    """Whether that is a function of a test module, or a bad production with its messages."""
    path = ROOT / file
    if path.suffix == ".yaml":
        return not name and path.exists() and path.with_suffix(".expected").exists()
    return path.exists() and name in functions(path)


def test_every_row_of_the_page_is_read():
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    headings = [line for line in lines if line.startswith(("| Trap ", "| --- "))]
    assert len(ROWS) == len(lines) - len(headings) >= 40


@pytest.mark.parametrize(("trap", "tests"), [(trap, tests) for trap, _, tests in ROWS])
def test_each_trap_names_tests_that_exist(trap: str, tests: str) -> None:
    named = NAMED.findall(tests)
    assert len(named) == tests.count("`") / 2 > 0, trap
    assert [one for one in named if not exists(*one)] == []
