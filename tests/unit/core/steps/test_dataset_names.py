"""Names of datasets from metadata: the value that all files have, or a mistake at its place."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.errors import DefinitionErrors
from tests.unit.core.writing import make, output, step


def name_of(name: str, **dataset: Any) -> str:
    made = {**output("sim"), "file_metadata": {"split": ["train", "test"], "level": 1.0}}
    sim = step("MCSimulation", tasks=2, output=made, dataset={"name": name, **dataset})
    found = compile(make(sim=sim), run="r1").step("sim").dataset
    assert found is not None
    return found.name


def test_a_field_of_the_output_becomes_part_of_the_name() -> None:
    text = "/sim/sets/${{ production }}_${{metadata.step}}_${{ metadata.level }}_${{ run }}"
    assert name_of(text).endswith("_sim_1_r1")


def test_a_field_that_the_dataset_narrows_to_one_value_does_as_well() -> None:
    name = "/sim/sets/${{ metadata.split }}"
    assert name_of(name, where={"split": "train"}) == "/sim/sets/train"
    with pytest.raises(DefinitionErrors, match="no single value of split"):
        name_of(name)


def test_an_unknown_field_and_an_unknown_convention_are_mistakes() -> None:
    with pytest.raises(DefinitionErrors, match="no single value of nosuch"):
        name_of("/sim/sets/${{ metadata.nosuch }}")
    with pytest.raises(DefinitionErrors, match="there is no community 'nosuch'"):
        name_of("/sim/sets/${{ nosuch:raw }}")
    with pytest.raises(DefinitionErrors, match="has no convention 'nosuch'"):
        name_of("/sim/sets/${{ ctao:nosuch }}")


def test_metadata_are_filled_into_names_of_datasets_only() -> None:
    with pytest.raises(DefinitionErrors, match="unknown placeholder"):
        name_of("/sim/sets/x", annotation="${{ metadata.step }}")
