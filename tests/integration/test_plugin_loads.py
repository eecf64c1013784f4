"""The plugin under Airflow's own loader, in fresh interpreters.

It is found by the file in the plugins folder, or by the entry point of the installed package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]

LOAD = """
import json, sys
from airflow import plugins_manager
before = {name.split(".")[0] for name in sys.modules}
plugins, errors = plugins_manager._get_plugins()
after = {name.split(".")[0] for name in sys.modules}
print(json.dumps({
    "plugins": sorted(plugin.name for plugin in plugins),
    "errors": errors,
    "source": str(next(p.source for p in plugins if p.name == "dirac_prodsys")),
    "new": sorted(after - before),
    "dirac": sorted(name for name in sys.modules if name.split(".")[0] == "DIRAC"),
    "links": [type(link).__name__ for link in plugins_manager.get_operator_extra_links()]
    if hasattr(plugins_manager, "get_operator_extra_links") else [],
}))
"""


def packages(folder: Path, entry_points: str) -> Path:
    """Make a folder with the packages of this environment, and with our metadata as given.

    Airflow reads the metadata of every folder in which a package is installed.
    """
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("dirac_prodsys", "__editable__")):
            (folder / entry.name).symlink_to(entry)
    there = folder / "dirac_prodsys-0.1.0.dist-info"
    there.mkdir()
    (there / "METADATA").write_text("Metadata-Version: 2.1\nName: dirac-prodsys\nVersion: 0.1.0\n")
    (there / "entry_points.txt").write_text(entry_points)
    return folder


@pytest.fixture(scope="module", params=["from the folder", "installed"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    ((name, value),) = declared["entry-points"]["airflow.plugins"].items()
    entry_points = f"[airflow.plugins]\n{name} = {value}\n" * (request.param == "installed")
    site = packages(tmp_path_factory.mktemp("site"), entry_points)
    result = subprocess.run(
        [sys.executable, "-S", "-c", LOAD],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(REPOSITORY / "plugins")])},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return {**found, "log": result.stderr, "way": request.param}


def test_the_plugin_loads_without_an_error(loaded: dict[str, Any]) -> None:
    assert loaded["errors"] == {}
    assert loaded["plugins"].count("dirac_prodsys") == 1
    assert "already registered" not in loaded["log"]


def test_it_comes_in_one_way(loaded: dict[str, Any]) -> None:
    assert loaded["source"].startswith(
        "$PLUGINS_FOLDER/" if loaded["way"] == "from the folder" else "dirac-prodsys==0.1.0:"
    )


def test_it_adds_no_top_level_module_but_its_own(loaded: dict[str, Any]) -> None:
    assert "dirac_prodsys_plugin" in loaded["new"]
    assert {name for name in loaded["new"] if not name.startswith("dirac_prodsys")} == set()


def test_loading_it_does_not_import_dirac(loaded: dict[str, Any]) -> None:
    assert loaded["dirac"] == []


def test_its_links_are_known(loaded: dict[str, Any]) -> None:
    assert "TransformationLink" in loaded["links"]
