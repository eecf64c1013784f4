"""``dirac-prodsys doctor``: what a person and a program are shown; here of the in-memory grid."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console

from dirac_prodsys.cli import doctor as command
from dirac_prodsys.cli import tables
from dirac_prodsys.core.doctor.check import Diagnosis
from dirac_prodsys.core.doctor.table import airflow_checks, grid_checks
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.unit.cli.airflow_health import health_report

GRID = "doctor"
DATA_PROCESSING = "/Operations/Defaults/Transformations/DataProcessing"


@pytest.fixture
def grid() -> Iterator[MemoryGrid]:
    """A grid with which nothing is wrong."""
    grid = MemoryGrid()
    grid.catalogue.file_fields["TransformationID"] = "int"
    yield memory.register(GRID, grid)
    memory.forget(GRID)


@pytest.fixture
def doctor(
    prodsys: Callable[..., Result], grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run the command on that grid."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*options: str | Path) -> Result:
        return prodsys("doctor", "--backend", "memory", "--config", GRID, *options)

    return run


def found(result: Result) -> list[str]:
    """Codes of what was found, notes left out."""
    diagnoses = json.loads(result.stdout)["diagnoses"]
    return [
        one["code"] for one in diagnoses if one["outcome"] == "found" and one["severity"] != "note"
    ]


def test_a_good_grid_is_met_with_silence(doctor, good) -> None:
    result = doctor(good, "--only", "grid")
    assert result.exit_code == 0
    assert "error" not in result.stdout
    assert "warning" not in result.stdout
    assert "0 errors, 0 warnings" in result.stderr
    assert found(doctor(good, "--only", "grid", "--json")) == []


def test_json_has_every_check_once_and_the_parts_can_be_chosen(doctor) -> None:
    codes = [
        one["code"] for one in json.loads(doctor("--only", "grid", "--json").stdout)["diagnoses"]
    ]
    assert sorted(codes) == sorted(check.code for check in grid_checks())
    diagnoses = json.loads(doctor("--json").stdout)["diagnoses"]
    both = {check.code for check in (*grid_checks(), *airflow_checks())}
    assert {one["code"] for one in diagnoses} == both
    assert set(diagnoses[0]) == {"code", "severity", "outcome", "what", "way_out"}


def test_what_a_file_needs_is_compared_with_the_grid(doctor, grid, good) -> None:
    grid.options[DATA_PROCESSING] = "MCSimulation"
    result = doctor(good, "--only", "grid", "--json")
    assert result.exit_code == 1
    assert found(result) == ["types", "job-types"]
    assert found(doctor("--only", "grid", "--json")) == []  # nothing needs the type


def test_a_file_with_mistakes_is_named_and_the_rest_is_looked_at(doctor, good, tmp_path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("version: 1\n")
    result = doctor(good, broken, "--only", "grid")
    assert result.exit_code == 0
    assert f"{broken} has mistakes and is not looked at" in result.stderr


def test_what_files_name_and_the_grid_lacks_is_reported_once(doctor, good) -> None:
    good.write_text(good.read_text().replace("se: DISK-A-SE", "se: DISK-Q-SE"))  # in each step
    other = good.with_name("other.yaml")
    other.write_text(good.read_text().replace("name: good", "name: other"))
    result = doctor(good, other, "--only", "grid")
    assert result.exit_code == 1
    lines = [line for line in result.stdout.splitlines() if "DISK-Q-SE" in line]
    assert len(lines) == 1
    assert f"there is no storage element DISK-Q-SE: {good} and 1 file more" in lines[0]


def test_an_outage_is_a_finding_and_no_traceback(doctor, grid) -> None:
    grid.down = True
    result = doctor("--only", "grid")
    assert result.exit_code == 1
    assert "Transformation/TransformationManager does not answer" in result.stdout
    assert "without an answer" in result.stderr
    assert "Traceback" not in result.output


def test_notes_and_what_passed_are_shown_on_request(doctor, grid) -> None:
    grid.catalogue.directory_fields["energy"] = "float"
    assert "24 bits" not in doctor("--only", "grid").stdout
    shown = doctor("--only", "grid", "--verbose").stdout
    assert "24 bits" in shown
    assert re.search(r"^fine +clocks +the clocks of the services agree", shown, re.MULTILINE)


def test_what_cannot_be_seen_is_reported_once_for_each_reason(doctor) -> None:
    lines = doctor("--only", "grid").stdout.splitlines()
    unseen = [line for line in lines if line.startswith("not seen")]
    assert any("the configuration has no section of InputDataAgent" in line for line in unseen)
    reasons = [re.split("  +", line.strip())[-1] for line in unseen]
    assert len(unseen) == len(set(reasons)) > 3


def test_a_pipe_gets_one_whole_line_for_each_finding(doctor, grid) -> None:
    grid.production_groups = {"another"}
    lines = doctor("--only", "grid").stdout.splitlines()
    line = next(line for line in lines if line.startswith("error"))
    assert "has none of the properties ProductionManagement" in line
    assert line.rstrip().endswith("(property ProductionManagement)")


DIAGNOSES = [
    Diagnosis("workflow-task-agent", "error", "found", f"it {'stands still ' * 12}", "mend " * 20),
    Diagnosis("proxy-lifetime", "warning", "found", "the proxy ends in 2 h", "renew it"),
    Diagnosis("delegated-proxy", "error", "not seen", "the configuration names no URL", ""),
]


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_terminal_nothing_is_cut_and_the_way_out_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None)
    monkeypatch.setattr(tables, "unwrapped_console", lambda: console)
    command._show(DIAGNOSES, verbose=False)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    shown = " ".join(out.getvalue().split())
    assert shown.count("stands still") == 12
    assert shown.count("mend") == 20
    assert any(line.strip() == "→ renew it" for line in lines)


def test_the_health_report_of_airflow_is_read() -> None:
    with health_report(triggerer=None, scheduler="unhealthy") as url:
        components: Any = command._components(f"{url}/")
    assert {name: one.status for name, one in components.items()} == {
        "metadatabase": "healthy",
        "scheduler": "unhealthy",
        "triggerer": "",
        "dag_processor": "healthy",
    }
    assert command._components("").outage is False
    assert command._components(url).outage  # it is over


def test_without_an_airflow_its_checks_are_not_seen(
    doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    result = doctor()
    assert result.exit_code == 0
    assert "no Airflow is set up here" in result.stdout


def test_a_connection_needs_an_airflow_that_has_it(
    doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    result = doctor("--connection", "dirac_default")
    assert result.exit_code == 3
    assert "--connection dirac_default: no Airflow is set up here" in result.stderr
