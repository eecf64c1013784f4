"""Makes Airflow Params of parameters; reads the values of a run, and who triggered it.

The Params are a form, checked before a run exists.

Invariant: whatever way a run is triggered, the values that reach the plan are those that the form
shows. Airflow's JSON schema checks them first, and the production's own rules check them again when
the run is planned. A pattern is not part of the schema: Airflow would match it with Python's
``re``, in the API server, against a text of any length. Who asked for
a run never comes from a field of a request, or from a value of a form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from dirac_prodsys.core.production.asset_events import AssetEvent, once_each, values_of
from dirac_prodsys.core.production.parameters import MAX_TEXT, Parameter
from dirac_prodsys.core.run.generations import KEY, Generation, is_reopening, read_generation

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production

#: our types → types of a JSON schema
_TYPES = {"string": "string", "int": "integer", "number": "number", "boolean": "boolean"}


def dag_params(production: Production) -> dict[str, Param]:
    """Return a Param for each parameter; one without a default must be given by each run.

    Airflow schedules no DAG with such a Param. If events give the value, the Param may be empty: a
    run that a person triggers without the value fails when it is planned.
    """
    schedule = production.schedule
    by_events = {} if schedule is None else schedule.parameters_from_event
    return {
        name: _param(parameter, may_be_empty=name in by_events)
        for name, parameter in production.parameters.items()
    }


def given_values(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run as its form has them, defaults included."""
    given = dict(context.get("params") or {})
    if is_reopening(given.get(KEY)):
        del given[KEY]
    return given


def generation_of_run(context: Mapping[str, Any]) -> Generation | None:
    """Return the later generation that the run is; None: it is a first run.

    :raises DefinitionError: it is asked to be one that it cannot be.
    """
    conf = getattr(context.get("dag_run"), "conf", None) or {}
    return read_generation(conf, str(context["run_id"]))


def values_of_run(context: Mapping[str, Any], production: Production) -> dict[str, Any]:
    """Return the parameters of a run: those of its form, and over them those of its event.

    :raises DefinitionError: the event does not have what the schedule takes from it.
    """
    given = {name: value for name, value in given_values(context).items() if value is not None}
    schedule = production.schedule
    if schedule is None or not schedule.parameters_from_event or schedule.run_per_event:
        return given  # a run of one event was triggered with its values
    events = once_each(events_of(context))
    return {**given, **values_of(schedule, production.vo, events)}


def events_of(context: Mapping[str, Any]) -> list[AssetEvent]:
    """Return the events for which Airflow began the run; empty: something else began it."""
    found = context.get("triggering_asset_events") or {}
    return [
        AssetEvent(event.asset.uri, event.extra or {}, event.timestamp.isoformat())
        for events in found.values()
        for event in events
    ]


def triggered_by(context: Context) -> str | None:
    """Return Airflow's user who triggered the run; None: it was no user of Airflow's.

    The API server takes it from the session or token of the request, and no field of the request
    sets it. Airflow's own command line writes the name of the user of the operating system.
    """
    return getattr(context.get("dag_run"), "triggering_user_name", None) or None


def _param(parameter: Parameter, *, may_be_empty: bool) -> Param:
    schema: dict[str, Any] = {}
    empty = parameter.default is None and may_be_empty
    if parameter.type == "choice":
        schema["enum"] = [*parameter.choices, *([None] if empty else [])]
    else:
        kind = _TYPES[parameter.type]
        schema["type"] = [kind, "null"] if empty else kind
    if parameter.type == "string":
        schema["maxLength"] = MAX_TEXT
    for key, bound in (("minimum", parameter.min), ("maximum", parameter.max)):
        if bound is not None:
            schema[key] = bound
    description = _description(parameter)
    if empty:
        return Param(None, description=description, **schema)
    if parameter.default is None:
        return Param(description=description, **schema)
    return Param(parameter.default, description=description, **schema)


def _description(parameter: Parameter) -> str:
    """Describe a parameter and its bounds: Airflow's form changes a number to its bound unasked."""
    about = " ".join(parameter.description.split()).rstrip(".;")
    return f"{about}; {parameter.allowed}" if about else parameter.allowed
