"""Defines the job types of CTAO's production files: one table.

Invariant: the differences between types are here or in :mod:`.configs`; no other module asks for a
type by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dirac_prodsys.communities.ctao import COMMUNITY
from dirac_prodsys.communities.ctao.types import configs
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.job_types import JobType
from dirac_prodsys.core.problems import nearest
from dirac_prodsys.errors import DefinitionError

#: start of the names of these types in the native form
PREFIX = f"{COMMUNITY.name}:"

#: attributes of every job class by default, as far as metadata are made of them (``CTAJob``)
BASE: Mapping[str, Any] = {
    "program_category": "analysis",
    "prog_name": "ctapipe-process",
    "output_type": "Data",
    "data_level": 1,
}

#: metadata that go to files instead of directories; a type without ``split`` loses it
FILE_FIELDS = frozenset({"nsb", "div_ang"})


@dataclass(frozen=True)
class CtaoType:
    """A job type.

    :param name: as it is written; CTADIRAC reads it without regard to case.
    :param job_class: class, and module, below ``CTADIRAC.Interfaces.API``.
    :param config: the keys of its ``job_config``.
    :param step_name: name of its steps.
    :param transformation: DIRAC's Type.
    :param attributes: default attributes of the class that differ from :data:`BASE`.
    :param file_fields: metadata that go to its files.
    :param needed: mandatory metadata of its input beside those that all outputs inherit.
    :param merged: what it says about merging: nothing, never, or one level more than its input.
    :param one_night_sky: its files have one ``nsb`` each, and nothing else.
    :param simulation: it takes no files.
    :param wms_type: JobType of its jobs; empty: as ``transformation``.
    :param leaves: how many files of data a task uploads: one, or one for each that it takes.
    """

    name: str
    job_class: str
    config: type[configs.JobConfig]
    step_name: str
    transformation: str = "DataReprocessing"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    file_fields: frozenset[str] = FILE_FIELDS
    needed: tuple[str, ...] = ()
    merged: Literal["", "zero", "next"] = ""
    one_night_sky: bool = False
    simulation: bool = False
    wms_type: str = ""
    leaves: Literal["", "one", "each"] = ""

    @property
    def simulates_telescopes(self) -> bool:
        """Check whether it runs sim_telarray, whose versions with SCTs are marked."""
        return self.attributes.get("program_category") == "tel_sim"


_SPLIT = FILE_FIELDS | {"split"}
_TELESCOPES = {"program_category": "tel_sim", "prog_name": "sim_telarray", "data_level": -1}
_MODEL = {"output_type": "Model", "data_level": 2}

TYPES = (
    CtaoType(
        "MCSimulation",
        "MCPipeJob",
        configs.MCSimulation,
        "MCSimulation",
        "MCSimulation",
        {**_TELESCOPES, "array_layout": "Prod6-Hyperarray", "zenith_angle": 20.0},
        simulation=True,
    ),
    CtaoType(
        "SimPipe",
        "SimPipeJob",
        configs.SimPipe,
        "MCSimulation",
        "MCSimulation",
        {**_TELESCOPES, "prog_name": "simpipe", "zenith_angle": 20.0},
        simulation=True,
    ),
    CtaoType(
        "SimTelProcessing",
        "MCSimTelProcessJob",
        configs.SimTelProcessing,
        "SimTelProcessing",
        attributes=_TELESCOPES,
        one_night_sky=True,
        wms_type="DL0_Reprocessing",
        leaves="each",
    ),
    CtaoType(
        "CtapipeProcessing",
        "CtapipeProcessJob",
        configs.CtapipeProcessing,
        "CtapipeProcessing",
        attributes={"data_level": 2},
        file_fields=_SPLIT,
        wms_type="DL0_Reprocessing",
        leaves="each",
    ),
    CtaoType(
        "EvndispProcessing",
        "EvnDispJob",
        configs.Processing,
        "EvnDisp",
        attributes={"prog_name": "evndisp"},
        merged="zero",
        wms_type="EvnDispProcessing",
        leaves="each",
    ),
    CtaoType(
        "Merging",
        "CtapipeMergeJob",
        configs.Merging,
        "Merging",
        "Merging",
        {"prog_name": "ctapipe-merge", "data_level": 2},
        file_fields=_SPLIT,
        merged="next",
        leaves="one",
    ),
    CtaoType(
        "CtapipeTrainEnergy",
        "CtapipeTrainEnergyJob",
        configs.Processing,
        "CtapipeTrainEnergy",
        "Training",
        {**_MODEL, "prog_name": "ctapipe-train-energy-regressor"},
        leaves="one",
    ),
    CtaoType(
        "CtapipeTrainClassifier",
        "CtapipeTrainClassifierJob",
        configs.Processing,
        "CtapipeTrainClassifier",
        "Training",
        {**_MODEL, "prog_name": "ctapipe-train-particle-classifier"},
        leaves="one",
    ),
    CtaoType(
        "CtapipeApplyModels",
        "CtapipeApplyModelsJob",
        configs.Splitting,
        "CtapipeApplyModels",
        "ApplyModel",
        {"prog_name": "ctapipe-apply-models", "data_level": 2},
        file_fields=_SPLIT,
        needed=("particle",),
        leaves="each",
    ),
)

#: the same as job types of the native form: all that they leave follows from settings and input
JOB_TYPES = tuple(
    JobType(
        f"{PREFIX}{kind.name}",
        kind.config,
        transformation=kind.transformation,
        derives=True,
        file_keys=tuple(key for key in ("simpipe_config",) if key in kind.config.model_fields),
    )
    for kind in TYPES
)

_BY_NAME = {kind.name.lower(): kind for kind in TYPES}
_BY_CLASS = {kind.job_class: kind for kind in TYPES}


def ctao_type(name: str) -> CtaoType:
    """Return the type of that name, in any case.

    :raises DefinitionError: there is none.
    """
    kind = _BY_NAME.get(name.lower())
    if kind is None:
        hint = nearest(name, [known.name for known in TYPES])
        raise DefinitionError(f"unknown job type {name!r}", hint, code="unknown-word")
    return kind


def of_class(job_class: str) -> CtaoType | None:
    """Return the type with jobs of that class of CTADIRAC."""
    return _BY_CLASS.get(job_class)


def wms_type(body: CommunityBody) -> str:
    """Return the JobType that CTADIRAC's class gives to its jobs; empty if it is not known."""
    kind = of_class(body.job_class)
    return "" if kind is None else kind.wms_type or kind.transformation


def known_keys() -> frozenset[str]:
    """Return all keys of ``job_config`` of any type; ``Common`` may have the same."""
    return frozenset(key for kind in TYPES for key in kind.config.model_fields) - {"type"}
