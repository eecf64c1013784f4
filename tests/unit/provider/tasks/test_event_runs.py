"""Runs that events began: the values that they take, and a run for each event that came along."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.provider.people.params import events_of, values_of_run
from dirac_prodsys.provider.tasks.preparing import DiracBeginRunOperator
from dirac_prodsys.provider.tasks.run_plan import RunPlan
from tests.unit.provider.asked_airflow import AskedAirflow

GOOD = Path(__file__).parents[4] / "tests" / "productions" / "good"
NIGHT = "dirac://sim/night/+files"
BEGIN = datetime(2026, 11, 30, 12, tzinfo=UTC)


def event(number: Any, second: int) -> SimpleNamespace:
    payload = {"each": {"obs_id": number}, "files": 2, "production": "night"}
    return SimpleNamespace(
        asset=SimpleNamespace(name="night.+files", uri=NIGHT),
        extra={"from_trigger": True, "payload": payload},
        timestamp=BEGIN + timedelta(seconds=second),
    )


@pytest.fixture
def night() -> Production:
    """A run for each observation."""
    return load_production((GOOD / "schedule_files.yaml").read_text(), "n.yaml")


def begun_by(events: Iterable[SimpleNamespace], **more: Any) -> dict[str, Any]:
    by_asset: dict[str, list[SimpleNamespace]] = defaultdict(list)
    for one in events:
        by_asset[one.asset.uri].append(one)
    return {
        "run_id": "asset_triggered__2026-11-30T12:00:05+00:00",
        "dag": SimpleNamespace(dag_id="night"),
        "params": {"observation": None},
        "triggering_asset_events": by_asset,
        **more,
    }


def begin(night: Production, context: dict[str, Any]) -> dict[str, Any]:
    task = DiracBeginRunOperator(task_id="begin", production=night)
    return task.work(context, {})


def observations(airflow: AskedAirflow) -> list[int]:
    return sorted(values["observation"] for values in airflow.runs.values())


def test_each_observation_has_a_run_however_often_the_task_is_tried(
    night: Production, airflow: AskedAirflow
) -> None:
    airflow.events = [event(120, 1), event(121, 2)]
    context = begun_by(airflow.events)
    for _ in range(3):
        with pytest.raises(AirflowSkipException, match=r"event-120-\w+, event-121-\w+"):
            begin(night, context)
    assert observations(airflow) == [120, 121]


def test_an_event_that_airflow_left_out_has_its_run_too(
    night: Production, airflow: AskedAirflow
) -> None:
    """It came after the first, and before the scheduler looked."""
    airflow.events = [event(number, number) for number in range(1, 1300)]
    with pytest.raises(AirflowSkipException):
        begin(night, begun_by([event(1, 1)]))
    assert observations(airflow) == list(range(1, 1300))


def test_an_event_that_came_twice_begins_one_run(night: Production, airflow: AskedAirflow) -> None:
    for second in (1, 3000):
        with pytest.raises(AirflowSkipException):
            begin(night, begun_by([event(120, second)]))
    assert observations(airflow) == [120]


def test_a_run_of_one_event_takes_the_values_that_it_was_given(
    night: Production, airflow: AskedAirflow
) -> None:
    context = begun_by([], run_id="event-121-0123456789", params={"observation": 121})
    assert begin(night, context)["parameters"] == {"observation": 121}
    query = RunPlan(night).of(context, {}).step("calibrate").transformation.input_query
    assert query is not None
    assert query.to_dirac()["obs_id"] == {"=": 121}
    assert airflow.runs == {}


def test_if_airflow_refuses_a_run_the_task_is_tried_again(
    night: Production, airflow: AskedAirflow
) -> None:
    airflow.refuses = True
    with pytest.raises(AirflowException, match="cannot be begun"):
        begin(night, begun_by([event(120, 1)]))


def test_an_event_without_the_field_fails_the_run_and_leaves_the_others_theirs(
    night: Production, airflow: AskedAirflow
) -> None:
    wrong = event(120, 1)
    wrong.extra = {"who": "curl"}
    with pytest.raises(AirflowFailException, match="no field 'obs_id'"):
        begin(night, begun_by([wrong, event(121, 2)]))
    assert observations(airflow) == [121]


@pytest.mark.parametrize("wrong", ["120", 0, "1; rm -rf /"])
def test_a_value_of_an_event_is_checked_as_one_that_a_person_gives(
    night: Production, airflow: AskedAirflow, wrong: Any
) -> None:
    with pytest.raises(AirflowFailException, match="parameter 'observation'"):
        begin(night, begun_by([event(wrong, 1)]))
    assert airflow.runs == {}


def test_a_form_that_was_left_empty_is_no_value(night: Production) -> None:
    context = begun_by([])
    assert values_of_run(context, night) == {}
    with pytest.raises(AirflowFailException, match="'observation' has no default"):
        RunPlan(night).of(context, {})


def test_a_run_that_needs_several_datasets_takes_its_values_from_their_newest_events(
    airflow: AskedAirflow,
) -> None:
    production = load_production((GOOD / "schedule_assets.yaml").read_text(), "c.yaml")

    def made(name: str, second: int) -> SimpleNamespace:
        uri = "dirac://sim/bands/merge"
        extra = {"dataset": name, "files": 3}
        asset = SimpleNamespace(name="bands.merge", uri=uri)
        return SimpleNamespace(
            asset=asset, extra=extra, timestamp=BEGIN + timedelta(seconds=second)
        )

    context = begun_by(
        [made("/sim/datasets/bands_2", 2), made("/sim/datasets/bands_1", 1)],
        params={"bands": "/sim/datasets/bands_first"},
    )
    assert begin(production, context)["parameters"] == {"bands": "/sim/datasets/bands_2"}
    assert airflow.runs == {}
    by_cron = begun_by([], params={"bands": "/sim/datasets/bands_first"})
    assert begin(production, by_cron)["parameters"] == {"bands": "/sim/datasets/bands_first"}


def test_the_events_of_airflow_are_read_as_they_are() -> None:
    (one,) = events_of(begun_by([event(120, 1)]))
    assert one.uri == NIGHT
    assert one.facts["each"] == {"obs_id": 120}
    assert one.at == "2026-11-30T12:00:01+00:00"
