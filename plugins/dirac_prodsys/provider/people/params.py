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

from dirac_prodsys.core.production.parameters import MAX_TEXT, Parameter

if TYPE_CHECKING:
    from airflow.sdk import Context

#: our types → types of a JSON schema
_TYPES = {"string": "string", "int": "integer", "number": "number", "boolean": "boolean"}


def dag_params(parameters: Mapping[str, Parameter]) -> dict[str, Param]:
    """Return a Param for each parameter; one without a default must be given by each run."""
    return {name: _param(parameter) for name, parameter in parameters.items()}


def given_values(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run, defaults included."""
    return dict(context.get("params") or {})


def triggered_by(context: Context) -> str | None:
    """Return Airflow's user who triggered the run; None: it was no user of Airflow's.

    The API server takes it from the session or token of the request, and no field of the request
    sets it. Airflow's own command line writes the name of the user of the operating system.
    """
    return getattr(context.get("dag_run"), "triggering_user_name", None) or None


def _param(parameter: Parameter) -> Param:
    schema: dict[str, Any] = {}
    if parameter.type == "choice":
        schema["enum"] = list(parameter.choices)
    else:
        schema["type"] = _TYPES[parameter.type]
    if parameter.type == "string":
        schema["maxLength"] = MAX_TEXT
    for key, bound in (("minimum", parameter.min), ("maximum", parameter.max)):
        if bound is not None:
            schema[key] = bound
    description = _description(parameter)
    if parameter.default is None:
        return Param(description=description, **schema)
    return Param(parameter.default, description=description, **schema)


def _description(parameter: Parameter) -> str:
    """Describe a parameter and its bounds: Airflow's form changes a number to its bound unasked."""
    about = " ".join(parameter.description.split()).rstrip(".;")
    return f"{about}; {parameter.allowed}" if about else parameter.allowed
