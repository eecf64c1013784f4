"""The plugins folder under Airflow's own loader, in a fresh interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

LOAD = """
import json, sys
from airflow import plugins_manager
before = {name.split(".")[0] for name in sys.modules}
plugins, errors = plugins_manager._get_plugins()
after = {name.split(".")[0] for name in sys.modules}
print(json.dumps({
    "plugins": sorted(plugin.name for plugin in plugins),
    "errors": errors,
    "new": sorted(after - before),
    "dirac": sorted(name for name in sys.modules if name.split(".")[0] == "DIRAC"),
    "links": [type(link).__name__ for link in plugins_manager.get_operator_extra_links()]
    if hasattr(plugins_manager, "get_operator_extra_links") else [],
}))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, Any]:
    result = subprocess.run(
        [sys.executable, "-c", LOAD], env=os.environ, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_the_plugin_loads_without_an_error(loaded: dict[str, Any]) -> None:
    assert loaded["errors"] == {}
    assert loaded["plugins"].count("dirac_prodsys") == 1


def test_it_adds_no_top_level_module_but_its_own(loaded: dict[str, Any]) -> None:
    assert "dirac_prodsys_plugin" in loaded["new"]
    assert {name for name in loaded["new"] if not name.startswith("dirac_prodsys")} == set()


def test_loading_it_does_not_import_dirac(loaded: dict[str, Any]) -> None:
    assert loaded["dirac"] == []


def test_its_links_are_known(loaded: dict[str, Any]) -> None:
    assert "TransformationLink" in loaded["links"]
