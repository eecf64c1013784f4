"""Translates words of CTAO's production files into those of the file catalogue.

Invariant: a value that only the catalogue knows is an :class:`Unknown`; it is never guessed, and
everything made of it is unknown, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.problems import nearest
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import DefinitionError

#: pointing direction → ``phiP`` in degrees, which is (azimuth + 180) mod 360; CTADIRAC's table for
#: types other than SimPipe ends after South, and gives East and West the value of South
PHI = {"North": 180, "South": 0, "East": 270, "West": 90}

#: moonlight → ``nsb``, in units of the dark sky
NSB = {"dark": 1, "half": 5, "full": 19}

#: fields of the catalogue → keys of the files with the same meaning
WRITTEN_AS = {"phiP": "pointing_dir", "thetaP": "zenith_angle", "nsb": "moon"}

#: ``div_ang`` of divergent pointing that the simulation's run script knows
DIVERGENCES = (
    ("0.0022", "0.0043", "0.008", "0.01135", "0.01453"),
    ("0.0121", "0.046"),
)

_TEXT = "VARCHAR(128)"

#: metadata fields of directories, and of files, with the types of their columns
CATALOGUE_FIELDS: tuple[Mapping[str, str], Mapping[str, str]] = (
    {
        "MCCampaign": _TEXT,
        "site": _TEXT,
        "particle": _TEXT,
        "thetaP": "float",
        "phiP": "float",
        "array_layout": _TEXT,
        "airshower_sim_prog": _TEXT,
        "airshower_sim_prog_version": _TEXT,
        "tel_sim_prog": _TEXT,
        "tel_sim_prog_version": _TEXT,
        "analysis_prog": _TEXT,
        "analysis_prog_version": _TEXT,
        "data_level": "int",
        "outputType": _TEXT,
        "configuration_id": "int",
        "merged": "int",
        "sct": _TEXT,
        "systematics": _TEXT,
        "view_cone": _TEXT,
    },
    {
        "nsb": "int",
        "split": _TEXT,
        "div_ang": _TEXT,
        "runNumber": _TEXT,
        "model_version": _TEXT,
        "jobID": _TEXT,
        "view_cone_min": "float",
        "view_cone_max": "float",
        # of observations: CTAO's data model, its levels joined by two underscores
        "data__level": _TEXT,
        "data__division": _TEXT,
        "data__association": _TEXT,
        "data__type": _TEXT,
        "instance__obs_id": "int",
        "instance__ae_id": "int",
        "instance__chunk_id": "int",
        "instance__data_source": _TEXT,
        "curation__release": _TEXT,
        "acquisition__sb_id": "int",
    },
)

#: metadata that files carry and no step's output query names
FILE_LEVEL = frozenset({"runNumber", "jobID", "model_version"})


@dataclass(frozen=True)
class Unknown:
    """A value that only the query of a dataset contains."""

    dataset: str


#: fields in the query of a dataset of simulated files, as far as other steps depend on them
DATASET_FIELDS = (
    "array_layout",
    "site",
    "particle",
    "phiP",
    "thetaP",
    "sct",
    "tel_sim_prog",
    "tel_sim_prog_version",
    "data_level",
    "outputType",
    "configuration_id",
    "MCCampaign",
    "nsb",
)


def words(value: Any) -> tuple[Any, ...]:
    """Return the words of ``a, b`` or of a list."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(","))
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def bare(value: Any) -> Any:
    """Return ``v`` of ``{"=": v}`` and ``{"in": [v]}``; anything else unchanged."""
    if isinstance(value, Mapping) and len(value) == 1:
        operator, operand = next(iter(value.items()))
        if operator == "=":
            return operand
        if operator == "in" and isinstance(operand, list) and len(operand) == 1:
            return operand[0]
    return value


def single(value: Any) -> bool:
    """Check whether a bare value is one value, and not a choice of several."""
    return not isinstance(value, Mapping | list | tuple)


def in_catalogue_words(key: str, value: Any) -> tuple[str, Any]:
    """Translate a condition of ``input_meta_query`` for the catalogue (``WorkflowElement``).

    :raises DefinitionError: the word has no meaning here.
    """
    if key == "pointing_dir":
        return "phiP", _translated(value, PHI, "pointing direction")
    if key == "moon":
        return "nsb", _translated(value, NSB, "moonlight")
    if key == "zenith_angle":
        if isinstance(value, bool) or not isinstance(value, int | float):
            hint = "write the zenith angle in degrees"
            raise DefinitionError("should be a number", hint, code="wrong-type")
        return "thetaP", float(value)
    if key in ("sct", "div_ang") and single(value):
        return key, str(value)
    return key, value


def known_query(raw: Mapping[str, Any]) -> MetaQuery:
    """Return the known conditions of a query.

    :raises MetaQueryError: DIRAC would not accept a condition.
    """
    return MetaQuery.parse({k: v for k, v in raw.items() if not isinstance(v, Unknown)})


def _translated(value: Any, table: Mapping[str, int], what: str) -> int:
    if isinstance(value, str) and value in table:
        return table[value]
    reason = f"{value!r} is no {what} known here"
    raise DefinitionError(reason, nearest(str(value), table), code="unknown-word")
