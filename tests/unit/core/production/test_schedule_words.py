"""What begins the runs of a production, in words; ``plan`` shows them."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.production.schedule import Schedule
from dirac_prodsys.core.production.schedule_words import schedule_rows


def words(**schedule: Any) -> dict[str, str]:
    return dict(schedule_rows(Schedule.model_validate(schedule)))


@pytest.mark.parametrize(
    ("schedule", "rows"),
    [
        (
            {"assets": {"production": "train", "step": "merge"}},
            {"begins when there is": "the dataset of train/merge", "runs at a time": "16"},
        ),
        (
            {
                "assets": {
                    "all": [
                        {"production": "bands", "step": "merge"},
                        {"any": [{"dataset": "/sim/datasets/a"}, {"dataset": "/sim/datasets/b"}]},
                    ]
                },
                "parameters_from_event": {
                    "x": {"field": "dataset", "production": "bands", "step": "merge"}
                },
            },
            {
                "begins when there is": "(the dataset of bands/merge and "
                "(/sim/datasets/a or /sim/datasets/b))",
                "runs at a time": "16",
                "parameter x": "dataset of the event of bands/merge",
            },
        ),
        (
            {
                "files": {"where": {"step": "raw"}, "each": ["obs", "tel"], "unchanged_for": 30},
                "max_active_runs": 4,
                "parameters_from_event": {"o": "obs"},
            },
            {
                "begins for each new": "obs and tel of files with step raw; "
                "looked for every 5 min, unchanged for 30 min",
                "runs at a time": "4",
                "parameter o": "obs of the event",
            },
        ),
        (
            {"cron": ["@daily", "5 4 * * *"], "start": "2026-12-01", "catchup": True},
            {
                "begins at": "@daily and at 5 4 * * * (UTC), from 2026-12-01",
                "catches up": "runs that were due before begin as well",
                "runs at a time": "16",
            },
        ),
        (
            {"once": True},
            {"begins": "once, as soon as the production appears", "runs at a time": "16"},
        ),
    ],
)
def test_each_fact_has_a_line(schedule: dict[str, Any], rows: dict[str, str]) -> None:
    assert words(**schedule) == rows


def test_plan_shows_them(tmp_path: Any) -> None:
    file = tmp_path / "nightly.yaml"
    file.write_text(
        "version: 1\nproduction: {name: nightly, vo: sim}\nschedule: {cron: '30 2 * * *'}\n"
        "steps:\n  make: {type: MCSimulation, tasks: 1, job: {type: script, executable: run}}\n"
    )
    shown = CliRunner().invoke(app, ["plan", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "begins at: 30 2 * * * (UTC)" in shown.output
