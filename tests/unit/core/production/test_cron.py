"""Cron expressions: what is taken here is taken by Airflow, and says the same."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.production.cron import PRESETS, CronError, check_cron

GOOD = (
    "30 2 * * *",
    "*/15 * * * *",
    "0 0 1,15 * *",
    "0 8-18/2 * jan-mar Mon-fri",
    "5 4 * * 7",
    *sorted(PRESETS),
)


@pytest.mark.parametrize("expression", GOOD)
def test_what_is_taken_is_valid_for_airflow(expression: str) -> None:
    from airflow.timetables.trigger import CronTriggerTimetable

    check_cron(expression)
    assert CronTriggerTimetable(expression, timezone="UTC").summary


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("@often", "'@often' is not among"),
        ("* * * *", "has 4 fields"),
        ("* * * * * *", "has 6 fields"),
        ("60 * * * *", "'60' is no minute: 0 to 59"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 0 0 * *", "'0' is no day of the month"),
        ("0 0 * 13 *", "'13' is no month"),
        ("0 0 * * 8", "'8' is no day of the week"),
        ("0 0 * * fri-mon", "'fri-mon' is no day of the week"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("0 0 L * *", "'L' is no day of the month"),
        ("0,, * * * *", "'' is no minute"),
        ("٣ * * * *", "is no minute"),
    ],
)
def test_anything_else_is_refused_with_its_reason(expression: str, reason: str) -> None:
    with pytest.raises(CronError) as caught:
        check_cron(expression)
    assert reason in caught.value.reason
