"""Help with examples that parse, JSON beside every table, and what a shell completes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.cli.main import app
from dirac_prodsys.cli.options import completion
from dirac_prodsys.cli.options.help_examples import EXAMPLES
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.unit.cli.conftest import GOOD

COMMANDS: Any = typer.main.get_command(app)
LINES = [line for lines in EXAMPLES.values() for line in lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the examples name, in the current folder."""
    (tmp_path / "include" / "productions").mkdir(parents=True)
    for name in ("include/productions/bands.yaml", "before.yaml", "gammas.yml"):
        (tmp_path / name).write_text(GOOD.replace("NAME", "bands"))
    (tmp_path / "bands.json").write_text('{"list": []}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", LINES)
def test_an_example_parses(folder: Path, line: str) -> None:
    name, *words = shlex.split(line)
    command = COMMANDS.commands[name]
    if hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    with command.make_context(name, words) as context:
        assert context.params


def test_every_command_shows_an_example_in_its_help(prodsys) -> None:
    names = [
        name if not hasattr(command, "commands") else f"{name} {below}"
        for name, command in COMMANDS.commands.items()
        for below in getattr(command, "commands", [""])
    ]
    assert "datasets verify" in names
    for name in names:
        text = " ".join(prodsys(*name.split(), "--help").stdout.split())
        assert f"dirac-prodsys {name}" in text.partition("Usage:")[2].partition("[OPTIONS]")[2]


def test_every_command_that_prints_a_table_can_print_json(prodsys, folder: Path) -> None:
    file = "include/productions/bands.yaml"
    for line in (f"lint {file}", f"plan {file}", f"explain {file} merge", f"diff {file} {file}"):
        assert json.loads(prodsys(*line.split(), "--json").stdout)
    drawn = json.loads(prodsys("graph", file, "--json").stdout)
    assert [box["key"] for box in drawn["boxes"]][:2] == ["simulate", "merge"]
    assert {"source", "target", "words", "late"} == set(drawn["arrows"][0])
    made = json.loads(prodsys("new", "other", "--json").stdout)
    assert made.pop("schema").startswith("file:///")
    assert made == {
        "file": "include/productions/other.yaml",
        "template": "chain",
        "name": "other",
    }


def completed(folder: Path, words: str) -> list[str]:
    """What bash is offered, by the protocol that ``--show-completion`` installs."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from dirac_prodsys.cli.main import app; app(prog_name='dirac-prodsys')",
        ],
        cwd=folder,
        env={
            **os.environ,
            "_DIRAC_PRODSYS_COMPLETE": "complete_bash",
            "COMP_WORDS": f"dirac-prodsys {words}",
            "COMP_CWORD": str(len(words.split(" "))),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split()


def test_a_shell_completes_commands_files_and_steps(folder: Path) -> None:
    assert "lint" in completed(folder, "li")
    assert completed(folder, "plan include/productions/b") == ["include/productions/bands.yaml"]
    assert completed(folder, "plan in") == ["include/"]
    assert completed(folder, "explain include/productions/bands.yaml m") == ["merge"]


@pytest.fixture
def grid() -> Iterator[MemoryGrid]:
    yield memory.register("completing", MemoryGrid())
    memory.forget("completing")


def test_tags_of_runs_are_those_that_the_grid_has(grid: MemoryGrid, folder: Path) -> None:
    file = folder / "before.yaml"
    for run in ("night-1", "night-2", "day"):
        plan = compile(read_production(file), run=run)
        spec = plan.step("merge").transformation
        MemoryGateway(grid).create_transformation(spec)
    context = typer.Context(typer.main.get_command(app))
    context.params = {"file": file, "backend": "memory", "config": "completing"}
    assert list(completion.runs(context, "night")) == ["night-1", "night-2"]
    for named in ({"names": ["bands"]}, {"production": "bands"}):  # status, and the actions
        context.params = {**named, "backend": "memory", "config": "completing"}
        assert list(completion.runs(context, "d")) == ["day"]
    context.params = {"file": file, "backend": "dirac", "config": ""}
    assert list(completion.runs(context, "")) == []
    context.params = {"file": folder / "missing.yaml"}
    assert list(completion.steps(context, "")) == []


def test_every_command_says_that_a_run_has_two_names() -> None:
    options = {
        name: option
        for name, command in COMMANDS.commands.items()
        for option in command.params
        if "--run" in option.opts
    }
    assert options.keys() >= {"status", "report", "check", "plan", "diff", "lint", "stop", "clean"}
    for name, option in options.items():
        assert (option.metavar, name) == ("RUN", name)
        assert "tag" in option.help
        assert "ID" in option.help


def test_completion_can_be_installed(prodsys) -> None:
    assert "--install-completion" in prodsys("--help").stdout
