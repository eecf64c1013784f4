"""Productions for tests, written in a few words."""

from __future__ import annotations

import json
from typing import Any

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.production import Production


def step(kind: str = "Merging", *parents: str, **more: Any) -> dict[str, Any]:
    """A step with a job; ``parents`` become its input."""
    data: dict[str, Any] = {"type": kind, "job": {"type": "script", "executable": "run"}}
    if parents:
        data["input"] = {"from": list(parents)}
    if kind == "MCSimulation":
        data["tasks"] = 3
    return {**data, **more}


def output(name: str, **metadata: Any) -> dict[str, Any]:
    """An output of a step; without metadata, found by the step's name."""
    return {
        "directory": f"/sim/p/{name}",
        "se": "DISK-A-SE",
        "metadata": metadata or {"step": name},
    }


def make(production: str = "p", /, **steps: dict[str, Any]) -> Production:
    """A production of steps by name, by the road a file takes: JSON is YAML."""
    data = {"version": 1, "production": {"name": production, "vo": "sim"}, "steps": steps}
    return load_production(json.dumps(data, indent=1), "p.yaml")
