"""The five first changes of CONTRIBUTING work as they are written, and each touches one folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SECTION = (
    (REPOSITORY / "CONTRIBUTING.md")
    .read_text("utf-8")
    .partition("\n## Five first changes\n")[2]
    .partition("\n## ")[0]
)
#: title → text
CHANGES = dict(re.findall(r"^### (.+?)\n(.+?)(?=^### |\Z)", SECTION, re.MULTILINE | re.DOTALL))
COMMUNITY = "A new community"
NEW_FILE = re.compile(r"^```\w+\n# (\S+)\n(.+?)^```$", re.MULTILINE | re.DOTALL)
CHANGED = re.compile(r"^```diff\n--- (\S+)\n(.+?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`((?:docs|tests)/[\w/.]+)`")


def code_of(title: str) -> list[str]:
    """The files of the code that a change touches."""
    files = [*NEW_FILE.findall(CHANGES[title]), *CHANGED.findall(CHANGES[title])]
    return [file for file, _ in files if file.startswith("plugins/")]


def patched(text: str, change: str) -> str:
    """A text after a change: its lines are added and taken away where the others stand."""
    for hunk in re.split(r"^@@\n", change, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        assert text.count(before) == 1, before
        text = text.replace(before, "".join(line[1:] for line in lines if line[0] != "-"))
    return text


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of code and tests with all five changes."""
    folder = tmp_path_factory.mktemp("changed")
    for name in ("plugins", "tests"):
        leave = shutil.ignore_patterns("__pycache__", "e2e", "integration", "rehearsal", "walk")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=leave)
    for text in CHANGES.values():
        for file, change in CHANGED.findall(text):
            path = folder / file
            path.write_text(patched(path.read_text("utf-8"), change), "utf-8")
        for file, code in NEW_FILE.findall(text):
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, "utf-8")
    # what pip would write of the community
    project = folder / "pyproject.toml"
    points = tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]
    lines = [f"{name} = {where}" for name, where in points["dirac_prodsys.communities"].items()]
    info = folder / "prodsys_coins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: prodsys-coins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[dirac_prodsys.communities]", *lines]))
    shutil.copy(REPOSITORY / "pyproject.toml", project)
    return folder


def test_there_are_five() -> None:
    assert list(CHANGES) == [
        "A new job type",
        "A new condition",
        "A new notice",
        "A new action of people",
        COMMUNITY,
    ]


@pytest.mark.parametrize("title", CHANGES)
def test_each_touches_one_folder_and_the_files_that_it_names_exist(title: str) -> None:
    folders = {Path(file).parent for file in code_of(title)}
    assert len(folders) == (0 if title == COMMUNITY else 1)
    assert all((REPOSITORY / folder).is_dir() for folder in folders)
    new = {file for file, _ in NEW_FILE.findall(CHANGES[title])}
    named = set(NAMED.findall(CHANGES[title])) - new
    assert [file for file in named if not (REPOSITORY / file).exists()] == []


def test_all_five_do_what_they_say(copy: Path) -> None:
    tests = [file for file, _ in NEW_FILE.findall(SECTION) if "test_" in file]
    assert len(tests) == len(CHANGES)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": f"{copy / 'plugins'}:{copy}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
