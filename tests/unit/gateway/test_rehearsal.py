"""The gateway of rehearsals keeps away from grids that count."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.grid.specs import Command, DatasetSpec, JobSpec, TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.records import GatewaySettings


@pytest.mark.parametrize("name", ["CTAO", ""])
def test_nothing_is_created_on_a_grid_that_is_no_sandbox(tmp_path: Path, name: str) -> None:
    config = tmp_path / "dirac.cfg"
    config.write_text(f"DIRAC\n{{\n  Configuration\n  {{\n    Name = {name}\n  }}\n}}\n")
    gateway = open_gateway(GatewaySettings(backend="rehearsal", config=str(config), proxy="none"))
    body = JobSpec(name="x", job_type="Merging", commands=(Command(executable="x"),))
    spec = TransformationSpec(name="x", description="", type="Merging", body=body)
    with pytest.raises(GatewayRejected, match="is no sandbox"):
        gateway.create_transformation(spec)
    with pytest.raises(GatewayRejected, match="is no sandbox"):
        gateway.create_dataset(DatasetSpec(name="/a/b/c", query=MetaQuery.parse({"run": "x"})))
