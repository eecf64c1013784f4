"""Core works where neither Airflow nor DIRAC is installed.

A folder is made that holds core's own dependencies, found by following the requirements of their
distributions, and nothing else; a fresh interpreter that sees no other site-packages loads all of
core, and reads, plans and draws the examples. ``test_import_arrows.py`` holds every import of core,
also those in functions, to its own libraries; this catches what these import in turn.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.bare_site import REPOSITORY, lay_out, run

#: what core imports
ROOTS = ["pydantic", "PyYAML", "networkx", "google-re2"]
EXAMPLES = sorted((REPOSITORY / "include/productions/examples").glob("*.yaml"))

WORK = """
import importlib, json, pkgutil, sys
from pathlib import Path
import dirac_prodsys.core
loaded = [
    importlib.import_module(module.name).__name__
    for module in pkgutil.walk_packages(dirac_prodsys.core.__path__, "dirac_prodsys.core.")
]
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.pictures import picture
from dirac_prodsys.core.plan.compile import compile
steps = {}
for file in map(Path, sys.argv[1:]):
    sibling = lambda name: file.with_name(name).read_text()
    plan = compile(load_production(file.read_text(), file.name, read_sibling=sibling), run="r1")
    steps[file.name] = len(picture(plan).boxes)
print(json.dumps({"loaded": loaded, "steps": steps}))
"""


@pytest.fixture(scope="module")
def bare_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages folder with the closure and nothing else."""
    return lay_out(tmp_path_factory.mktemp("bare") / "site-packages", ROOTS)


def test_the_bare_site_has_neither_airflow_nor_dirac(bare_site: Path) -> None:
    for name in ("airflow", "DIRAC", "CTADIRAC", "diraccfg"):
        missing = run(bare_site, "-c", f"import {name}")
        assert "ModuleNotFoundError" in missing.stderr


def test_all_of_core_loads_there_and_plans_the_examples(bare_site: Path) -> None:
    done = run(bare_site, "-c", WORK, *EXAMPLES, path=[REPOSITORY / "plugins"])
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    core = REPOSITORY / "plugins/dirac_prodsys/core"
    modules = {
        ".".join(("dirac_prodsys", "core", *path.relative_to(core).with_suffix("").parts))
        for path in core.rglob("*.py")
    }
    names = {name.removesuffix(".__init__") for name in modules} - {"dirac_prodsys.core"}
    assert set(found["loaded"]) == names
    assert set(found["steps"]) == {path.name for path in EXAMPLES}
    assert all(found["steps"].values())
