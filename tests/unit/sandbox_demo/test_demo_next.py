"""What the demo says at its end, and the file that it leaves for a shell."""

from __future__ import annotations

import io
import os
import shlex
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main
from rich.console import Console

from dirac_prodsys.cli.main import app
from dirac_prodsys.provider.plugin import DiracProdsysPlugin
from sandbox.demo.__main__ import Demo
from sandbox.demo.next_steps import Place, next_steps, shell_environment

COMMANDS = typer.main.get_command(app)
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def place() -> Place:
    return Place(
        url="http://127.0.0.1:8123",
        users={"admin": ("secret-1", "may do everything"), "viewer": ("secret-2", "may look")},
        passwords=Path(".demo/airflow/passwords.json"),
        shell=Path(".demo/env.sh"),
        productions=REPOSITORY / "include" / "productions",
        example=REPOSITORY / "include" / "productions" / "mandelbrot.yaml",
        stop="make down",
    )


def test_it_ends_with_all_that_a_person_needs_next(place: Place) -> None:
    lines = next_steps(place, "demo-1").splitlines()
    assert lines[0].split() == ["the", "page:", f"{place.url}/plugin/dirac-productions"]
    assert lines[1].split() == ["Airflow:", place.url]
    text = "\n".join(lines)
    assert "user admin, password secret-1 (may do everything)" in text
    assert "user viewer, password secret-2 (may look)" in text
    assert ".demo/airflow/passwords.json" in text
    assert f"drop a YAML into {place.productions}" in text
    assert ". .demo/env.sh" in text
    assert lines[-1].split() == ["stop", "it:", "make", "down"]


def test_the_page_that_it_names_is_in_the_navigation(place: Place) -> None:
    routes = {app["url_route"]: app["destination"] for app in DiracProdsysPlugin.react_apps}
    address = next_steps(place).splitlines()[0].split()[-1]
    assert routes[address.rpartition("/plugin/")[2]] == "nav"


def test_what_nothing_was_run_of_is_not_asked_for(place: Place) -> None:
    assert "trigger the DAG mandelbrot" in next_steps(place)
    assert "dirac-prodsys status" not in next_steps(place)


@pytest.mark.parametrize("run", ["", "demo-1"])
def test_the_commands_that_it_names_can_be_given(place: Place, run: str) -> None:
    lines = [line.strip() for line in next_steps(place, run).splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("dirac-prodsys")]
    assert [words[1] for words in commands] == (["status"] if run else []) + ["lint"]
    for _, name, *words in commands:
        with COMMANDS.commands[name].make_context(name, words) as context:  # type: ignore[attr-defined]
            assert context.params


def test_a_path_with_a_blank_is_quoted(place: Place) -> None:
    assert ". '/my demo/env.sh'" in next_steps(replace(place, shell=Path("/my demo/env.sh")))


def test_a_shell_that_reads_the_file_has_what_the_commands_ask_for(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    grid = folder / "env.sh"
    grid.write_text("export DIRACSYSCONFIG=/there/client.cfg\n")
    file = tmp_path / "env.sh"
    file.write_text(shell_environment(grid, folder, "http://127.0.0.1:1", "admin", "it's $HOME"))
    done = subprocess.run(
        ["sh", "-c", f". {file} && env"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    found = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert found["DIRACSYSCONFIG"] == "/there/client.cfg"
    assert found["DIRAC_PRODSYS_AIRFLOW"] == "http://127.0.0.1:1"
    assert found["DIRAC_PRODSYS_AIRFLOW_USER"] == "admin"
    assert found["DIRAC_PRODSYS_AIRFLOW_PASSWORD"] == "it's $HOME"
    assert found["PATH"].split(":")[0] == str(folder)


def test_the_file_for_a_shell_is_there_when_it_is_named_and_for_its_owner_only(
    tmp_path: Path,
) -> None:
    text = io.StringIO()
    demo = Demo(tmp_path / "demo", "light", Console(file=text, width=200))
    demo.invite("demo-1")  # what it says is known before anything runs
    file = tmp_path / "demo" / "env.sh"
    assert f". {file}\n" in text.getvalue()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert demo.stack.passwords.is_file()
    assert f"sandbox.demo down --state {tmp_path / 'demo'}" in text.getvalue()
