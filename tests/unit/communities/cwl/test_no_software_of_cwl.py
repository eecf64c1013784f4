"""Whoever reads, draws or runs a production imports no software of CWL: it costs a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[4]
SOFTWARE = ("cwl_utils", "schema_salad", "cwltool", "rdflib", "ruamel")

READ = """
import sys
from pathlib import Path
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile

folder = Path("tests/cwl/pi")
read = lambda name: (folder / name).read_text() if (folder / name).is_file() else None
# as the bundle does, which asks a child about the document
production = load_production((folder / "pi.cwl").read_text(), "pi.cwl", read_sibling=read)
# as whoever parses the DAG or runs a task does
served = load_production(production.source, "pi.yaml")
assert compile(served, run="r1") == compile(production, run="r1")
"""


def imported(code: str) -> set[str]:
    """All modules that a program imports, by Python's own account."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'plugins'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def test_reading_and_planning_a_workflow_imports_none() -> None:
    modules = imported(READ)
    assert "dirac_prodsys.communities.cwl.form.workflow" in modules
    assert [name for name in modules if name.partition(".")[0] in SOFTWARE] == []


def test_what_airflow_loads_imports_none() -> None:
    modules = imported("import dirac_prodsys.provider.dag_builder, dirac_prodsys.provider.triggers")
    assert "airflow" in modules
    assert [name for name in modules if name.partition(".")[0] in SOFTWARE] == []
    assert [name for name in modules if name.startswith("dirac_prodsys.communities.cwl.")] == []
