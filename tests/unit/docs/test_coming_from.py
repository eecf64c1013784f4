"""The tables of CTADIRAC's and DIRAC's commands are whole, and what stands beside each works."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.cli import rehearse
from dirac_prodsys.cli.actions import act
from dirac_prodsys.core.actions.request import read_request
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings
from tests.unit.cli.airflow_stub import PASSWORD, USER, serving
from tests.unit.docs.command_tables import (
    PAGE,
    SHELL,
    Row,
    example_file,
    other_commands,
    rows,
)
from tests.unit.docs.gammas_run import ActingAirflow, GammasRun, with_keys

ROWS = rows()
OF_PROGRAMS = [row for row in ROWS if row.topic != SHELL]
#: of DIRAC, those of productions and transformations; of CTADIRAC, all
SCRIPTS = "console_scripts"
DIRAC_FAMILIES = ("dirac-prod-", "dirac-production-", "dirac-transformation-")
#: what must have happened before a command has something to do; all else finds jobs that ended
BEFORE = {"resume": "stop gammas", "delete": "clean gammas --run r1 --reason old --yes"}


def programs(package: str) -> set[str]:
    """The command lines that an installed package brings."""
    return {each.name for each in distribution(package).entry_points.select(group=SCRIPTS)}


def installed() -> set[str]:
    """The programs of the documented families."""
    dirac = {name for name in programs("DIRAC") if name.startswith(DIRAC_FAMILIES)}
    return dirac | programs("CTADIRAC")


def test_every_program_that_is_installed_has_a_row_and_no_other() -> None:
    programs = {name for row in OF_PROGRAMS for name in row.names}
    there = installed()
    assert len(there) > 70
    assert (there - programs, programs - there) == (set(), set())


def test_every_word_of_the_transformation_shell_has_a_row_and_no_other() -> None:
    commands = [name for row in ROWS if row.topic == SHELL for name in row.names]
    source = importlib.util.find_spec("DIRAC.TransformationSystem.Client.TransformationCLI")
    assert source
    assert source.origin
    tree = ast.walk(ast.parse(Path(source.origin).read_text()))
    functions = {node.name for node in tree if isinstance(node, ast.FunctionDef)}
    assert sorted(commands) == sorted(
        n.removeprefix("do_") for n in functions if n.startswith("do_")
    )


def test_commands_of_theirs_that_the_text_names_exist() -> None:
    named = re.findall(r"`((?:dirac|cta)-[\w-]+\w)(?![\w*-])", PAGE.read_text("utf-8"))
    assert set(named) - {"dirac-prodsys"} - programs("DIRAC") - programs("CTADIRAC") == set()


def test_the_versions_and_the_program_without_a_module_are_as_the_page_says() -> None:
    text = PAGE.read_text("utf-8")
    assert f"CTADIRAC {distribution('CTADIRAC').version}" in text
    assert "DIRAC " + ".".join(distribution("DIRAC").version.split(".")[:2]) in text
    scripts = distribution("CTADIRAC").entry_points.select(group=SCRIPTS)
    broken = [each.name for each in scripts if importlib.util.find_spec(each.module) is None]
    assert broken == [row.names[0] for row in ROWS if "does not hold the program" in row.differs]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_tells_what_to_do_or_that_there_is_nothing(row: Row) -> None:
    does = bool(row.ours or row.airflow or row.yaml)
    assert does or row.nothing
    assert len(row.sees) == len(row.ours), "each command of ours has what it shows, in its order"
    assert row.differs


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Iterator[GammasRun]:
    """Run ``r1`` of the page's file, created; Airflow acts on its grid."""
    name = f"coming-from-{tmp_path.name}"
    grid = memory.register(name, MemoryGrid())
    extra = {"backend": "memory", "config": name, "vo": "ctao"}
    monkeypatch.setenv(
        "AIRFLOW_CONN_DIRAC_DEFAULT", json.dumps({"conn_type": "dirac", "extra": extra})
    )
    monkeypatch.setattr(act, "LOOK_EACH", 0.01)
    monkeypatch.setattr(act, "on_terminal", lambda: True)
    # what it starts is in the e2e tests: a grid and an Airflow of its own
    monkeypatch.setattr(rehearse, "_run", lambda command, folder: print(*command))
    monkeypatch.chdir(tmp_path)
    with serving(ActingAirflow()) as airflow:
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW", airflow.url)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_USER", USER)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD", PASSWORD)
        yield GammasRun(example_file(), tmp_path, grid, name)
    memory.forget(name)


def prepare(run: GammasRun, words: list[str]) -> None:
    """Bring the run to where the first command of a row has something to do."""
    if words[0] != "start":
        # files stay over where two make a group
        run.begin(group_size=2 if words[0] == "flush" else 1)
    if before := BEFORE.get(words[0]):
        assert run.command(before.split()).exit_code == 0
        run.grid.advance(100)


@pytest.mark.parametrize("row", [row for row in ROWS if row.ours], ids=str)
def test_what_a_row_says_to_type_works_and_shows_what_it_says(run: GammasRun, row: Row) -> None:
    lines = [shlex.split(line)[1:] for line in row.ours]
    prepare(run, lines[0])
    for words, expected in zip(lines, row.sees, strict=True):
        done = run.command(words)
        assert done.exit_code == 0, done.output
        assert expected in done.stdout
        run.grid.advance(100)


@pytest.mark.parametrize("line", other_commands())
def test_every_other_command_on_the_page_works_too(run: GammasRun, line: str) -> None:
    words = shlex.split(line)[1:]
    prepare(run, words)
    done = run.command(words)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("row", [row for row in ROWS if row.yaml], ids=str)
def test_keys_that_a_row_names_are_right_and_change_the_production(
    run: GammasRun, row: Row
) -> None:
    for keys in row.yaml:
        before, after = with_keys(run, keys)
        assert read(after) != read(before)
        run.file.write_text(after)
        done = run.command(["lint", run.file.name])
        assert done.exit_code == 0, done.output


def read(text: str) -> Production:
    return load_production(text, "gammas.yml")


@cache
def airflow_parser() -> ArgumentParser:
    from airflow.cli.cli_parser import get_parser

    return get_parser()


@pytest.mark.parametrize("row", [row for row in ROWS if row.airflow], ids=str)
def test_airflow_takes_its_commands(row: Row) -> None:
    for line in row.airflow:
        taken = airflow_parser().parse_args(shlex.split(line)[1:])
        conf = json.loads(getattr(taken, "conf", None) or "{}")
        if getattr(taken, "dag_id", "gammas") == "production_operations":
            assert read_request(conf)
        else:
            assert (getattr(taken, "dag_id", "gammas"), conf) == ("gammas", {})


def test_the_types_that_rows_name_exist() -> None:
    named = {step["type"] for row in ROWS for keys in row.yaml for step in typed_steps(keys)}
    assert named >= {"Replication", "Removal", "Moving"}
    assert named - set(TRANSFORMATION_TYPES) == set()


def typed_steps(keys: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in keys.get("steps", {}).values() if "type" in step]


def test_a_run_is_entered_in_the_production_system_as_the_row_says() -> None:
    (differs,) = [row.differs for row in ROWS if row.theirs == ("cta-prod-submit NAME FILE",)]
    assert "also entered in DIRAC's Production System" in differs
    assert GatewaySettings().registry is True
    assert Production.model_fields["registry"].default is True
