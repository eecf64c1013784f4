"""Gives Airflow the schedule of a production: its own timetables, and assets.

Invariant: nothing is decided here. When a run begins, what happens to missed and late events, and
how many runs there are at a time is Airflow's, by its own words.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow.sdk import (
    Asset,
    AssetAll,
    AssetAny,
    AssetOrTimeSchedule,
    AssetWatcher,
    CronTriggerTimetable,
    MultipleCronTriggerTimetable,
)

from dirac_prodsys.core.plan.schedules import unknown_zone
from dirac_prodsys.core.production.schedule import MAX_ACTIVE_RUNS, AssetCondition, Schedule
from dirac_prodsys.errors import DefinitionErrors
from dirac_prodsys.provider.addresses.assets import catalogue_asset, dataset_asset, watcher_asset

if TYPE_CHECKING:
    from dirac_prodsys.core.production.production import Production

#: start of a DAG that catches up on assets: Airflow wants one, and asks only cron for it
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def dag_arguments(production: Production, *, retired: bool = False) -> dict[str, Any]:
    """Return the arguments of a DAG that say when its runs begin; a person may begin more.

    :param retired: the production has no file any more: nothing begins a run.
    :raises DefinitionErrors: this machine knows no such time zone.
    """
    schedule = production.schedule
    if schedule is None or retired:
        return {"schedule": None, "catchup": False, "max_active_runs": MAX_ACTIVE_RUNS}
    try:
        zone = ZoneInfo(schedule.timezone)
    except ZoneInfoNotFoundError:
        raise DefinitionErrors([production.at_place(unknown_zone(schedule.timezone))]) from None
    arguments: dict[str, Any] = {
        "schedule": _schedule(production, schedule),
        # for files the watcher does it
        "catchup": schedule.catchup and schedule.files is None,
        "max_active_runs": schedule.max_active_runs,
    }
    if schedule.start is not None:
        start = datetime.fromisoformat(schedule.start)
        arguments["start_date"] = start.replace(tzinfo=zone)
    elif arguments["catchup"]:
        arguments["start_date"] = _LONG_AGO
    return arguments


def _schedule(production: Production, schedule: Schedule) -> Any:
    if schedule.once:
        return "@once"
    assets = _assets(production, schedule)
    if not schedule.cron:
        return assets
    timetable = _timetable(schedule)
    return timetable if assets is None else AssetOrTimeSchedule(timetable=timetable, assets=assets)


def _timetable(schedule: Schedule) -> Any:
    if len(schedule.cron) == 1:
        return CronTriggerTimetable(schedule.cron[0], timezone=schedule.timezone)
    return MultipleCronTriggerTimetable(*schedule.cron, timezone=schedule.timezone)


def _assets(production: Production, schedule: Schedule) -> Any:
    if schedule.files is not None:
        return _watched(production, schedule)
    return None if schedule.assets is None else _joined(production.vo, schedule.assets)


def _joined(vo: str, condition: AssetCondition) -> Any:
    if condition.entries:
        join = AssetAll if condition.all else AssetAny
        return join(*(_joined(vo, entry) for entry in condition.entries))
    if condition.dataset is not None:
        return catalogue_asset(vo, condition.dataset)
    return dataset_asset(vo, str(condition.production), str(condition.step))


def _watched(production: Production, schedule: Schedule) -> Asset:
    # imported late: it loads Airflow's triggers, and few productions have a watcher
    from dirac_prodsys.core.query.meta_query import MetaQuery
    from dirac_prodsys.provider.waiting.new_files import DiracNewFilesTrigger

    files = schedule.files
    assert files is not None  # noqa: S101  the caller has looked
    asset = watcher_asset(production.vo, production.name)
    trigger = DiracNewFilesTrigger(
        dirac_conn_id=production.connection,
        production=production.name,
        asset=asset.name,
        query=MetaQuery.parse(files.where).to_dirac(),
        fields=list(files.each),
        directory=files.directory or f"/{production.vo}",
        look_every=60.0 * files.look_every,
        unchanged_for=60.0 * files.unchanged_for,
        take_existing=schedule.catchup,
    )
    asset.watchers.append(AssetWatcher(name=asset.name, trigger=trigger))
    return asset
