"""Every command takes a run by the ID that Airflow shows and by its tag, and says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.cli.actions import act
from dirac_prodsys.core.actions.outcome import Result, outcome_of
from dirac_prodsys.core.actions.request import read_request
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.actions import carry_out
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.actions.tasks import look
from tests.unit.cli.airflow_stub import PASSWORD, USER, AirflowStub, serving

RUN_IDS = (
    "manual__2026-11-29T10:00:00+00:00",
    "manual__2026-11-29T10:00:00.123456+00:00",
    "manual__2026-11-29T10:00:00.123456+00:00_Xy7zAbCd",
    "scheduled__2026-10-01T00:00:00+00:00",
    "asset_triggered__2026-11-29T10:00:00.5+00:00_Xy7zAbCd",
    "night-7",
    "Run_7~new",
    "build-1a2b3c4d",
)
BY_BOTH = [pytest.param(i, run_tag(i) if tag else i) for i in RUN_IDS for tag in (False, True)]
#: of another run of the same production, which no command may take for the one that is meant
OTHER = "manual__2026-11-28T10:00:00+00:00"


def fill(grid: MemoryGrid, good: Path, run_id: str) -> None:
    """Make what the DAG's run of this ID makes."""
    gateway = MemoryGateway(grid)
    production = load_production(good.read_text(), str(good))
    for step in compile_plan(production, run=run_tag(run_id)).steps:
        record = gateway.create_transformation(step.transformation)
        if step.transformation.tasks:
            gateway.ensure_tasks(record.id, step.transformation.tasks)
        gateway.start_transformation(record.id)


@pytest.fixture
def grid(good: Path, tmp_path: Path) -> Iterator[MemoryGrid]:
    name = f"runs-{tmp_path.name}"
    grid = memory.register(name, MemoryGrid())
    fill(grid, good, OTHER)
    yield grid
    memory.forget(name)


@pytest.fixture
def options(grid: MemoryGrid, tmp_path: Path) -> list[str]:
    return ["--backend", "memory", "--config", f"runs-{tmp_path.name}"]


@pytest.mark.parametrize(("run_id", "given"), BY_BOTH)
def test_commands_that_ask_the_grid(
    prodsys, good: Path, grid: MemoryGrid, options: list[str], run_id: str, given: str
) -> None:
    fill(grid, good, run_id)
    names = [f"good__{run_tag(run_id)}__{step}" for step in ("simulate", "merge", "index")]
    run = ["--run", given, "--json", *options]

    seen = prodsys("status", "--file", good, *run)
    assert seen.exit_code == 0, seen.output
    assert [row["name"] for row in json.loads(seen.stdout)["transformations"]] == names

    report = json.loads(prodsys("report", "--file", good, *run).stdout)
    assert report["run"] == run_tag(run_id)
    assert [step["status"] for step in report["steps"]] == ["Active"] * 3

    fits = prodsys("check", "--file", good, *run)
    assert list(json.loads(fits.stdout)) == names, fits.output

    # by the production's name as well as by its file
    by_name = prodsys("report", "good", *run)
    titles = [one["title"] for one in json.loads(by_name.stdout)["transformations"]]
    assert [title.split()[-1] for title in titles] == names
    assert list(json.loads(prodsys("check", "good/merge", *run).stdout)) == [names[1]]

    met = json.loads(prodsys("diff", good, "--live", *run).stdout)
    assert met["run"] == run_tag(run_id)
    kinds = [(one["kind"], one["state"]) for one in met["meetings"]]
    assert kinds == [("transformation", "equal")] * 3 + [("dataset", "new")]

    plan = json.loads(prodsys("plan", good, "--live", *run).stdout)
    assert [step["transformation"]["name"] for step in plan["steps"]] == names


@pytest.mark.parametrize("run_id", RUN_IDS)
def test_commands_that_read_the_file_alone(prodsys, good: Path, run_id: str) -> None:
    plan = json.loads(prodsys("plan", good, "--run", run_tag(run_id), "--json").stdout)
    assert plan["run"] == run_tag(run_id)
    if run_id != "build-1a2b3c4d":  # which may be a tag, and there is no grid to ask
        assert json.loads(prodsys("plan", good, "--run", run_id, "--json").stdout) == plan
    assert prodsys("explain", good, "merge", "--run", run_id).exit_code == 0
    assert run_tag(run_id) in prodsys("explain", good, "merge", "--run", run_tag(run_id)).stdout


@pytest.mark.parametrize("command", ["status", "report", "check"])
def test_what_names_no_run_is_refused_with_the_way_out(
    prodsys, good: Path, options: list[str], command: str
) -> None:
    done = prodsys(command, "--file", good, "--run", "night-*", *options)
    assert done.exit_code == 2
    assert "one run is meant" in done.stderr
    assert "dirac-prodsys runs" in done.stderr


class Acting(AirflowStub):
    """An Airflow whose DAG does to a grid in memory what the real one's tasks do to a real one."""

    def __init__(self, gateway: MemoryGateway) -> None:
        super().__init__()
        self.gateway = gateway

    def serve(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any] | None:
        answer = super().serve(method, path, token, body)
        if method == "POST" and isinstance(body, dict) and "conf" in body and answer == (200, {}):
            request = read_request(body["conf"])
            made = look(self.gateway, request)
            self.preview = made.to_dict() | {"by": USER, "reason": "", "run": ""}
            if not request.preview:
                results = [self._act(request, row) for row in made.acts]
                self.outcome = outcome_of(made, results, by=USER, reason="", run="").to_dict()
        return answer

    def _act(self, request: Any, row: Any) -> Result:
        before = self.gateway.status_changes(row.id)
        why = carry_out(self.gateway, request, row, "a test", before)
        return Result(row.id, row.name, row.status, "done", why)


@pytest.fixture
def airflow(grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(act, "LOOK_EACH", 0.01)
    stub = Acting(MemoryGateway(grid, GatewaySettings(backend="memory", vo="sim")))
    with serving(stub):
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW", stub.url)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_USER", USER)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD", PASSWORD)
        yield


@pytest.mark.usefixtures("airflow")
@pytest.mark.parametrize(("run_id", "given"), BY_BOTH)
@pytest.mark.parametrize(("command", "state"), [("stop", "Stopped"), ("clean", "Cleaning")])
def test_commands_that_act(
    prodsys, good: Path, grid: MemoryGrid, run_id: str, given: str, command: str, state: str
) -> None:
    fill(grid, good, run_id)
    done = prodsys(command, "good", "--run", given, "--reason", "a test", "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["outcome"]["good"]
    mine = f"good__{run_tag(run_id)}__"
    every = grid.transformations.values()
    states = [(one.row["TransformationName"].startswith(mine), one.status) for one in every]
    assert states == [(False, "Active")] * 3 + [(True, state)] * 3
