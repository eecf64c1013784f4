"""Begins a run for each event, where the schedule wants one for each.

Airflow gathers the events of an asset until its scheduler looks, and begins one run. Events that
come while it waits for that look are not even among those of the run
(``AssetManager._queue_dagruns``, ``SchedulerJobRunner._create_dag_runs_asset_triggered``, 3.3):
they would wait for the next event. So the run that Airflow begins triggers a run for each event
that the asset has by then, and does nothing else.

Invariant: one run for an event, however often this is repeated and whoever does it at the same
time: the ID of the run follows from the event, and Airflow refuses a second run of an ID.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.core.production.asset_events import (
    AssetEvent,
    once_each,
    run_id_of,
    values_of,
)
from dirac_prodsys.core.production.parameters import taken, values_for
from dirac_prodsys.errors import DefinitionError
from dirac_prodsys.provider.people.params import events_of
from dirac_prodsys.provider.waiting.new_runs import begin_run

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production

#: seconds by which the clocks of two machines that store events may differ
_SKEW = timedelta(seconds=60)
#: events that Airflow is asked for at a time
_PAGE = 500


def begin_runs(context: Context, production: Production, log: Any) -> None:
    """Trigger a run for each event, if an event began this run and each is to have its own.

    :raises AirflowSkipException: the runs are there, and this one has nothing more to do.
    :raises AirflowFailException: an event does not give a run its values; the others have theirs.
    """
    schedule = production.schedule
    events = events_of(context)
    if schedule is None or not schedule.run_per_event or not events:
        return
    begun: list[str] = []
    wrong: list[str] = []
    for event in once_each([*events, *_later(events)]):
        try:
            values = values_of(schedule, production.vo, [event])
            values_for(production.parameters, values)
        except DefinitionError as error:
            wrong.append(f"event of {event.uri} at {event.at}: {error}")
            continue
        run = run_id_of(event)
        note = f"begun for the event of {event.uri} at {event.at}"
        new = begin_run(str(context["dag"].dag_id), run, values, note)
        words = taken(production.parameters, values)
        log.info("%s %s: %s", "begun" if new else "begun before:", run, words)
        begun.append(run)
    if wrong:
        raise AirflowFailException("\n".join(wrong))
    raise AirflowSkipException(f"each event has a run of its own: {', '.join(begun)}")


def _later(events: Iterable[AssetEvent]) -> Iterator[AssetEvent]:
    """Yield what the assets of these events have had since."""
    from airflow.sdk.execution_time.context import InletEventsAccessor

    first: dict[str, str] = {}
    for event in events:
        first[event.uri] = min(event.at, first.get(event.uri, event.at))
    for uri, at in first.items():
        after = (datetime.fromisoformat(at) - _SKEW).isoformat()
        while True:
            page = list(InletEventsAccessor(asset_uri=uri).after(after).limit(_PAGE))
            yield from (AssetEvent(uri, one.extra or {}, one.timestamp.isoformat()) for one in page)
            if len(page) < _PAGE or page[0].timestamp == page[-1].timestamp:
                break
            after = page[-1].timestamp.isoformat()
