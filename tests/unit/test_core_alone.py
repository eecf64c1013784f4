"""The tests of core pass where neither Airflow nor DIRAC is installed.

A folder is made that holds core's own dependencies and those of its tests, found by following the
requirements of their distributions, and nothing else; a fresh interpreter that sees no other
site-packages runs the tests of core.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
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


def closure(roots: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """The distributions that are needed, without extras."""
    found: dict[str, importlib.metadata.Distribution] = {}
    queue = list(roots)
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        for line in found[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                queue.append(requirement.name)
    return found


@pytest.fixture
def bare_site(tmp_path: Path) -> Path:
    """A site-packages folder with the closure and nothing else."""
    site = tmp_path / "site-packages"
    site.mkdir()
    for distribution in closure(ROOTS).values():
        for file in distribution.files or []:
            top = file.parts[0]
            target = Path(str(distribution.locate_file(top)))
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(target)
    return site


def run(bare_site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that sees the standard library and the bare site only."""
    return subprocess.run(
        [sys.executable, "-S", "-B", *arguments],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(bare_site), "PATH": "/usr/bin:/bin", "HOME": str(bare_site.parent)},
        capture_output=True,
        text=True,
        timeout=300,
    )


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
