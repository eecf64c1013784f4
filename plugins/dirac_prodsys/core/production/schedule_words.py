"""Writes a schedule in words for people: what begins runs, and with which values."""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.production.schedule import AssetCondition, EventField, Schedule
from dirac_prodsys.core.query.meta_query import MetaQuery


def schedule_rows(schedule: Schedule) -> Iterator[tuple[str, str]]:
    """Yield label and words of each fact of a schedule."""
    if schedule.assets is not None:
        yield "begins when there is", _condition(schedule.assets)
    if schedule.files is not None:
        files = schedule.files
        where = f" below {files.directory}" if files.directory else ""
        settled = f", unchanged for {files.unchanged_for:g} min" if files.unchanged_for else ""
        found = f"{' and '.join(files.each)} of files{where} with {MetaQuery.parse(files.where)}"
        yield "begins for each new", f"{found}; looked for every {files.look_every:g} min{settled}"
    if schedule.cron:
        since = f", from {schedule.start}" if schedule.start else ""
        yield "begins at", f"{' and at '.join(schedule.cron)} ({schedule.timezone}){since}"
    if schedule.once:
        yield "begins", "once, as soon as the production appears"
    if schedule.catchup:
        yield "catches up", "runs that were due before begin as well"
    yield "runs at a time", str(schedule.max_active_runs)
    for name, field in schedule.parameters_from_event.items():
        yield f"parameter {name}", f"{field.field} of {_source(field)}"


def _condition(condition: AssetCondition) -> str:
    if condition.entries:
        joined = (" and " if condition.all else " or ").join(map(_condition, condition.entries))
        return f"({joined})"
    return condition.dataset or f"the dataset of {condition.production}/{condition.step}"


def _source(field: EventField) -> str:
    if field.dataset is not None:
        return f"the event of {field.dataset}"
    if field.production is not None:
        return f"the event of {field.production}/{field.step}"
    return "the event"
