"""What may begin runs without a person, and how often, is the site's to say."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.site.file import Limits
from dirac_prodsys.core.site.limits import check

FILE = """\
version: 1
production: {name: p, vo: sim}
schedule: %s
parameters:
  night: {type: int, default: 1}
steps:
  make: {type: MCSimulation, tasks: 10, job: {type: script, executable: run}}
"""

CRON = "{cron: ['0 1 * * *', '20 1 * * *'], max_active_runs: 2}"
FILES = "{files: {where: {step: raw}, each: night, look_every: 2}, max_active_runs: 2}"
ASSETS = "{assets: {production: q, step: s}}"


def found(schedule: str, **limits: object) -> list[tuple[str, str]]:
    """Place and reason of each mistake."""
    production = load_production(FILE % schedule, "p.yaml")
    plan = compile(production, run="r1")
    problems = check(production, plan, Limits.model_validate(limits))
    return [(str(production.at_place(one).place), one.reason) for one in problems]


@pytest.mark.parametrize(
    ("schedule", "limits"),
    [
        (CRON, {"cron_minutes": 20}),
        (FILES, {"look_minutes": 2}),
        (CRON, {"active_runs": 2, "schedules": ("cron",)}),
        (ASSETS, {"cron_minutes": 1000, "look_minutes": 1000}),
    ],
)
def test_what_keeps_to_the_limits_is_allowed(schedule: str, limits: dict[str, object]) -> None:
    assert found(schedule, **limits) == []


@pytest.mark.parametrize(
    ("schedule", "limits", "reason"),
    [
        (CRON, {"cron_minutes": 21}, "two times lie 20 minutes apart"),
        (FILES, {"look_minutes": 2.5}, "looked at every 2 minutes"),
        (FILES, {"active_runs": 1}, "2 runs may run at a time, and the site allows 1"),
        (ASSETS, {"active_runs": 4}, "16 runs may run at a time, and the site allows 4"),
        (FILES, {"schedules": ("cron", "once")}, "does not allow that files begins runs"),
        (ASSETS, {"schedules": ()}, "does not allow that assets begins runs"),
    ],
)
def test_what_exceeds_them_is_refused_at_its_place(
    schedule: str, limits: dict[str, object], reason: str
) -> None:
    ((place, why),) = found(schedule, **limits)
    assert reason in why
    assert place.startswith("p.yaml:3")


def test_without_a_schedule_nothing_is_limited() -> None:
    text = FILE.replace("schedule: %s\n", "")
    production = load_production(text, "p.yaml")
    limits = Limits.model_validate({"schedules": (), "active_runs": 1, "cron_minutes": 999})
    assert list(check(production, compile(production, run="r1"), limits)) == []
