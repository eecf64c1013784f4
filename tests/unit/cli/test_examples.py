"""The workflows of ``include/productions/examples``: nothing at all is found in them."""

from __future__ import annotations

import json
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "include" / "productions" / "examples"


def test_the_workflows_are_there_and_lint_finds_nothing_to_say(prodsys) -> None:
    assert len(list(EXAMPLES.glob("w*.yaml"))) == 11
    result = prodsys("lint", EXAMPLES, "--format", "json")
    assert json.loads(result.stdout)["findings"] == []
    assert result.exit_code == 0


def test_a_scan_is_exactly_as_many_transformations_as_it_should_be(prodsys) -> None:
    plan = json.loads(prodsys("plan", EXAMPLES / "w04_energy_scan.yaml", "--json").stdout)
    names = [step["transformation"]["name"] for step in plan["steps"]]
    assert len(names) == len(set(names)) == 90
