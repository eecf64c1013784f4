"""A step that applies a model and does not wait for its training gets a warning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.core.proof.test_links import reasons, subject
from tests.unit.core.writing import output, step


def production(kind: str = "ApplyModel", **apply: Any) -> list[str]:
    """The findings of a step that applies a model, next to one that trains it."""
    steps = {
        "simulate": step("MCSimulation", output=output("simulate")),
        "train": step("Training", "simulate", output=output("train")),
        "late": step("DataProcessing", "train", output=output("late")),
        "apply": step(kind, "simulate", output=output("apply"), **apply),
    }
    return reasons(subject(**steps), "model-not-awaited")


def test_a_step_that_applies_a_model_and_does_not_wait_for_a_training_is_reported() -> None:
    assert production() == [
        "step apply applies a model, and waits for no step that trains one: train"
    ]
    assert production("DataProcessing") == []
    job = {"type": "script", "executable": "run", "job_type": "ApplyModel"}
    assert len(production("DataProcessing", job=job)) == 1


@pytest.mark.parametrize(
    "apply",
    [
        {"after": ["train"]},
        {"after": ["late"]},
        {"input": {"from": "late"}},
        {"wait_for": [{"file": "/sim/p/train/model.pkl"}]},
        {"wait_for": [{"file": "/sim/models/of_last_year.pkl"}]},
        {"wait_for": [{"production": "training", "step": "merge"}]},
    ],
)
def test_whatever_lets_it_wait_for_a_model_will_do(apply: dict[str, Any]) -> None:
    assert production(**apply) == []


def test_a_wait_for_something_else_of_the_production_is_no_wait_for_the_model() -> None:
    assert len(production(wait_for=[{"file": "/sim/p/simulate/list.txt"}])) == 1


def test_a_training_that_takes_what_is_applied_cannot_be_waited_for() -> None:
    steps = {
        "simulate": step("MCSimulation", output=output("simulate")),
        "apply": step("ApplyModel", "simulate", output=output("apply")),
        "train": step("Training", "apply", output=output("train")),
    }
    assert reasons(subject(**steps), "model-not-awaited") == []
