"""What stands at the edges between steps: true of each branch, and of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.run.edge_labels import MOST, labels
from tests.unit.core.run.test_dag_shape import FILES

ROOT = Path(__file__).parents[4]
EXAMPLES, GOOD = ROOT / "include/productions/examples", ROOT / "tests/productions/good"


def labels_of(file: Path) -> dict[str, str]:
    production = read_production(file)
    return labels(production, compile(production, run="run"))


@pytest.mark.parametrize(
    ("file", "step", "label"),
    [
        (EXAMPLES / "w01_simulation_and_backgrounds.yaml", "process-1", "by nsb"),
        (EXAMPLES / "w02_two_stage_merging.yaml", "merge_all", "merged = 1"),
        (EXAMPLES / "w04_energy_scan.yaml", "simulate-91", "step = split"),
        (EXAMPLES / "w07_analysis.yaml", "merge-data_2024", "step = ntuple"),
        (GOOD / "matrix.yaml", "merge-gamma", "by particle, thetaP"),
        (GOOD / "diamond.yaml", "train", "runNumber < 10"),
        (GOOD / "chain.yaml", "slices", ""),
    ],
)
def test_the_most_telling_conditions_are_shown(file: Path, step: str, label: str) -> None:
    assert labels_of(file)[step] == label


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_branches_of_a_step_have_one_label_and_a_short_one(file: Path) -> None:
    production = read_production(file)
    found: dict[str, set[str]] = {}
    for name, label in labels_of(file).items():
        assert len(label) <= MOST
        found.setdefault(production.as_written(name), set()).add(label)
    assert {len(label) for label in found.values()} == {1}
