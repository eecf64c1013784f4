"""The types of transformations and jobs, and what a new one must be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.communities.ctao.types.job_types import TYPES
from dirac_prodsys.core import community
from dirac_prodsys.core import job_types as families
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES, transformation_type
from dirac_prodsys.core.job_types import JobAttributes, job_type, job_types
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import DefinitionError, DefinitionErrors
from tests.unit.core.writing import step


def make(types: dict[str, Any], **steps: dict[str, Any]) -> Production:
    """A production of steps, with types of its site."""
    data = {"version": 1, "production": {"name": "p", "vo": "sim"}, "types": types, "steps": steps}
    return load_production(json.dumps(data), "p.yaml")


def test_the_table_holds_the_known_types() -> None:
    assert set(TRANSFORMATION_TYPES) == {
        "MCSimulation",
        "DataProcessing",
        "DataReprocessing",
        "Merging",
        "Training",
        "ApplyModel",
        "Replication",
        "Moving",
        "Removal",
    }
    of_ctao = {f"ctao:{kind.name}" for kind in TYPES}
    assert set(job_types()) == {"script", "request", "cwl", *of_ctao}
    assert len(of_ctao) == 9


def test_a_job_of_ctao_tells_the_type_of_its_transformation() -> None:
    types = {kind.transformation for kind in job_types().values() if kind.derives}
    assert types == {"MCSimulation", "DataReprocessing", "Merging", "Training", "ApplyModel"}
    assert types <= set(TRANSFORMATION_TYPES)


def test_only_simulation_has_no_input_and_only_data_management_makes_requests() -> None:
    kinds = TRANSFORMATION_TYPES.values()
    assert [kind.name for kind in kinds if not kind.needs_input] == ["MCSimulation"]
    assert {k.name for k in kinds if k.body == "request"} == {
        "Replication",
        "Moving",
        "Removal",
    }


@pytest.mark.parametrize("kind", TRANSFORMATION_TYPES.values(), ids=lambda kind: kind.name)
def test_a_type_fits_the_transformation_system(kind: object) -> None:
    name, plugin = kind.name, kind.plugin  # type: ignore[attr-defined]
    assert 0 < len(name) <= 32
    assert 0 < len(plugin) <= 32


@pytest.mark.parametrize("kind", job_types().values(), ids=lambda kind: kind.name)
def test_a_job_type_is_closed_and_frozen(kind: object) -> None:
    model = kind.attributes  # type: ignore[attr-defined]
    assert issubclass(model, JobAttributes) != kind.derives  # type: ignore[attr-defined]
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"]


@pytest.mark.parametrize("name", ["MCSimulation_BigVO", "Re-Processing", "T" * 32])
def test_a_type_of_the_site_has_a_name_that_its_configuration_takes(name: str) -> None:
    assert make(a=step(name, tasks=2), types={name: {"input": False}}).step("a").type == name


@pytest.mark.parametrize("name", ["T" * 33, "Two Words", "A,B", "A/B", "A.B", "1st", "_A", "é"])
def test_another_name_of_a_type_is_refused(name: str) -> None:
    with pytest.raises(DefinitionErrors, match="cannot name a type"):
        make(a=step(name, tasks=2), types={name: {"input": False}})


def test_an_unknown_type_is_reported_with_the_nearest() -> None:
    with pytest.raises(DefinitionError) as caught:
        transformation_type("DataProcesing")
    assert "did you mean 'DataProcessing'" in caught.value.hint
    with pytest.raises(DefinitionError) as caught:
        job_type("skript")
    assert "did you mean 'script'" in caught.value.hint


def test_words_that_are_no_job_type_are_not_kept_for_ever() -> None:
    for number in range(200):
        assert families.find_job_type(f"unknown{number}:Thing") is None
    assert families._declared_by.cache_info().currsize <= 64
    assert community._offer.cache_info().currsize <= 64
