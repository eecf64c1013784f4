"""Events: their facts, the values that they give to a run, and the one run that each begins."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core import naming
from dirac_prodsys.core.production.asset_events import (
    AssetEvent,
    fact,
    once_each,
    run_id_of,
    values_of,
)
from dirac_prodsys.core.production.schedule import Schedule
from dirac_prodsys.errors import DefinitionError

BANDS = {"production": "bands", "step": "merge"}
MASKS = {"production": "masks", "step": "join"}


def made(name: str, at: str, uri: str = "dirac://sim/bands/merge", **facts: Any) -> AssetEvent:
    return AssetEvent(uri, {"dataset": name, "files": 3, **facts}, at)


def seen(number: int, at: str, files: int = 2) -> AssetEvent:
    payload = {"each": {"obs_id": number}, "files": files, "production": "night"}
    return AssetEvent("dirac://sim/night/+files", {"from_trigger": True, "payload": payload}, at)


def on_datasets(assets: dict[str, Any], **parameters: Any) -> Schedule:
    return Schedule.model_validate({"assets": assets, "parameters_from_event": parameters})


WATCHED = Schedule.model_validate(
    {
        "files": {"where": {"step": "raw"}, "each": "obs_id"},
        "parameters_from_event": {"o": "obs_id"},
    }
)


def test_the_facts_of_a_watcher_are_read_through_airflows_wrapping() -> None:
    assert values_of(WATCHED, "sim", [seen(120, "1")]) == {"o": 120}
    assert fact(seen(120, "1").facts, "files") == 2


def test_a_fact_keeps_its_type_and_a_condition_with_one_value_is_that_value() -> None:
    query = {"site": {"=": "Paranal"}, "zenith": {"in": [20]}, "az": {"in": [0, 180]}}
    facts = {"files": 3, "frozen": True, "query": query}
    assert fact(facts, "files") == 3
    assert fact(facts, "frozen") is True
    assert fact(facts, "query.site") == "Paranal"
    assert fact(facts, "query.zenith") == 20
    assert fact(facts, "query.az") is None
    assert fact(facts, "query") is None
    assert fact(facts, "events") is None


def test_events_are_in_the_order_of_time() -> None:
    found = once_each([seen(122, "3"), seen(120, "1"), seen(121, "2")])
    assert [event.facts["each"]["obs_id"] for event in found] == [120, 121, 122]


def test_an_observation_that_comes_twice_has_one_run_whatever_its_files_are_by_then() -> None:
    assert [event.at for event in once_each([seen(120, "1"), seen(120, "2", files=9)])] == ["1"]
    assert run_id_of(seen(120, "1")) == run_id_of(seen(120, "2", files=9))
    assert run_id_of(seen(120, "1")) != run_id_of(seen(121, "1"))


def test_two_events_of_one_dataset_are_two() -> None:
    one, other = once_each([made("/sim/a", "1"), made("/sim/a", "2")])
    assert run_id_of(one) != run_id_of(other)


@pytest.mark.parametrize(
    ("assets", "parameters", "each"),
    [
        (BANDS, {"source": "dataset"}, True),
        ({"any": [BANDS, MASKS]}, {"source": "dataset"}, True),
        ({"any": [BANDS, {"all": [MASKS, BANDS]}]}, {"source": "dataset"}, False),
        ({"all": [BANDS, MASKS]}, {"source": "dataset"}, False),
        (BANDS, {}, False),
    ],
)
def test_each_event_has_a_run_where_runs_take_values_from_one(
    assets: dict[str, Any], parameters: dict[str, Any], each: bool
) -> None:
    assert on_datasets(assets, **parameters).run_per_event is each


def test_of_several_datasets_that_are_all_needed_the_newest_event_counts() -> None:
    schedule = on_datasets(
        {"all": [BANDS, MASKS]}, mask={"field": "dataset", **MASKS}, newest="dataset"
    )
    masks = "dirac://sim/masks/join"
    events = [made("/sim/m1", "1", masks), made("/sim/m2", "2", masks), made("/sim/b", "3")]
    assert values_of(schedule, "sim", events) == {"mask": "/sim/m2", "newest": "/sim/b"}


def test_a_run_that_no_event_began_takes_nothing_from_one() -> None:
    assert values_of(WATCHED, "sim", []) == {}


def test_an_event_without_the_field_is_a_mistake_that_names_what_it_has() -> None:
    with pytest.raises(DefinitionError, match="'o': the event has no field 'obs_id'") as caught:
        values_of(WATCHED, "sim", [AssetEvent("dirac://sim/night/+files", {"who": "curl"}, "1")])
    assert "who" in caught.value.hint


@pytest.mark.parametrize(
    "event",
    [
        seen(120, "1"),
        made("/sim/datasets/x", "1", run="manual__2026-11-30T12:00:00+00:00"),
        AssetEvent("dirac://sim/a/b", {"each": {"name": "Crab Nebula/ON '../x" * 9}}, "1"),
        AssetEvent("dirac://sim/a/b", {"each": {"name": "***"}}, "1"),
    ],
)
def test_the_id_of_a_run_is_one_for_airflow_and_its_tag_as_it_stands(event: AssetEvent) -> None:
    run = run_id_of(event)
    assert naming.run_tag(run) == run
    assert run.startswith("event-")
