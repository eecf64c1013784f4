"""Reads the values on the command line of ``dirac-prodsys plan``, and makes its short JSON form.

Invariant: a value on the command line is read by the type of its parameter and by nothing else, so
that ``-p label=007`` is text and ``-p tasks=7`` a number, as in a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dirac_prodsys.errors import DefinitionError, DefinitionErrors, GatewayRejected

if TYPE_CHECKING:
    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.core.production.production import Production
    from dirac_prodsys.core.steps.step_plan import StepPlan


def parameter_values(production: Production, given: Iterable[str]) -> dict[str, Any]:
    """Return values by name, from ``name=value``.

    :raises DefinitionErrors: one has another form.
    """
    from dirac_prodsys.core.text.scalar import resolve

    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            reason = f"{text!r} says no value"
            raise DefinitionErrors([DefinitionError(reason, "write --parameters name=value")])
        parameter = production.parameters.get(name)
        kind = parameter.type if parameter is not None else "string"
        values[name] = value if kind == "string" else resolve(value)
        if parameter is not None and kind == "choice":
            words = {str(choice): choice for choice in parameter.choices}
            values[name] = words.get(value, value)
    return values


def dataset_queries(file: Path | None) -> dict[str, Any]:
    """Return meta queries of datasets by name, from a JSON file.

    :raises DefinitionErrors: it cannot be read as that.
    """
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _wrong(file, f"it is no JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(q, dict) for q in found.values()):
        raise _wrong(file, "it is no mapping of datasets to meta queries")
    return found


def short_form(plan: ProductionPlan) -> dict[str, Any]:
    """Return the transformations of a plan, in the order in which they are created."""
    return {
        "production": plan.production,
        "digest": plan.digest,
        "transformations": [_transformation(step) for step in plan.steps],
    }


def _transformation(step: StepPlan) -> dict[str, Any]:
    spec = step.transformation
    return {
        "step": step.name,
        "type": spec.type,
        "plugin": spec.plugin,
        "agent_type": spec.agent_type,
        "group_size": spec.group_size,
        "parents": list(step.parents),
        "input_query": None if spec.input_query is None else spec.input_query.to_dirac(),
        "output_query": None if spec.output_query is None else spec.output_query.to_dirac(),
        "body_sha256": _digest(step),
    }


def _digest(step: StepPlan) -> str | None:
    """Return the SHA-256 of the body as DIRAC stores it; None if its renderer is not installed."""
    from dirac_prodsys.gateway.bodies import render

    try:
        body = render(step.transformation.body)
    except (GatewayRejected, ImportError):
        return None
    return hashlib.sha256(body.encode()).hexdigest()


def _wrong(file: Path, reason: str) -> DefinitionErrors:
    hint = 'write {"/vo/datasets/name": {"field": {"=": value}}}'
    return DefinitionErrors([DefinitionError(reason, hint, file=str(file), line=1, column=1)])
