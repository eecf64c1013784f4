"""``dirac-prodsys runs`` lists what the grid has, and Airflow's run IDs where it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.unit.cli.airflow_stub import PASSWORD, USER, AirflowStub, serving
from tests.unit.cli.conftest import GOOD

MANUAL = "manual__2026-11-29T10:00:00.123456+00:00"


@pytest.fixture(autouse=True)
def no_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "_USER", "_PASSWORD", "_TOKEN"):
        monkeypatch.delenv(f"DIRAC_PRODSYS_AIRFLOW{name}", raising=False)


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[MemoryGrid]:
    """Two runs of ``bands``, of which one is done, and one of ``lines``."""
    grid = memory.register(f"runs-{tmp_path.name}", MemoryGrid())
    gateway = MemoryGateway(grid)
    for name, run_id in (("bands", "r1"), ("bands", MANUAL), ("lines", MANUAL)):
        production = load_production(GOOD.replace("NAME", name), "a.yaml")
        for step in compile_plan(production, run=run_tag(run_id)).steps:
            record = gateway.create_transformation(step.transformation)
            if run_id == "r1":
                gateway.complete_transformation(record.id)
        grid.advance(3600)
    yield grid
    memory.forget(f"runs-{tmp_path.name}")


@pytest.fixture
def options(grid: MemoryGrid, tmp_path: Path) -> list[str]:
    return ["--backend", "memory", "--config", f"runs-{tmp_path.name}"]


def test_all_productions_and_runs_are_listed(prodsys, options: list[str]) -> None:
    done = prodsys("runs", *options)
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["Production", "Run", "State", "Steps", "Started"],
        ["bands", run_tag(MANUAL), "New", "0/3", "2026-01-01", "01:00", "UTC"],
        ["bands", "r1", "Completed", "3/3", "2026-01-01", "00:00", "UTC"],
        ["lines", run_tag(MANUAL), "New", "0/3", "2026-01-01", "02:00", "UTC"],
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["lines"], ["lines"]),
        (["b*"], ["bands", "bands"]),
        (["lines", "ban?s"], ["bands", "bands", "lines"]),
    ],
)
def test_productions_are_named_or_meant_by_patterns(
    prodsys, options: list[str], names: list[str], expected: list[str]
) -> None:
    rows = json.loads(prodsys("runs", *names, "--json", *options).stdout)["runs"]
    assert [row["production"] for row in rows] == expected


def test_a_production_that_the_grid_does_not_have_is_exit_code_3(
    prodsys, options: list[str]
) -> None:
    done = prodsys("runs", "bands", "band", *options)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "no run of band\n" in done.stderr
    assert "dirac-prodsys runs" in done.stderr


def test_an_empty_grid_says_so(prodsys) -> None:
    done = prodsys("runs", "--backend", "memory", "--config", "empty")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no run" in done.stderr
    memory.forget("empty")


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowStub]:
    with serving(AirflowStub()) as stub:
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW", stub.url)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_USER", USER)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD", PASSWORD)
        yield stub


def test_run_ids_are_those_of_airflow(prodsys, options: list[str], airflow: AirflowStub) -> None:
    airflow.others = {"bands": ["scheduled__2026-10-02T00:00:00+00:00", "r2", MANUAL]}
    rows = json.loads(prodsys("runs", "--json", *options).stdout)["runs"]
    assert [row["run_id"] for row in rows] == [MANUAL, "", ""]
    airflow.others["bands"].append("r1")
    shown = prodsys("runs", "bands", *options).stdout.splitlines()
    assert shown[0].split()[-2:] == ["Run", "ID"]
    assert [line.split()[-1] for line in shown[1:]] == [MANUAL, "r1"]


@pytest.mark.parametrize("trouble", ["down", "denied", "unknown user"])
def test_without_airflow_the_list_is_complete(
    prodsys,
    options: list[str],
    airflow: AirflowStub,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    if trouble == "down":
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW", "http://127.0.0.1:9")
    elif trouble == "denied":
        airflow.status = {"GET": 403}
    else:
        monkeypatch.delenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD")
    done = prodsys("runs", "--json", *options)
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["runs"]) == 3
    assert "without run IDs" in done.stderr
