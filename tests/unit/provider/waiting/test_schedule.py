"""What Airflow is given of ``schedule:``, and that it takes it as it is meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.production.schedule import MAX_ACTIVE_RUNS
from dirac_prodsys.errors import DefinitionErrors
from dirac_prodsys.provider.dag_builder import build_dag

GOOD = Path(__file__).parents[4] / "tests" / "productions" / "good"
STEPS = """
steps:
  make:
    type: MCSimulation
    tasks: 1
    job: {type: script, executable: x}
"""


def dag_of(schedule: str, more: str = "") -> DAG:
    head = "version: 1\nproduction: {name: p, vo: sim}\n"
    return build_dag(load_production(f"{head}{schedule}\n{more}{STEPS}", "p.yaml"))


def stored(dag: DAG) -> Any:
    """The DAG as Airflow's scheduler has it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_without_a_schedule_nothing_begins_a_run() -> None:
    dag = dag_of("")
    assert not stored(dag).timetable.can_be_scheduled
    assert dag.max_active_runs == MAX_ACTIVE_RUNS
    assert dag.catchup is False


def test_cron_begins_runs_in_its_time_zone() -> None:
    dag = stored(
        dag_of('schedule: {cron: "30 2 * * *", timezone: Europe/Madrid, start: "2026-07-01"}')
    )
    assert dag.timetable.serialize()["timezone"] == "Europe/Madrid"
    from airflow.timetables.base import TimeRestriction

    first = dag.timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(dag.start_date, None, catchup=True),
    )
    # 02:30 of Madrid's summer
    assert first.logical_date == datetime(2026, 7, 1, 0, 30, tzinfo=UTC)


def test_several_expressions_are_one_timetable() -> None:
    dag = dag_of('schedule: {cron: ["0 2 * * Mon", "@monthly"]}')
    assert type(stored(dag).timetable).__name__ == "MultipleCronTriggerTimetable"


def test_once_is_airflows() -> None:
    assert stored(dag_of("schedule: {once: true}")).timetable.summary == "@once"


def test_a_dataset_by_its_path_and_one_by_its_place_join_as_they_are_written() -> None:
    production = load_production((GOOD / "schedule_assets.yaml").read_text(), "c.yaml")
    dag = stored(build_dag(production))
    assert type(dag.timetable).__name__ == "AssetOrTimeSchedule"
    condition = dag.timetable.asset_condition
    uris = {asset.uri for _, asset in condition.iter_assets()}
    bands, masks, flats = (
        "dirac://sim/bands/merge",
        "dirac://sim/datasets/masks",
        "dirac://sim/datasets/flats",
    )
    assert uris == {bands, masks, flats}
    assert dag.catchup is True
    assert dag.start_date == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_a_watcher_travels_with_the_dag() -> None:
    production = load_production((GOOD / "schedule_files.yaml").read_text(), "n.yaml")
    dag = build_dag(production)
    assert dag.max_active_runs == 4
    assert "Each event has a run of its own" in (dag.doc_md or "")
    ((_, asset),) = stored(dag).timetable.asset_condition.iter_assets()
    assert asset.uri == "dirac://sim/night/+files"
    (watcher,) = asset.watchers
    assert watcher.trigger["classpath"] == (
        "dirac_prodsys.provider.waiting.new_files.DiracNewFilesTrigger"
    )
    assert watcher.trigger["kwargs"] == {
        "dirac_conn_id": "dirac_default",
        "production": "night",
        "asset": "night.+files",
        "query": {"step": {"=": "raw"}},
        "fields": ["obs_id"],
        "directory": "/sim",
        "look_every": 120.0,
        "unchanged_for": 1800.0,
        "take_existing": False,
    }


def test_the_same_text_gives_the_same_stored_dag() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    text = (GOOD / "schedule_files.yaml").read_text()
    one, other = (
        DagSerialization.to_dict(build_dag(load_production(text, "n.yaml"))) for _ in range(2)
    )
    assert one == other


def test_a_retired_production_begins_no_run() -> None:
    production = load_production((GOOD / "schedule_files.yaml").read_text(), "n.yaml")
    dag = stored(build_dag(production, note="its file was removed"))
    assert not dag.timetable.can_be_scheduled


def test_a_parameter_that_events_give_may_be_empty_in_the_form() -> None:
    from airflow.sdk.exceptions import ParamValidationError

    production = load_production((GOOD / "schedule_files.yaml").read_text(), "n.yaml")
    params = build_dag(production).params
    assert params["observation"] is None
    params["observation"] = 7
    with pytest.raises(ParamValidationError):
        params["observation"] = "seven"


@pytest.mark.parametrize(
    ("schedule", "catches_up"),
    [
        ("{assets: {production: q, step: s}, catchup: true}", True),
        ("{files: {where: {step: raw}, each: run}, catchup: true}", False),  # the watcher does it
        ('{cron: "@daily", start: "2026-12-01", catchup: true}', True),
        ('{cron: "@daily", start: "2026-12-01"}', False),
    ],
)
def test_airflow_takes_every_way_to_catch_up(schedule: str, catches_up: bool) -> None:
    dag = stored(dag_of(f"schedule: {schedule}"))
    assert dag.catchup is catches_up


def test_a_time_zone_that_this_machine_does_not_know_is_a_mistake_at_its_place() -> None:
    with pytest.raises(DefinitionErrors, match=r"p.yaml:3:38: 'Europe/Madird' is no time zone"):
        dag_of('schedule: {cron: "@daily", timezone: Europe/Madird}')
