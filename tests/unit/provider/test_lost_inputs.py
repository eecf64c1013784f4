"""Files that the parents made and that a step's query does not find: it does not complete."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time import hitl

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.policy import questions
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.operators import (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from tests.unit.provider.conftest import TWO_STEPS
from tests.unit.provider.people.test_asking import Context, answered, deferral, fired, resumed

LOST = "/sim/two/r1/make/made_00000006.dat"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The questions that Airflow gets."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: asked.append(question))
    return asked


@pytest.fixture
def sensor(grid: MemoryGrid, context: Context) -> DiracTransformationSensor:
    """Waiting for a step that was given five files of the six that its parent made: the metadata of
    the last were spoiled before they could be found."""
    production = load_production(TWO_STEPS, "two.yaml")
    grid.catalogue.register(LOST, step="spoiled")
    for act in (DiracCreateTransformationOperator, DiracStartTransformationOperator):
        for step in ("make", "merge"):
            act(task_id="t", production=production, step=step).work(context, {})
    grid.advance(200)
    grid.transformations[2].row["Status"] = "Flush"
    grid.advance(200)
    context["ti"] = SimpleNamespace(
        id="0000", xcom_push=lambda **_: None, xcom_pull=lambda **_: None
    )
    return DiracTransformationSensor(task_id="process", production=production, step="merge")


def held(sensor: Any, context: Context, grid: MemoryGrid) -> Any:
    """The wait after the step would have been complete."""
    wait = deferral(sensor.work, context, {})
    event = fired(wait, grid)
    assert (event["kind"], event["snapshot"]["files"]) == ("complete", {"Processed": 5})
    return resumed(sensor, context, wait, event)


def test_it_waits_for_a_person_and_goes_on_when_the_file_is_found(
    grid: MemoryGrid,
    sensor: DiracTransformationSensor,
    context: Context,
    asked: list[Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    wait = held(sensor, context, grid)
    log = capsys.readouterr().out
    assert "its query finds 5 files, and its parents made 6" in log
    assert LOST in log
    event = fired(wait, grid)
    assert event["kind"] == "ask"
    assert "the query finds 5 files, and the parents made 6 for it" in event["reason"]
    wait = resumed(sensor, context, wait, event)
    assert questions.ACCEPT in asked[0]["options"]
    assert LOST in asked[0]["body"]

    grid.catalogue.files[LOST].metadata.clear()
    event = fired(wait, grid)
    assert (event["kind"], event["snapshot"]["files"]["Unused"]) == ("flush", 1)
    wait = resumed(sensor, context, wait, event)
    event = fired(wait, grid)
    assert (event["kind"], event["snapshot"]["files"]) == ("complete", {"Processed": 6})
    assert sensor.resume(context, event=event, **wait.kwargs) == event["snapshot"]


def test_a_person_may_have_it_completed_without_them(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context, asked: list[Any]
) -> None:
    wait = held(sensor, context, grid)
    wait = resumed(sensor, context, wait, fired(wait, grid))
    wait = resumed(sensor, context, wait, answered(questions.ACCEPT))
    event = fired(wait, grid)
    assert (event["kind"], len(asked)) == ("complete", 1)
    assert sensor.resume(context, event=event, **wait.kwargs) == event["snapshot"]


def test_a_file_that_was_removed_is_not_missed(
    grid: MemoryGrid, sensor: DiracTransformationSensor, context: Context
) -> None:
    grid.catalogue.remove(LOST)
    wait = deferral(sensor.work, context, {})
    event = fired(wait, grid)
    assert sensor.resume(context, event=event, **wait.kwargs) == event["snapshot"]
