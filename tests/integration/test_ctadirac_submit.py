"""CTADIRAC's own command submits its own production to the sandbox: the yardstick beside us."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox import Grid
from tests.integration.conftest import cta_prod_submit, run_client
from tests.integration.ctadirac_sources import productions

MEMBER = "ctadirac-3.1.0/tests/system/config/full_production_config.yml"
PRODUCTION = "TestProd1"


@pytest.fixture(scope="module")
def production_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CTADIRAC's full_production_config.yml."""
    file = tmp_path_factory.mktemp("production") / "full_production_config.yml"
    file.write_text(productions()[MEMBER])
    return file


def test_cta_prod_submit_starts_its_four_transformations(
    light_grid: Grid, production_file: Path
) -> None:
    cta_prod_submit(light_grid, PRODUCTION, production_file)
    code = f"""
        import json
        import DIRAC
        DIRAC.initialize()
        from DIRAC.ProductionSystem.Client.ProductionClient import ProductionClient
        from DIRAC.TransformationSystem.Client.TransformationClient import TransformationClient
        production = ProductionClient().getProduction("{PRODUCTION}")["Value"]
        members = ProductionClient().getProductionTransformations("{PRODUCTION}")["Value"]
        ids = [member["TransformationID"] for member in members]
        rows = TransformationClient().getTransformations({{"TransformationID": ids}})["Value"]
        wanted = ("TransformationName", "Type", "Status")
        rows = [[row[name] for name in wanted] for row in rows]
        print(json.dumps({{"production": production["Status"], "transformations": sorted(rows)}}))
        """
    seen = json.loads(run_client(light_grid, code, group="ctao_prod").stdout.splitlines()[-1])
    assert seen["production"] == "Active"
    assert [row[1:] for row in seen["transformations"]] == [
        ["MCSimulation", "Active"],
        ["DataReprocessing", "Active"],
        ["Merging", "Active"],
        ["Merging", "Active"],
    ]
