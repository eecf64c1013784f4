"""What an older version stored is read by this one: triggers, and the stubs of pinned snapshots.

``stored/`` was written by the version before the packages were laid out anew (commit 7b917de): the
served folder by its bundle, the triggers and digests from plans of the same files. A stub's name
ends in ``.txt`` there, so that no tool takes it for code of ours. Never write these files anew: a
failure here is a run at a site that does not come to its end.
"""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk._shared.module_loading import import_string

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile

STORED = Path(__file__).with_name("stored")
CONTENT: dict[str, Any] = json.loads((STORED / "stored.json").read_text())
STUBS = sorted(path.name.removesuffix(".txt") for path in (STORED / "served").glob("*.py.txt"))


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The folder as the bundle had written it."""
    for path in (STORED / "served").iterdir():
        shutil.copy(path, tmp_path / path.name.removesuffix(".txt"))
    return tmp_path


@pytest.mark.parametrize("number", range(len(CONTENT["triggers"])))
def test_a_stored_trigger_is_made_again_with_all_that_it_knew(number: int) -> None:
    path, kwargs = CONTENT["triggers"][number]
    again, known = import_string(path)(**kwargs).serialize()
    assert again == path
    assert {key: known[key] for key in kwargs} == kwargs


@pytest.mark.parametrize("stub", [name for name in STUBS if "simpipe" not in name])
def test_the_stub_of_a_pinned_snapshot_gives_its_dag(served: Path, stub: str) -> None:
    dag = runpy.run_path(str(served / stub))["dag"]
    assert dag.dag_id == stub.removesuffix(".py")
    assert any(task.endswith(".wait_for_completion") for task in dag.task_ids)


def test_the_stub_of_a_file_with_an_error_still_tells_it(served: Path) -> None:
    with pytest.raises(Exception, match="this is not a production"):
        runpy.run_path(str(served / "simpipe_north.yml.py"))


@pytest.mark.parametrize("file", sorted(CONTENT["digests"]))
def test_a_served_text_gives_the_plan_that_its_run_began_with(served: Path, file: str) -> None:
    sources = {path.name: path.read_text() for path in served.glob("*.yaml")}
    stubs = {path.stem: path.read_text() for path in served.glob("*.py")}
    (stem,) = [stem for stem, text in stubs.items() if f"__file__, {file!r}" in text]
    production = load_production(sources[f"{stem}.yaml"], file)
    assert compile(production, run="r1").digest == CONTENT["digests"][file]
