"""What reads files runs with the base dependencies alone; the rest names the extra that it needs.

A fresh interpreter sees the dependencies of ``pyproject.toml`` without extras, and nothing else of
this environment.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.bare_site import REPOSITORY, lay_out, run

START = "from dirac_prodsys.cli.main import app; app()"

Alone = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """Run the command where only the base dependencies are."""
    base = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    folder = tmp_path_factory.mktemp("alone")
    site = lay_out(folder / "site-packages", base)

    def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run(site, "-c", START, *arguments, path=[REPOSITORY / "plugins"], cwd=folder)

    for name in ("airflow", "DIRAC", "gfal2"):
        assert run(site, "-c", f"import {name}").returncode != 0
    return command


def test_a_project_is_laid_out_and_its_production_read(alone: Alone, tmp_path: Path) -> None:
    assert alone("init", tmp_path / "p").returncode == 0
    productions = tmp_path / "p" / "include" / "productions"
    assert alone("new", "second", "--folder", productions).returncode == 0
    first, second = productions / "first.yaml", productions / "second.yaml"
    for command in (
        ("lint", productions),
        ("plan", first),
        ("plan", first, "--json"),
        ("graph", first),
        ("explain", first, "merge"),
        ("convert", first, "--to", "graphml"),
        ("convert", first, "--to", "json"),
        ("schema",),
    ):
        done = alone(*command)
        assert done.returncode == 0, (command, done.stderr)
    assert alone("diff", first, second).returncode in (0, 1)


@pytest.mark.parametrize(
    "command",
    [
        ("runs",),
        ("status", "bands"),
        ("report", "bands"),
        ("check", "bands"),
        ("doctor",),
        ("lint", "{first}", "--live", "--run", "night-7"),
        ("plan", "{first}", "--live", "--run", "night-7"),
        ("diff", "{first}", "--live", "--run", "night-7"),
    ],
)
def test_what_asks_a_grid_names_the_extra(
    alone: Alone, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert alone("new", "first", "--folder", tmp_path).returncode == 0
    first = str(tmp_path / "first.yaml")
    done = alone(*(part.format(first=first) for part in command))
    assert done.returncode == 3
    assert "DIRAC is not installed in this environment" in done.stderr + done.stdout
    assert "pip install 'dirac-prodsys[dirac]'" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_what_asks_airflow_names_the_extra(alone: Alone) -> None:
    done = alone("doctor", "--only", "airflow")
    assert "pip install 'dirac-prodsys[airflow]'" in " ".join(done.stdout.split())


def test_a_rehearsal_names_what_its_checkout_lacks(alone: Alone, tmp_path: Path) -> None:
    assert alone("new", "first", "--folder", tmp_path).returncode == 0
    done = alone("rehearse", tmp_path / "first.yaml")
    assert done.returncode == 1
    assert f"pip install '{REPOSITORY}[airflow,sandbox]'" in done.stderr
    assert "make setup" in done.stderr
