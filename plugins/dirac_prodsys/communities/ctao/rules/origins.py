"""Finds the source of a condition of a derived output: the job's settings, its input, its type.

Invariant: every condition of such an output has an origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.ctao.types.job_types import ctao_type
from dirac_prodsys.communities.ctao.types.vocabulary import WRITTEN_AS
from dirac_prodsys.core.plan.origins import Origin

#: fields that an output takes from its input before ``Common`` (``outputs``)
_INHERITED = frozenset(
    {"array_layout", "site", "particle", "phiP", "thetaP", "sct", "view_cone", "systematics"}
)


def origin(
    step: str, job: Mapping[str, Any], field: str, made: Any, taken: Mapping[str, Any]
) -> Origin | None:
    """Return where a condition comes from; None: from the step's input.

    :param made: the condition, in DIRAC's form.
    :param taken: the step's input query, likewise.
    """
    config, common = job.get("config", job), job.get("common", {})
    known = ctao_type(str(job["type"]).partition(":")[2]).config.model_fields
    for key in _keys(field):
        if config.get(key) is not None:
            return Origin("output", step, made, ("steps", step, "job", key))
    for key in _keys(field):
        if common.get(key) is not None and key in known:
            if field in _INHERITED and field in taken:
                continue
            return Origin("output", step, made, ("common", key))
    if taken.get(field) == made:
        return None
    key = "simpipe_config" if "simpipe_config" in config else "type"
    return Origin("rule", step, made, ("steps", step, "job", key))


def _keys(field: str) -> tuple[str, ...]:
    """Return the keys of a job that set a field."""
    if field.endswith("_prog_version"):
        return ("version",)
    if field.endswith("_prog"):
        return ("prog_name",)
    if field == "outputType":
        return ("output_type",)
    return (field, WRITTEN_AS.get(field, field))
