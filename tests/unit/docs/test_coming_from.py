"""The table of CTADIRAC's commands is true: what stands beside each of them is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.transformation_types import transformation_types
from tests.unit.core.ctao_files import PROCESSING, SIMULATION, step, text

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "coming-from-cta-prod-submit.md"
COMMAND: Any = typer.main.get_command(app)
#: what the words in capitals stand for; FILE is written
WORDS = {"NAME": "gammas", "TAG": "r1", "STEP": "Step1_MCSimulation", "N": "5", "WHY": "test"}
#: those that ask neither a grid nor Airflow
OFFLINE = {"lint", "plan", "explain", "convert", "graph"}


def rows() -> dict[str, str]:
    """CTADIRAC's command → what stands beside it."""
    table = PAGE.read_text("utf-8").split("## Commands")[1]
    found = {}
    for left, right in re.findall(r"^\| (`.*?) \| (.*) \|$", table, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", left):
            found[name] = right
    return found


ROWS = rows()
OURS = sorted(set(re.findall(r"`(dirac-prodsys [^`]+)`", PAGE.read_text("utf-8"))))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of CTAO's form."""
    path = tmp_path / "gammas.yml"
    path.write_text(text(step(1, SIMULATION), step(2, PROCESSING, {"parentID": 1})))
    return path


@pytest.mark.parametrize("ours", OURS)
def test_every_command_of_ours_is_one_and_those_that_need_no_grid_end_well(
    file: Path, ours: str
) -> None:
    words = [WORDS.get(word, word) for word in shlex.split(ours.partition(" > ")[0])[1:]]
    words = [str(file) if word in ("FILE", "gammas.yml") else word for word in words]
    words = [word for word in words if not word.endswith("...")]
    name, *arguments = words
    if name in OFFLINE and arguments and "--live" not in arguments:
        done = CliRunner().invoke(app, [name, *arguments])
        assert done.exit_code == 0, done.output
    elif arguments:
        # the arguments are taken; nothing is asked
        COMMAND.commands[name].make_context(name, arguments)
    else:
        assert name in COMMAND.commands


def test_what_people_do_to_a_production_has_a_counterpart() -> None:
    for theirs, ours in {
        "dirac-prod-stop": "dirac-prodsys stop",
        "dirac-prod-start": "dirac-prodsys resume",
        "dirac-prod-clean": "dirac-prodsys clean",
        "dirac-prod-delete": "dirac-prodsys delete",
        "dirac-prod-complete": "dirac-prodsys complete",
        "cta-prod-extend-sim": "dirac-prodsys extend",
        "cta-transformation-clean": "dirac-prodsys clean",
        "cta-transformation-delete": "dirac-prodsys delete",
        "cta-transformation-test": "dirac-prodsys rehearse",
    }.items():
        assert f"`{ours} " in ROWS[theirs], theirs


def test_the_types_that_rows_name_exist() -> None:
    named = set(re.findall(r"a step of type `(\w+)`", PAGE.read_text("utf-8")))
    assert named >= {"Replication", "Removal", "Moving"}
    assert named - set(transformation_types()) == set()


def test_a_run_is_entered_in_the_production_system_as_the_row_says() -> None:
    from dirac_prodsys.core.production import Production
    from dirac_prodsys.gateway.protocol import GatewaySettings

    assert "also entered in DIRAC's Production System" in ROWS["cta-prod-submit NAME FILE"]
    assert GatewaySettings().registry is True
    assert Production.model_fields["registry"].default is True
