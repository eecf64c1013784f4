"""A grid in memory behind an Airflow connection, and an operator's context without Airflow."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.bundle import sources
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator
from tests.outlet_event import OutletEvent
from tests.unit.provider.actions.action_runs import ActionRun, Store
from tests.unit.provider.asked_airflow import AskedAirflow
from tests.unit.provider.waits import Begun

Connect = Callable[..., str]
WriteSite = Callable[..., Path]

TWO_STEPS = Path(__file__).with_name("two.yaml").read_text()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Sets an Airflow connection of type ``dirac``: ``connect("dirac_default", backend=…)``."""

    def set_connection(
        conn_id: str = "dirac_default", conn_type: str = "dirac", **extra: Any
    ) -> str:
        value = json.dumps({"conn_type": conn_type, "extra": extra})
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", value)
        return conn_id

    return set_connection


@pytest.fixture
def grid(connect: Connect, request: pytest.FixtureRequest) -> Iterator[MemoryGrid]:
    """The grid that the connection ``dirac_default`` leads to; its clock stands still."""
    name = request.node.name
    connect(backend="memory", config=name, poll_interval=0.01, agent_cycle=0.01, timeout=5)
    yield memory.register(name, MemoryGrid())
    memory.forget(name)


@pytest.fixture
def gateway(grid: MemoryGrid) -> memory.MemoryGateway:
    """A gateway on the grid, for a test's own hands."""
    return memory.MemoryGateway(grid, GatewaySettings(backend="memory"))


@pytest.fixture
def production() -> Production:
    """Two steps: six files, merged by four, into a dataset."""
    return load_production(TWO_STEPS, "two.yaml")


@pytest.fixture
def begun(production: Production, grid: MemoryGrid, gateway: memory.MemoryGateway) -> Begun:
    """That production under way: its run ``r1``."""
    return Begun.of(production, grid, gateway)


@pytest.fixture
def context() -> dict[str, Any]:
    """What a task is given, as far as our operators use it."""
    return {
        "run_id": "r1",
        "task_state_store": Store(),
        "outlet_events": defaultdict(OutletEvent),
    }


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> AskedAirflow:
    """In place of the supervisor of a task."""
    from airflow.sdk.execution_time import task_runner

    made = AskedAirflow()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", made, raising=False)
    return made


@pytest.fixture
def site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteSite:
    """Writes what the site says of the bundle ``productions``, and more."""
    path = tmp_path / "etc" / "site.yaml"
    path.parent.mkdir()
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(path))

    def write(limits: str, more: str = "") -> Path:
        path.write_text(f"version: 1\nbundles: {{productions: {{{limits}}}}}\n{more}\n")
        # as a file that was written later
        os.utime(path, ns=(path.stat().st_mtime_ns + 1,) * 2)
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A drop-in folder with a good file."""
    monkeypatch.setattr(sources, "SETTLE", 0)
    made = tmp_path / "productions"
    made.mkdir()
    (made / "two.yaml").write_text(TWO_STEPS)
    return made


@pytest.fixture
def in_bundle(context: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A task's context that knows its bundle, as in a worker."""
    bundle = SimpleNamespace(name="productions", productions=folder)
    instance = SimpleNamespace(id="0000", bundle_instance=bundle, xcom_pull=lambda **_: None)
    return {**context, "ti": instance}


@pytest.fixture
def running(
    grid: MemoryGrid, gateway: memory.MemoryGateway, production: Production, context: dict[str, Any]
) -> Production:
    """Both steps Active: six files made, four of them given to a task, two left over."""
    for step in ("make", "merge"):
        task = DiracCreateTransformationOperator(task_id="t", production=production, step=step)
        task.work(context, {})
    for step in compile(production, run="r1").steps:
        spec = step.transformation
        gateway.prepare_directories(spec.directories)
        number = gateway.find_transformation(spec.name).id
        if spec.tasks:
            gateway.ensure_tasks(number, spec.tasks)
        gateway.start_transformation(number)
    grid.advance(100)
    return production


@pytest.fixture
def ops(context: dict[str, Any], running: Production) -> Any:
    """Makes a run of an action on them: ``ops("stop", preview=False)``."""

    def make(action: str, **params: Any) -> ActionRun:
        return ActionRun(context, action=action, **params)

    return make
