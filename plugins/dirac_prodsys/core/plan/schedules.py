"""Checks the schedule of a production: what begins its runs must exist, and give them their values.

Invariant: a run that Airflow begins has a value for each parameter; only the value itself can still
be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core import naming
from dirac_prodsys.core.problems import Path, Problem, Problems, nearest
from dirac_prodsys.core.production.asset_events import DATASET_FACTS, WATCHER_FACTS, uri_of
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.schedule import ZONE_HINT, AssetCondition, NewFiles, Schedule
from dirac_prodsys.core.steps.linking import read_query

_HERE: Path = ("schedule",)


def check(production: Production, problems: Problems) -> None:
    """Note what is wrong with the schedule."""
    schedule = production.schedule
    if schedule is None:
        return
    if schedule.assets is not None:
        _check_assets(schedule.assets, (*_HERE, "assets"), production, problems)
    if schedule.files is not None:
        _check_files(schedule.files, (*_HERE, "files"), production, problems)
    _check_parameters(schedule, production, problems)
    _check_fields(schedule, production, problems)


def unknown_zone(name: str) -> Problem:
    """Return the problem of a time zone that the time zone database does not have."""
    path = (*_HERE, "timezone")
    return Problem(path, f"{name!r} is no time zone", ZONE_HINT, code="wrong-value")


def _check_assets(
    condition: AssetCondition, path: Path, production: Production, problems: Problems
) -> None:
    if condition.dataset is not None:
        with problems.at(*path, "dataset"):
            naming.check_dataset_name(condition.dataset, production.vo)
    if condition.production is not None:
        with problems.at(*path, "production"):
            naming.dag_id(condition.production)
        with problems.at(*path, "step"):
            naming.check_name(str(condition.step), "step")
        if condition.production == production.name:
            problems.add(
                (*path, "production"),
                "each run of this production would begin the next one, without end",
                "name another production; to repeat a step, write loops",
                code="cycle",
            )
    for key, entries in (("all", condition.all), ("any", condition.any)):
        for index, entry in enumerate(entries):
            _check_assets(entry, (*path, key, index), production, problems)


def _check_files(files: NewFiles, path: Path, production: Production, problems: Problems) -> None:
    read_query(files.where, (*path, "where"), problems)
    if files.directory is not None:
        with problems.at(*path, "directory"):
            naming.check_directory(files.directory, production.vo)
    if len(set(files.each)) < len(files.each):
        problems.add((*path, "each"), "a field stands there twice", "drop one", code="twice")


def _check_parameters(schedule: Schedule, production: Production, problems: Problems) -> None:
    given = schedule.parameters_from_event
    for name in given:
        if name not in production.parameters:
            problems.add(
                (*_HERE, "parameters_from_event", name),
                f"there is no parameter {name!r}",
                nearest(name, production.parameters),
                on_key=True,
                code="parameter",
            )
    for name, parameter in production.parameters.items():
        if parameter.default is not None or (name in given and not schedule.by_time):
            continue
        what = "cron begins" if schedule.cron else "once begins"
        problems.add(
            ("parameters", name),
            f"a run that {what if schedule.by_time else 'an event begins'} has no value for "
            f"{name!r}",
            "give it a default"
            if schedule.by_time
            else "give it a default, or name it in schedule.parameters_from_event",
            on_key=True,
            code="parameter",
        )


def _check_fields(schedule: Schedule, production: Production, problems: Problems) -> None:
    leaves = () if schedule.assets is None else tuple(schedule.assets.leaves())
    uris = {uri_of(production.vo, leaf) for leaf in leaves}
    known = (*WATCHER_FACTS, *schedule.files.each) if schedule.files else DATASET_FACTS
    for name, wanted in schedule.parameters_from_event.items():
        path = (*_HERE, "parameters_from_event", name)
        if wanted.field not in known and not _within_query(wanted.field, schedule):
            problems.add(
                path,
                f"no event has a field {wanted.field!r}",
                nearest(wanted.field, [*_without_mappings(known)]),
                code="parameter",
            )
        if (wanted.production is None) != (wanted.step is None):
            hint = "name both, or neither"
            problems.add(path, "production and step go together", hint, code="parameter")
        elif (wanted.dataset or wanted.production) and uri_of(production.vo, wanted) not in uris:
            problems.add(
                path,
                "the schedule does not wait for this dataset",
                "name one that stands under assets",
                code="parameter",
            )


def _within_query(field: str, schedule: Schedule) -> bool:
    return schedule.assets is not None and field.startswith("query.") and len(field) > 6


def _without_mappings(known: tuple[str, ...]) -> Iterator[str]:
    for name in known:
        if name == "query":
            yield "query.site"
        elif name != "each":
            yield name
