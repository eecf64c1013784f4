"""What is stored of a trigger is read again weeks later, by another version of its class."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.provider.triggers import DiracGatewayTrigger, DiracTransformationTrigger
from dirac_prodsys.provider.waiting import event_time


def test_the_earliest_event_follows_airflows_own_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_time.time, "time", lambda: 1000.0)
    assert event_time.earliest_event() == 0.0
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "5")
    assert event_time.earliest_event() == 1010.0


def test_what_can_wait_comes_later_but_no_clock_of_another_host_delays_it_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_time.time, "time", lambda: 1000.0)
    assert event_time.unhurried_after(1010.0) == 25.0
    assert event_time.unhurried_after(900.0) == 0.0
    assert event_time.unhurried_after(0.0) == 0.0
    assert event_time.unhurried_after(9000.0) == 60.0


@pytest.mark.parametrize(
    "trigger",
    [
        DiracTransformationTrigger(
            7, "n", "c", {"needs_input": True, "new_rule": 1}, {"a": {"=": 1}}, False, 2, 5.0
        ),
        DiracTransformationTrigger(7, parents=("a.complete", "b.complete"), until_final=True),
        DiracGatewayTrigger("c", {"flushes": 2}, 5.0),
    ],
)
def test_a_trigger_travels_as_json(trigger: Any) -> None:
    from airflow.sdk._shared.module_loading import import_string

    path, kwargs = trigger.serialize()
    again = import_string(path)(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == (path, kwargs)


def test_the_path_and_arguments_that_are_stored_for_weeks_never_change() -> None:
    path, kwargs = DiracTransformationTrigger(1).serialize()
    assert path == "dirac_prodsys.provider.triggers.DiracTransformationTrigger"
    assert set(kwargs) >= {
        "transformation",
        "name",
        "dirac_conn_id",
        "rules",
        "query",
        "inputs_final",
        "flushes",
        "deadline",
        "not_before",
    }


def test_arguments_of_another_version_are_ignored() -> None:
    assert DiracTransformationTrigger(transformation="7", use_event=True).transformation == 7
    _, kwargs = DiracTransformationTrigger(7).serialize()
    old = {key: value for key, value in kwargs.items() if key not in ("parents", "until_final")}
    assert DiracTransformationTrigger(**old).serialize()[1] == kwargs
    assert DiracGatewayTrigger(use_event=True).state == {}
