"""An Airflow home with the three folders of this repository, and nothing configured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.actions.commands import DAG_ID
from sandbox import Grid
from sandbox.airflow.settings import connection_to
from sandbox.configuration.environment import REPOSITORY
from sandbox.demo.__main__ import EXAMPLE
from sandbox.demo.run import DemoRun
from tests.e2e.conftest import MeasuredStack
from tests.e2e.site import Site
from tests.metric_receivers import StatsD, statsd
from tests.patience import until

pytestmark = pytest.mark.soak

RUN = "plain"
BROKEN = "broken.yaml"

#: what no installation can leave as it is: who may log in, which examples come, and where two
#: Airflows on one machine listen and write (and here, where its metrics go, which are looked at)
SET = (
    "CORE__LOAD_EXAMPLES",
    "CORE__HOSTNAME_CALLABLE",
    "CORE__EXECUTION_API_SERVER_URL",
    "CORE__SIMPLE_AUTH_MANAGER_USERS",
    "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "DATABASE__SQL_ALCHEMY_CONN",
    "API__HOST",
    "API__PORT",
    "API__BASE_URL",
    "API__WORKERS",
    "API__SECRET_KEY",
    "API_AUTH__JWT_SECRET",
    "LOGGING__WORKER_LOG_SERVER_PORT",
    "LOGGING__TRIGGER_LOG_SERVER_PORT",
)


class PlainStack(MeasuredStack):
    """The four processes of a home for which only :data:`SET` is set, and the connection."""

    def env(self) -> dict[str, str]:
        """See :meth:`AirflowHome.env`."""
        kept = {f"AIRFLOW__{name}" for name in SET} | self.metrics.keys()
        found = super().env()
        chosen = {n: v for n, v in found.items() if not n.startswith("AIRFLOW__") or n in kept}
        return chosen | {"PYTHONPATH": str(self.home / "plugins")}


@pytest.fixture
def received() -> Iterator[StatsD]:
    """The metrics of that Airflow."""
    with statsd() as receiver:
        yield receiver


@pytest.fixture
def plain(site: Site, received: StatsD, tmp_path: Path) -> Iterator[PlainStack]:
    """An Airflow of the plain layout before the site's grid; one file of its folder is broken."""
    home = tmp_path / "home"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("dags", "plugins", "include"):
        shutil.copytree(REPOSITORY / folder, home / folder, ignore=ignored)
    productions = home / "include" / "productions"
    (productions / BROKEN).write_text((productions / EXAMPLE).read_text() + "\nbroken: [")
    stack = PlainStack(home, productions, {"dirac_default": connection_to(site.grid)})
    stack.metrics = received.settings()
    with stack:
        yield stack


def status(grid: Grid) -> list[dict[str, Any]]:
    """The transformations of the run, as ``dirac-prodsys status --json`` shows them."""
    extra = connection_to(grid)["extra"]
    options = [f"--{name}={extra[name]}" for name in ("config", "proxy", "group")]
    answer = CliRunner().invoke(app, ["status", "mandelbrot", "--run", RUN, "--json", *options])
    assert answer.exit_code == 0, answer.output
    rows: list[dict[str, Any]] = json.loads(answer.stdout)["transformations"]
    return rows


def test_the_production_runs_to_its_dataset_beside_a_broken_file(
    site: Site, plain: PlainStack, received: StatsD, tmp_path: Path
) -> None:
    run = DemoRun(site.grid, plain, plain.productions / EXAMPLE, RUN)
    run.trigger(parsed_since=1.0)
    shown = {dag["dag_display_name"]: dag for dag in plain.rest.dags().values()}
    assert plain.rest.import_errors() == {}
    assert {"mandelbrot", DAG_ID, f"{BROKEN} has an error"} <= shown.keys()
    assert BROKEN in shown[f"{BROKEN} has an error"]["description"]

    *_, look = run.looks()
    outcome = run.outcome(look, tmp_path / "fetched")
    assert outcome.problems == []
    (dataset,) = outcome.datasets
    assert (dataset.name, dataset.files) == (f"/sim/datasets/mandelbrot_{RUN}", 1)
    assert outcome.picture is not None

    # and what its metrics say is what the grid says
    processed = sum(row["files"].get("Processed", 0) for row in status(site.grid))
    assert processed >= 14
    ours = "airflow.dirac_prodsys"
    assert received.counters[f"{ours}.files_processed.dirac_default"] == processed
    last = {name: values[-1] for name, values in list(received.gauges.items())}
    ended = {name: value for name, value in last.items() if ".waits." in name}
    assert ended
    assert set(ended.values()) == {0}
    assert received.timers[f"{ours}.rpc.TransformationManager"]

    (plain.productions / BROKEN).unlink()
    until(
        "the broken file's DAG is gone",
        180,
        lambda: all(BROKEN not in dag["dag_display_name"] for dag in plain.rest.dags().values()),
    )
    assert "mandelbrot" in plain.rest.dags()
