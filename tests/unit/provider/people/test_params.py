"""Parameters of a production as Airflow sees them, and what a run's values make of its steps."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.parameters import Parameter
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.operators import DiracCreateTransformationOperator

TEXT = """version: 1
production: {name: chosen, vo: sim}
parameters:
  tasks: {type: int, default: 3, min: 1, max: 10, description: Number of tasks}
  zenith: {type: choice, choices: [20, 40], default: 40}
  label: {type: string, pattern: "[a-z]+"}
  share: {type: number, default: 0.5}
  fast: {type: boolean, default: true}
steps:
  make:
    type: MCSimulation
    tasks: ${{ parameters.tasks }}
    job: {type: script, executable: make, arguments: "${{ parameters.zenith }}"}
    output:
      directory: /sim/chosen/${{ run }}/${{ parameters.label }}
      se: DISK-A-SE
      metadata: {run: "${{ run }}", thetaP: "${{ parameters.zenith }}"}
"""


def create(context: dict[str, Any]) -> Any:
    production = load_production(TEXT, "chosen.yaml")
    act = DiracCreateTransformationOperator(task_id="t", production=production, step="make")
    return act.work(context, {})


def test_the_dag_has_a_typed_param_for_each_parameter() -> None:
    params = build_dag(load_production(TEXT, "chosen.yaml")).params
    assert {name: params.get_param(name).schema for name in params} == {
        "tasks": {"type": "integer", "minimum": 1, "maximum": 10},
        "zenith": {"enum": [20, 40]},
        "label": {"type": "string", "maxLength": 255},
        "share": {"type": "number"},
        "fast": {"type": "boolean"},
    }
    assert params["tasks"] == 3
    with pytest.raises(ParamValidationError):
        params.get_param("label").resolve()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("type: int, min: 1, max: 50, default: 10", "whole number from 1 to 50; default 10"),
        ("type: int, min: 1, default: 3, description: Number of tasks.",
         "Number of tasks; whole number, at least 1; default 3"),
        ("type: number, max: 20000000", "number, at most 20000000; must be given"),
        ("type: boolean, default: true", "true or false; default true"),
        ("type: choice, choices: [20, forty], default: forty",
         "one of 20, forty; default forty"),
        ('type: string, pattern: "[a-z]+"',
         "one line of at most 255 characters, matching [a-z]+; must be given"),
    ],
)  # fmt: skip
def test_the_form_says_in_words_what_is_allowed_and_what_is_taken(rules: str, words: str) -> None:
    text = TEXT.replace("  fast: {type: boolean, default: true}", f"  fast: {{{rules}}}")
    params = build_dag(load_production(text, "chosen.yaml")).params
    assert params.get_param("fast").description == words


def test_of_many_choices_the_first_are_named() -> None:
    names = [f"c{number}" for number in range(100)]
    words = Parameter(type="choice", choices=tuple(names)).allowed
    assert words == f"one of {', '.join(names[:20])} and 80 more; must be given"


def test_the_values_of_a_run_reach_the_transformation(
    gateway: MemoryGateway, context: dict[str, Any]
) -> None:
    context["params"] = {"tasks": 7, "zenith": 20, "label": "a", "share": 1, "fast": False}
    made = create(context)
    query = gateway.services.call(
        "Transformation/TransformationManager", "getTransformationMetaQuery", made["id"], "Output"
    )
    assert query == {"run": {"=": "r1"}, "thetaP": {"=": 20}}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"label": "a", "tasks": 11}, "parameter 'tasks': 11 is above 10"),
        ({"label": "a", "zenith": 30}, "parameter 'zenith': the number 30 is not one of the"),
        ({"label": "a", "tsks": 3}, "there is no parameter 'tsks'"),
        ({}, "parameter 'label' has no default"),
        ({"label": "A"}, "parameter 'label': 'A' does not match [a-z]+"),
        ({"label": "${{ run }}"}, "is not one line of at most 255 plain characters"),
    ],
)
def test_a_wrong_value_creates_nothing_and_is_reported(
    gateway: MemoryGateway, context: dict[str, Any], values: dict[str, Any], reason: str
) -> None:
    context["params"] = values
    with pytest.raises(AirflowFailException) as caught:
        create(context)
    assert reason in str(caught.value)
    assert gateway.grid.transformations == {}
