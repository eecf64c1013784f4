"""Short productions in CTAO's form for tests, and what comes of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from dirac_prodsys.core.dialects import inspect, load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.errors import DefinitionErrors

COMMON = {"MCCampaign": "PROD6", "configuration_id": 16, "base_path": "/ctao/MC"}

SIMULATION = {
    "type": "MCSimulation",
    "version": "2024-02-05",
    "site": "LaPalma",
    "particle": "gamma",
    "pointing_dir": "North",
    "n_shower": 10,
    "moon": "dark, half",
}

PROCESSING = {
    "type": "CtapipeProcessing",
    "version": "v0.23.0",
    "data_level": 2,
    "output_extension": "DL2.h5",
}

MERGING = {"type": "Merging", "version": "v0.23.0", "group_size": 5, "output_extension": "m.h5"}

#: a query that says all that an output inherits
ROOT = {
    "array_layout": "Alpha",
    "site": "LaPalma",
    "particle": "proton",
    "phiP": 180.0,
    "thetaP": 20.0,
    "outputType": "Data",
    "tel_sim_prog": "sim_telarray",
}

Data = dict[str, Any]


def step(number: int, config: Data, query: Data | None = None, **more: Any) -> Data:
    """One entry of ProdSteps."""
    return {"ID": number, "input_meta_query": query or {}, "job_config": dict(config), **more}


def text(*steps: Data, **top: Any) -> str:
    """A file of these steps."""
    data = {"ProdSteps": list(steps), "Common": COMMON, **top}
    return yaml.safe_dump(copy.deepcopy(data), sort_keys=False)


def plan(*steps: Data, datasets: Data | None = None, **top: Any) -> ProductionPlan:
    """The plan of these steps, for a run named r1."""
    return compile(load_production(text(*steps, **top), "p.yml"), run="r1", datasets=datasets)


def mistakes_of(*steps: Data, **top: Any) -> list[tuple[str, str]]:
    """The mistakes of these steps: the source line of each, and the reason."""
    source = text(*steps, **top)
    with pytest.raises(DefinitionErrors) as raised:
        load_production(source, "p.yml")
    lines = source.splitlines()
    return [(lines[error.line - 1].strip(), error.reason) for error in raised.value.errors]


def remarks(*steps: Data, **top: Any) -> list[tuple[str, str]]:
    """Code and reason of what is worth telling of these steps."""
    return [(r.code, r.reason) for r in inspect(text(*steps, **top), "p.yml").remarks]
