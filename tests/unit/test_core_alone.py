"""The tests of core pass where neither Airflow nor DIRAC is installed.

A folder is made that holds core's own dependencies and those of its tests, found by following the
requirements of their distributions, and nothing else; a fresh interpreter that sees no other
site-packages runs the tests of core.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.bare_site import lay_out, run

#: what core imports, and what its tests and the pytest configuration need
ROOTS = [
    "pydantic",
    "PyYAML",
    "networkx",
    "google-re2",
    "pytest",
    "hypothesis",
    "pytest-timeout",
    "pytest-asyncio",
]


@pytest.fixture
def bare_site(tmp_path: Path) -> Path:
    """A site-packages folder with the closure and nothing else."""
    return lay_out(tmp_path / "site-packages", ROOTS)


def test_the_bare_site_has_neither_airflow_nor_dirac(bare_site: Path) -> None:
    for name in ("airflow", "DIRAC", "CTADIRAC", "diraccfg"):
        missing = run(bare_site, "-c", f"import {name}")
        assert "ModuleNotFoundError" in missing.stderr


def test_the_tests_of_core_pass_in_the_bare_site(bare_site: Path) -> None:
    result = run(
        bare_site,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--durations=5",
        "tests/unit/core",
    )
    print(result.stdout[-3000:])
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed is not None
    assert int(passed[1]) > 300
