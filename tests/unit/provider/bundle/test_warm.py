"""What a parse loads is loaded before, once, where the parses are forked from; nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.provider import dag_builder
from dirac_prodsys.provider.bundle import warm

REPOSITORY = Path(__file__).parents[4]
CTAO = REPOSITORY / "tests" / "integration" / "ctao" / "simulation_and_children.yml"
NATIVE = REPOSITORY / "tests" / "productions" / "good" / "loop.yaml"

#: the manager of the DAG processor, as far as a bundle and the parse of a file see it
MANAGER = """
import json, sys
import airflow.dag_processing.manager
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization
from dirac_prodsys.provider.bundle import ProductionsDagBundle

bundle = ProductionsDagBundle(name="productions", productions=sys.argv[1])
bundle.initialize()
initialized = "dirac_prodsys.provider.dag_builder" in sys.modules
bundle.refresh()
known = set(sys.modules)
bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
assert not bag.import_errors, bag.import_errors
for dag in bag.dags.values():
    DagSerialization.to_dict(dag)
loaded = [name for name in sys.modules if name not in known]
print(json.dumps({"dags": len(bag.dags), "initialized": initialized, "loaded": loaded}))
"""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a manager says after it has parsed files in its own process."""
    home = tmp_path_factory.mktemp("manager")
    folder = home / "productions"
    folder.mkdir()
    for file in (CTAO, NATIVE):
        copy = folder / file.name
        copy.write_bytes(file.read_bytes())
        os.utime(copy, (1, 1))  # it has come to rest
    run = subprocess.run(
        [sys.executable, "-c", MANAGER, str(folder)],
        env={
            "PYTHONPATH": str(REPOSITORY / "plugins"),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_a_parse_loads_nothing_of_ours_anew_whatever_its_form(manager: dict[str, Any]) -> None:
    assert manager["dags"] == 3  # those of the files, and that of people's actions
    assert [name for name in manager["loaded"] if name.startswith("dirac_prodsys")] == []


def test_who_only_asks_for_the_path_loads_nothing(manager: dict[str, Any]) -> None:
    assert manager["initialized"] is False


def test_what_cannot_be_loaded_ahead_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_production: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(dag_builder, "build_dag", broken)
    warned: list[str] = []
    monkeypatch.setattr(warm.log, "warning", lambda line, **_given: warned.append(line))
    warm.warm_up.__wrapped__()
    warm.load(["no.such.module"])
    assert warned == ["nothing is loaded ahead: each parse of a DAG costs more"]
