"""Begins a run for each event, where Airflow began one run for several.

Airflow gathers the events of an asset until its scheduler looks: two observations that come at the
same time begin one run (``SchedulerJobRunner._create_dag_runs_asset_triggered``, 3.3). Such a run
is about the oldest event, and triggers a run for each of the others.

Invariant: one run for an event, however often this is repeated: the ID of the run follows from the
event, and Airflow refuses a second run of an ID. An event that a watcher sent twice has one run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from dirac_prodsys.core.production.asset_events import (
    AssetEvent,
    own_events,
    run_id_of,
    values_of,
)
from dirac_prodsys.errors import DefinitionError
from dirac_prodsys.provider.people.params import events_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production

#: most earlier events of an asset among which a repeated one is looked for: a triggerer that dies
#: leaves one look's events unconfirmed
_LOOKED_BACK = 1000


def begin_runs(context: Context, production: Production, log: Any) -> None:
    """Trigger a run for each event that this run is not about.

    :raises AirflowSkipException: a run was begun for this run's event already.
    """
    schedule = production.schedule
    events = events_of(context)
    if schedule is None or not schedule.run_per_event or not events:
        return
    own, others = own_events(schedule, events)
    for event in others:
        _begin(context, production, event, log)
    repeated = _repeated(own)
    if repeated is not None:
        raise AirflowSkipException(
            f"the watcher sent this event twice; the first time at {repeated.at}, and that began "
            "a run"
        )


def _begin(context: Context, production: Production, event: AssetEvent, log: Any) -> None:
    if _repeated([event]) is not None:
        return
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    schedule = production.schedule
    assert schedule is not None  # noqa: S101  the caller has looked
    run = run_id_of(event)
    try:
        values = values_of(schedule, production.vo, [event])
    except DefinitionError as error:
        log.error("no run is begun for the event of %s at %s: %s", event.uri, event.at, error)
        return
    note = f"begun for the event of {event.uri} at {event.at}, which came with others"
    answer = SUPERVISOR_COMMS.send(
        TriggerDagRun(dag_id=context["dag"].dag_id, run_id=run, conf=values, note=note)
    )
    if isinstance(answer, ErrorResponse):
        if answer.error != ErrorType.DAGRUN_ALREADY_EXISTS:
            raise AirflowException(f"run {run} cannot be begun: {answer.error}: {answer.detail}")
        log.info("run %s was begun before", run)
    else:
        log.info("begun run %s: %s", run, values)


def _repeated(events: Iterable[AssetEvent]) -> AssetEvent | None:
    """Return an earlier event equal to one of these; None: there is none.

    Only those of watchers are looked for: no other event is sent again.
    """
    from airflow.sdk.execution_time.context import InletEventsAccessor

    for event in events:
        if "each" not in event.facts:
            continue
        earlier = InletEventsAccessor(asset_uri=event.uri).before(event.at)
        for one in earlier.ascending(ascending=False).limit(_LOOKED_BACK):
            found = AssetEvent(event.uri, one.extra or {}, one.timestamp.isoformat())
            if found.key == event.key and found.at < event.at:
                return found
    return None
