"""CTADIRAC's own command submits its own production to the sandbox: the yardstick beside us.

The production file comes with CTADIRAC's source distribution only. It is downloaded once, by its
hash, into the cache folder of the checkout; nothing of it is built or committed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sandbox import Grid
from sandbox.environment import REPOSITORY
from tests.integration.conftest import run_client

RELEASE = "CTADIRAC==3.1.0"
SHA256 = "621123b0756bd873366f6548bba6d951d4b07abcb16b2cfe6670d693fd20f98f"
ARCHIVE = "ctadirac-3.1.0.tar.gz"
MEMBER = "ctadirac-3.1.0/tests/system/config/full_production_config.yml"
CACHE = REPOSITORY / ".cache" / "ctadirac"
PRODUCTION = "TestProd1"


@pytest.fixture(scope="module")
def production_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CTADIRAC's full_production_config.yml."""
    archive = CACHE / ARCHIVE
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        wanted = tmp_path_factory.mktemp("ctadirac") / "requirement.txt"
        wanted.write_text(f"{RELEASE} --hash=sha256:{SHA256}\n")
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--no-binary", "CTADIRAC", "--dest", str(CACHE), "-r", str(wanted)),
            ],
            check=True,
            env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
    target = tmp_path_factory.mktemp("production")
    with tarfile.open(archive) as sources:
        sources.extract(MEMBER, target, filter="data")
    return target / MEMBER


def test_cta_prod_submit_starts_its_four_transformations(
    light_grid: Grid, production_file: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        ["cta-prod-submit", PRODUCTION, str(production_file)],
        env=light_grid.env(group="ctao_prod"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
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
