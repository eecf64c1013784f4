"""Production files to give to the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dirac_prodsys.cli.history.opening import VARIABLES
from dirac_prodsys.cli.main import app

#: a chain with both kinds of start and a dataset; the name of the production is to be filled in
GOOD = """\
version: 1
production: {name: NAME, vo: sim}
steps:
  simulate:
    type: MCSimulation
    tasks: 3
    job: {type: script, executable: simulate, arguments: "[seed] @{JOB_ID}"}
    output:
      directory: /sim/tests/${{ production }}/${{ run }}/simulate
      se: DISK-A-SE
      metadata: {production: "${{ production }}", run: "${{ run }}", step: simulate}
      files: ["events_@{JOB_ID}.dat"]
  merge:
    type: Merging
    group_size: 2
    input: {from: simulate}
    job: {type: script, executable: merge}
    output:
      directory: /sim/tests/${{ production }}/${{ run }}/merge
      se: DISK-A-SE
      metadata: {production: "${{ production }}", run: "${{ run }}", step: merge}
      files: ["merged_@{JOB_ID}.dat"]
  index:
    type: Merging
    start: on_complete
    group_size: 100
    input: {from: merge}
    job: {type: script, executable: index}
    output:
      directory: /sim/tests/${{ production }}/${{ run }}/index
      se: DISK-A-SE
      metadata: {production: "${{ production }}", run: "${{ run }}", step: index}
      files: ["index_@{JOB_ID}.dat"]
    dataset: {name: "/sim/datasets/NAME_${{ run }}"}
"""


@pytest.fixture(autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder, and ledger: never those of the person who runs the tests."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    monkeypatch.setenv("AIRFLOW_HOME", str(folder))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def prodsys() -> Callable[..., Result]:
    """Run the command with these arguments."""

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file with nothing wrong."""
    return write(tmp_path / "good.yaml", GOOD.replace("NAME", "good"))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
