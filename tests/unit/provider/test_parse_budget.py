"""What drawing a DAG loads: each parse is a process of its own, and pays for what it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
GOOD = REPOSITORY / "tests" / "productions" / "good"
CTAO = REPOSITORY / "tests" / "integration" / "ctao" / "simulation_and_children.yml"

PROBE = """
import json, sys
import airflow.dag_processing.manager  # what the parent of every parse has
known = set(sys.modules)
from pathlib import Path
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.provider.dag_builder import build_dag
for path in sys.argv[1:]:
    assert build_dag(load_production(Path(path).read_text(), path)).tasks
    print(json.dumps([name for name in sys.modules if name not in known]))
"""

#: small packages that a parse loads, besides Airflow's and ours
LIBRARIES = {"asgiref"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    """What drawing the DAGs of files of the native form loads; and with one of CTAO's form."""
    native = [GOOD / name for name in ("diamond.yaml", "matrix.yaml", "loop.yaml", "types.yaml")]
    run = subprocess.run(
        [sys.executable, "-c", PROBE, *map(str, (*native, CTAO))],
        env={
            "PYTHONPATH": str(REPOSITORY / "plugins"),
            "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return [set(json.loads(line)) for line in run.stdout.splitlines()[-2:]]


def test_drawing_a_dag_loads_no_library(loaded: list[set[str]]) -> None:
    for names in loaded:
        tops = {name.partition(".")[0] for name in names} - {"airflow", "dirac_prodsys"}
        assert tops - sys.stdlib_module_names <= LIBRARIES


def test_the_rules_of_a_community_are_loaded_for_its_files(loaded: list[set[str]]) -> None:
    native, ctao = ({name for name in names if ".ctao" in name} for names in loaded)
    assert native == {"dirac_prodsys.communities.ctao"}  # its value, which says what it offers
    assert "dirac_prodsys.communities.ctao.form.reading" in ctao


def test_drawing_a_dag_loads_no_grid_no_ledger_and_no_command_line(loaded: list[set[str]]) -> None:
    grid = ("dirac_prodsys.gateway.dirac", "dirac_prodsys.gateway.memory")
    ledger = ("dirac_prodsys.ledger", "dirac_prodsys.core.reports.ledger")
    far = (*grid, *ledger, "dirac_prodsys.cli")
    for names in loaded:
        assert not [name for name in names if name.startswith(far)]
