"""Productions in CTAO's form as DAGs: whom steps wait for, and what a run looks up."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from tests.productions.regenerate import HERE, load

COMMON = {"MCCampaign": "PROD6", "configuration_id": 16, "base_path": "/ctao/MC"}
RAW = {
    "array_layout": "Alpha",
    "site": "Paranal",
    "particle": "proton",
    "phiP": 0,
    "thetaP": 20.0,
    "outputType": "Data",
    "data_level": -1,
}
TO_DL2 = {
    "type": "CtapipeProcessing",
    "version": "v0.23.0",
    "data_level": 2,
    "output_extension": "DL2.h5",
}


def production(*steps: dict[str, Any]) -> Any:
    data = {"ProdSteps": list(steps), "Common": COMMON}
    return load_production(yaml.safe_dump(data, sort_keys=False), "ctao.yml")


def do(act: type, of: Any, step: str, context: dict[str, Any]) -> Any:
    return act(task_id="t", production=of, step=step).work(context, {})


def make_dataset(gateway: MemoryGateway) -> None:
    """``raw``, though it has no file yet."""
    gateway.prepare_directories([DirectorySpec(path="/ctao/datasets", metadata={})])
    gateway.services.call(CATALOGUE, "addDataset", {"/ctao/datasets/raw": dict(RAW)})


FROM_DATASET = production(
    {
        "ID": 1,
        "input_meta_query": {"dataset": "raw"},
        "job_config": {**TO_DL2, "group_size": 3},
    }
)
STEP = "Step1_CtapipeProcessing"


def test_a_step_waits_for_those_that_feed_it_by_metadata_as_for_parents() -> None:
    merged = {**RAW, "analysis_prog": "ctapipe-merge", "data_level": 2, "merged": 2}
    applied = {**merged, "analysis_prog": "ctapipe-apply-models"}
    del applied["merged"]
    apply = {"type": "CtapipeApplyModels", "version": "v0.23.0"}
    train = {"type": "CtapipeTrainClassifier", "version": "v0.23.0", "group_size": 2}
    dag = build_dag(
        production(
            {"ID": 1, "input_meta_query": merged, "job_config": apply},
            {"ID": 2, "input_meta_query": applied, "job_config": train},
        )
    )
    feeding = dag.get_task("Step1_CtapipeApplyModels.complete")
    assert "Step2_CtapipeTrainClassifier.flush" in feeding.downstream_task_ids
    wait = dag.get_task("Step2_CtapipeTrainClassifier.wait_for_input")
    assert wait.parents == (feeding.task_id,)


def test_the_dag_of_a_production_needs_no_catalogue() -> None:
    assert f"{STEP}.wait_for_input" in build_dag(FROM_DATASET).task_ids


def test_a_run_looks_up_its_datasets(
    grid: MemoryGrid, gateway: MemoryGateway, context: dict[str, Any]
) -> None:
    make_dataset(gateway)
    made = do(DiracCreateTransformationOperator, FROM_DATASET, STEP, context)
    stored = grid.transformations[made["id"]]
    assert stored.row["AgentType"] == "Manual"
    query = gateway.services.call(
        TRANSFORMATIONS, "getTransformationMetaQuery", made["id"], "Input"
    )
    assert MetaQuery.from_dirac(query) == MetaQuery.parse(RAW)
    do(DiracStartTransformationOperator, FROM_DATASET, STEP, context)
    assert (stored.status, stored.row["AgentType"]) == ("Active", "Automatic")
    data = f"/ctao/MC/PROD6/Paranal/proton/ctapipe-process/{made['id']}/Data"
    assert grid.catalogue.directories[data]["outputType"] == "Data"


def test_a_dataset_that_does_not_exist_fails_the_run_and_is_named(
    grid: MemoryGrid, context: dict[str, Any]
) -> None:
    with pytest.raises(AirflowFailException, match="there is no dataset raw"):
        do(DiracCreateTransformationOperator, FROM_DATASET, STEP, context)


def test_a_dataset_that_went_away_stops_nobody_from_completing(
    grid: MemoryGrid, gateway: MemoryGateway, context: dict[str, Any]
) -> None:
    make_dataset(gateway)
    made = do(DiracCreateTransformationOperator, FROM_DATASET, STEP, context)
    gateway.services.call(CATALOGUE, "removeDataset", {"raw": True})
    do(DiracCompleteTransformationOperator, FROM_DATASET, STEP, context)
    assert grid.transformations[made["id"]].status == "Completed"


def test_jobs_of_ctao_in_the_native_form_wait_for_the_same_steps():
    """A step waits for the parents that it names, and for who trains the model that it names."""
    dag = build_dag(load(HERE / "good" / "ctao_jobs.yaml"))
    before = dag.get_task("apply-gamma.start").get_flat_relative_ids(upstream=True)
    assert {"train-energy.complete", "merge-gamma.complete"} <= before
    assert "apply-proton.start" not in before
    wait = dag.get_task("merge-gamma.wait_for_input")
    assert wait.parents == ("process-gamma.complete",)
    above = dag.get_task("merge-gamma.flush").get_flat_relative_ids(upstream=True)
    assert "process-gamma.complete" in above
    assert "process-proton.complete" not in above
