"""The same file through ``cta-prod-submit`` and through us: what DIRAC's services then hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.agent import AgentGateway
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from sandbox import Grid
from tests.agents import agents_in
from tests.integration.conftest import cta_prod_submit, run_client
from tests.integration.ctadirac_sources import productions
from tests.integration.ctadirac_versions import NEWER, Environment, python_of

FULL = "ctadirac-3.1.0/tests/system/config/full_production_config.yml"
OWN = Path(__file__).parent / "ctao" / "simulation_and_children.yml"


@pytest.fixture(scope="module")
def gateway(light_grid: Grid) -> DiracGateway:
    """CTAO's production manager's."""
    return DiracGateway(
        GatewaySettings(
            config=str(light_grid.client_cfg),
            proxy=str(light_grid.proxy("prodmgr", "ctao_prod")),
            group="ctao_prod",
            vo="ctao",
        )
    )


def submitted(grid: Grid, name: str, text: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Submit by CTADIRAC: step → ID of its transformation, and its parent steps."""
    file = folder / f"{name}.yml"
    file.write_text(text)
    cta_prod_submit(grid, name, file)
    code = f"""
        import json
        import DIRAC
        DIRAC.initialize()
        from DIRAC.ProductionSystem.Client.ProductionClient import ProductionClient
        client = ProductionClient()
        production = client.getProduction("{name}")["Value"]
        members = client.getProductionTransformations("{name}")["Value"]
        answer = {{"description": json.loads(production["Description"]), "members": [
            member["TransformationID"] for member in members]}}
        print(json.dumps(answer))
        """
    seen = json.loads(run_client(grid, code, group="ctao_prod").stdout.splitlines()[-1])
    parents = {step: about["parentStep"] for step, about in seen["description"].items()}
    return {"parents": parents, "members": seen["members"]}


def held(gateway: DiracGateway, identifier: int) -> dict[str, Any]:
    """All that the services say of a transformation, its ID and our names left out."""
    call = gateway.services.call
    row = call(TRANSFORMATIONS, "getTransformation", identifier, False)
    queries = {kind: gateway._query(identifier, kind) for kind in ("Input", "Output")}
    # DIRAC fills in the VO of the submitter's proxy; its agents write the transformation's ID
    body = row["Body"].replace(f"{GROUP}<![CDATA[ctao]]>", f"{GROUP}<![CDATA[]]>")
    same = ("Type", "Plugin", "AgentType", "Status", "GroupSize", "MaxNumberOfTasks")
    return {name: row[name] for name in same} | queries | {"Body": body}


GROUP = (
    '<Parameter name="JobGroup" type="JDL" linked_module="" linked_parameter="" in="True" '
    'out="False" description="Name of the JobGroup"><value>'
)


def directories(gateway: DiracGateway, identifier: int) -> dict[str, dict[str, Any]]:
    """The directories of a transformation and those above: path without the ID → metadata."""
    found = gateway.services.call(
        CATALOGUE,
        "findDirectoriesByMetadata",
        {"outputType": {"in": ["Data", "Log", "Model"]}},
        "/",
    )
    own = [path for path in found.values() if f"/{identifier}/" in f"{path}/"]
    every = {
        "/".join(path.split("/")[:depth]) for path in own for depth in range(2, path.count("/") + 2)
    }
    return {
        re.sub(rf"/{identifier}(?=/|$)", "/ID", path): gateway.services.call(
            CATALOGUE, "getDirectoryUserMetadata", path
        )
        for path in every
    }


def in_lossy_form(query: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is left of a query when its values are bare, as CTADIRAC writes them.

    Zeros vanish, and numbers with a point come back as text (``TransformationDB``); our metadata
    are whole numbers of that kind: 20.0 for thetaP.
    """
    left = {}
    for name, condition in MetaQuery.from_dirac(query or {}).to_dirac().items():
        if condition != {"=": 0}:
            number = condition.get("=") if name == "thetaP" else None
            left[name] = condition if number is None else {"=": str(float(number))}
    return left


@pytest.mark.parametrize("name", ["full", "own"])
def test_the_services_hold_the_same_of_both_save_what_ctadirac_s_form_loses(
    light_grid: Grid, gateway: DiracGateway, tmp_path: Path, name: str
) -> None:
    text = productions()[FULL] if name == "full" else OWN.read_text()
    theirs = submitted(light_grid, f"theirs_{name}", text, tmp_path)
    plan = compile(load_production(text, f"ours_{name}.yml"), run="r1")
    assert {step.name: list(step.parents) for step in plan.steps} == theirs["parents"]
    rows = {
        gateway.services.call(TRANSFORMATIONS, "getTransformation", i, False)[
            "TransformationName"
        ].split("_", 1)[1]: i
        for i in theirs["members"]
    }
    lost = []
    for step in plan.steps:
        made = gateway.create_transformation(step.transformation)
        gateway.prepare_directories([d.of(made.id) for d in step.transformation.directories])
        gateway.start_transformation(made.id)
        here, there = held(gateway, made.id), held(gateway, rows[step.name])
        for kind in ("Input", "Output"):
            mine, other = here.pop(kind), there.pop(kind)
            assert in_lossy_form(mine) == in_lossy_form(other)
            lost += [key for key in mine or {} if key not in (other or {})]
        assert here == there
        assert directories(gateway, made.id) == directories(gateway, rows[step.name])
    assert set(lost) == ({"phiP", "merged"} if name == "own" else set())


@pytest.mark.parametrize("version", NEWER)
def test_the_ctadirac_of_the_connection_s_dirac_python_renders_what_is_created(
    gateway: DiracGateway, tmp_path: Path, version: str
) -> None:
    plan = compile(load_production(OWN.read_text(), "newer.yml"), run="r1")
    step = plan.steps[0]
    body = Environment(version, tmp_path).rendered([plan])[0]
    (tmp_path / "agents").mkdir()
    with agents_in(tmp_path / "agents"):
        newer = AgentGateway(
            replace(gateway.settings, backend="agent", dirac_python=python_of(version), timeout=180)
        )
        made = newer.create_transformation(step.transformation)
        # a second try takes it for its own: the body that DIRAC holds is the one that was rendered
        assert newer.create_transformation(step.transformation).id == made.id
    row = gateway.services.call(TRANSFORMATIONS, "getTransformation", made.id, False)
    assert row["Body"].replace(f"{GROUP}<![CDATA[ctao]]>", f"{GROUP}<![CDATA[]]>") == body
