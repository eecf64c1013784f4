"""Checks whether the schedule of a production keeps to the limits of its bundle.

A schedule costs without anybody at hand: looks at the catalogue, and runs. So a site may bound how
often both happen.

Invariant: pure; what Airflow is given is judged, defaults included.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.production.cron_times import closest
from dirac_prodsys.core.production.schedule import Schedule
from dirac_prodsys.core.site.file import Limits

_HERE: Path = ("schedule",)
_ASK = "or ask whoever runs Airflow"


def check(schedule: Schedule, limits: Limits) -> Iterator[Problem]:
    """Yield where a schedule exceeds the limits."""
    for key in begins(schedule):
        if limits.schedules is not None and key not in limits.schedules:
            allowed = ", ".join(limits.schedules)
            hint = f"allowed: {allowed}" if allowed else f"let people begin its runs, {_ASK}"
            reason = f"the site does not allow that {key} begins runs here"
            yield _problem((*_HERE, key), reason, hint, on_key=True)
    if schedule.cron and limits.cron_minutes is not None:
        minutes = closest(schedule.cron)
        if minutes is not None and minutes < limits.cron_minutes:
            reason = f"two times lie {minutes} minutes apart, and the site allows no less than "
            yield _problem(
                (*_HERE, "cron"),
                f"{reason}{limits.cron_minutes} (cron_minutes)",
                f"name fewer times, {_ASK}",
            )
    files, least = schedule.files, limits.look_minutes
    if files is not None and least is not None and files.look_every < least:
        reason = f"the catalogue is looked at every {files.look_every:g} minutes, and the site "
        yield _problem(
            (*_HERE, "files", "look_every"),
            f"{reason}allows no less than {least:g} (look_minutes)",
            f"write look_every: {least:g}, {_ASK}",
        )
    if limits.active_runs is not None and schedule.max_active_runs > limits.active_runs:
        reason = f"{schedule.max_active_runs} runs may run at a time, and the site allows "
        yield _problem(
            (*_HERE, "max_active_runs"),
            f"{reason}{limits.active_runs} (active_runs)",
            f"write max_active_runs: {limits.active_runs}, {_ASK}",
        )


def begins(schedule: Schedule) -> tuple[str, ...]:
    """Return the keys of a schedule that say what begins runs."""
    given = {
        "assets": schedule.assets is not None,
        "files": schedule.files is not None,
        "cron": bool(schedule.cron),
        "once": schedule.once,
    }
    return tuple(key for key, there in given.items() if there)


def _problem(path: Path, reason: str, hint: str, *, on_key: bool = False) -> Problem:
    return Problem(path, reason, hint, on_key=on_key, code="not-allowed")
