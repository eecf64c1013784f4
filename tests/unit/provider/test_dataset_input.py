"""A dataset as input: its query is looked up, and a frozen one is what it was."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator

TEXT = """version: 1
production: {name: takes, vo: sim}
steps:
  merge:
    type: Merging
    input: {dataset: /sim/datasets/old, where: {split: train}}
    job: {type: script, executable: merge}
"""


def dataset(gateway: MemoryGateway, *, freeze: bool) -> None:
    gateway.grid.catalogue.register("/sim/old/1", particle="gamma")
    gateway.grid.catalogue.file_fields["particle"] = "VARCHAR(128)"
    query = MetaQuery.parse({"particle": "gamma"})
    gateway.create_dataset(DatasetSpec(name="/sim/datasets/old", query=query, freeze=freeze))


def create(context: dict[str, Any]) -> Any:
    production = load_production(TEXT, "takes.yaml")
    act = DiracCreateTransformationOperator(task_id="t", production=production, step="merge")
    return act.work(context, {})


@pytest.mark.parametrize("freeze", [False, True])
def test_the_query_of_the_dataset_is_taken_and_narrowed(
    gateway: MemoryGateway, context: dict[str, Any], freeze: bool
) -> None:
    dataset(gateway, freeze=freeze)
    made = create(context)
    stored = gateway.services.call(
        TRANSFORMATIONS, "getTransformationMetaQuery", made["id"], "Input"
    )
    assert stored == {"particle": {"=": "gamma"}, "split": {"=": "train"}}


def test_a_frozen_dataset_whose_query_finds_more_by_now_is_refused_unless_it_was_taken_already(
    gateway: MemoryGateway, grid: MemoryGrid, context: dict[str, Any]
) -> None:
    dataset(gateway, freeze=True)
    grid.catalogue.register("/sim/old/2", particle="gamma")
    with pytest.raises(AirflowFailException, match="frozen with 1 files, and its query finds 2"):
        create(context)
    assert grid.transformations == {}
    del grid.catalogue.files["/sim/old/2"]
    made = create(context)
    grid.catalogue.register("/sim/old/2", particle="gamma")
    assert create(context)["id"] == made["id"]


def test_a_dataset_that_does_not_exist_is_reported(
    gateway: MemoryGateway, context: dict[str, Any]
) -> None:
    with pytest.raises(AirflowFailException, match="no dataset /sim/datasets/old"):
        create(context)
