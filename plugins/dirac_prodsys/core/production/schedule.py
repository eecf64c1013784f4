"""Defines ``schedule:`` as a user writes it: what begins the runs of a production.

Airflow's scheduler decides when a run begins; the words are Airflow's. Here is only what to give
it: assets, a cron expression, or a query on the catalogue that a watcher repeats.

Invariant: without ``schedule:`` nothing but a person begins a run. Whatever begins one gives it a
value for each parameter, or the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from dirac_prodsys.core.models import Model, invalid

#: most active runs of one production; each run has its own transformations
MAX_ACTIVE_RUNS = 16

#: most fields that a watcher groups files by
_MOST_FIELDS = 5

#: names of the time zone database: Europe/Madrid, America/Argentina/Ushuaia
_ZONE = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Za-z0-9_+-]+){1,2}")
ZONE_HINT = "write UTC, or area and city such as Europe/Madrid"

_ONE_ASSET = "write one of dataset, production with step, all, or any"
_WHAT_BEGINS = "write one of assets, files, cron, or once; assets and cron may stand together"

Minutes = Annotated[float, Field(gt=0, le=7 * 24 * 60)]


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


#: a list of texts, or one text
Texts = Annotated[tuple[StrictStr, ...], BeforeValidator(_one_or_many)]


class AssetCondition(Model):
    """One dataset, or several joined by ``all`` or ``any``.

    :param dataset: full path of a dataset of the catalogue.
    :param production: another production; each time a run of it makes the dataset of ``step``.
    :param step: its step.
    :param all: there is a new event of each of these.
    :param any: there is a new event of one of these.
    """

    dataset: StrictStr | None = None
    production: StrictStr | None = None
    step: StrictStr | None = None
    all: tuple[AssetCondition, ...] = ()
    any: tuple[AssetCondition, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> AssetCondition:
        if (self.production is None) != (self.step is None):
            raise invalid("production and step go together", "name both: the step has the dataset")
        given = [
            self.dataset is not None,
            self.production is not None,
            bool(self.all or ()),
            bool(self.any or ()),
        ]
        if sum(given) != 1:
            reason = "several things stand in one entry" if sum(given) else "nothing is named"
            raise invalid(reason, _ONE_ASSET)
        return self

    @property
    def entries(self) -> tuple[AssetCondition, ...]:
        """Return what it joins; empty for one dataset."""
        return self.all or self.any

    def leaves(self) -> Iterator[AssetCondition]:
        """Yield the datasets, in the order of the file."""
        if not self.entries:
            yield self
        for entry in self.entries:
            yield from entry.leaves()

    def needs_several(self) -> bool:
        """Whether there is a combination of datasets each of which must have an event."""
        return bool(self.all) or any(entry.needs_several() for entry in self.any)


class NewFiles(Model):
    """Files that appear in the catalogue: one run for each value of a metadata field.

    :param where: meta query that the files match.
    :param each: metadata field of the files, or several: each new value, or combination, begins a
        run.
    :param directory: below which files are looked for; default: all of the VO.
    :param look_every: minutes between two looks at the catalogue.
    :param unchanged_for: minutes for which the number of files of a value must have been the same
        before its run begins; the run takes files that come later, as long as it is not complete.
    """

    where: dict[StrictStr, Any] = Field(min_length=1)
    each: Texts = Field(min_length=1, max_length=_MOST_FIELDS)
    directory: StrictStr | None = None
    look_every: Minutes = 5
    unchanged_for: Annotated[float, Field(ge=0, le=7 * 24 * 60)] = 0


class EventField(Model):
    """The value of a parameter: a field of the event.

    :param field: name of a fact of the event, or of a metadata field that it names.
    :param dataset: of the event of this dataset; default: the newest event that has the field.
    :param production: of the event of the dataset of a step of this production.
    :param step: its step.
    """

    field: StrictStr
    dataset: StrictStr | None = None
    production: StrictStr | None = None
    step: StrictStr | None = None


def _as_field(value: Any) -> Any:
    return {"field": value} if isinstance(value, str) else value


class Schedule(Model):
    """What begins the runs of a production, besides people.

    :param assets: a run begins when these datasets are made.
    :param files: a run begins for each new value of a metadata field in the catalogue.
    :param cron: five fields as of cron, or a word such as ``@daily``; or a list of them.
    :param timezone: of ``cron`` and ``start``: a name such as ``Europe/Madrid``.
    :param once: one run begins as soon as the production appears.
    :param start: day or time before which nothing begins, such as ``2026-12-01``.
    :param catchup: whether runs begin that were due before now: those of ``cron`` since ``start``,
        those of files that are there already, and, with the first event of an asset, those of its
        events before.
    :param max_active_runs: so many runs at a time; others wait in Airflow.
    :param parameters_from_event: parameter → field of the event that begins a run.
    """

    assets: AssetCondition | None = None
    files: NewFiles | None = None
    cron: Texts = ()
    timezone: StrictStr = "UTC"
    once: StrictBool = False
    start: StrictStr | None = None
    catchup: StrictBool = False
    max_active_runs: StrictInt = Field(default=MAX_ACTIVE_RUNS, ge=1, le=MAX_ACTIVE_RUNS)
    parameters_from_event: dict[StrictStr, Annotated[EventField, BeforeValidator(_as_field)]] = (
        Field(default={})
    )

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, expressions: tuple[str, ...]) -> tuple[str, ...]:
        from dirac_prodsys.core.production.cron import CronError, check_cron  # few have one

        for expression in expressions:
            try:
                check_cron(expression)
            except CronError as error:
                raise invalid(error.reason, error.hint) from None
        return expressions

    @field_validator("timezone")
    @classmethod
    def _may_be_a_timezone(cls, name: str) -> str:
        # whether there is such a city is asked where the system's time zones may be read
        if name != "UTC" and not _ZONE.fullmatch(name):
            raise invalid(f"{name!r} is no time zone", ZONE_HINT)
        return name

    @field_validator("start", mode="after")
    @classmethod
    def _is_a_time(cls, start: str | None) -> str | None:
        try:
            if start is not None and datetime.fromisoformat(start).tzinfo is not None:
                raise invalid("start has a time zone of its own", "write it under timezone")
        except ValueError:
            hint = 'write "2026-12-01", or "2026-12-01T03:00"'
            raise invalid(f"{start!r} is neither a day nor a time", hint) from None
        return start

    @model_validator(mode="after")
    def _goes_together(self) -> Schedule:
        events = self.assets is not None, self.files is not None
        times = bool(self.cron), self.once
        if sum(events) > 1 or sum(times) > 1 or not any(events + times):
            raise invalid("it does not say what begins a run, or says it twice", _WHAT_BEGINS)
        if self.once and any(events):
            raise invalid("once stands alone", "drop once, or what stands with it")
        if self.catchup and self.cron and self.start is None:
            raise invalid("catchup does not say since when", "write start: with a day")
        if self.start is not None and not self.cron:
            raise invalid("start is for cron alone", "drop it")
        if self.parameters_from_event and not any(events):
            raise invalid("no event begins a run, so none has fields", "drop parameters_from_event")
        return self

    @property
    def by_event(self) -> bool:
        """Whether events begin runs."""
        return self.assets is not None or self.files is not None

    @property
    def by_time(self) -> bool:
        """Whether the clock begins runs."""
        return bool(self.cron) or self.once

    @property
    def run_per_event(self) -> bool:
        """Whether each event begins a run of its own, also if several come at once.

        The run that Airflow begins then triggers them (``provider/tasks/event_runs.py``).
        If runs take no parameter from their events, or need events of several datasets, Airflow
        begins one run for all that came since the last.
        """
        if self.files is not None:
            return True
        if self.assets is None or self.assets.needs_several():
            return False
        return bool(self.parameters_from_event)
