"""What the tasks of a step do: one file per job type, found by being here.

A file of this folder declares ``JOB_TYPE``, or several as ``JOB_TYPES``; the attributes of each are
a closed pydantic model, so that a wrong key or value is an error at its place, and it turns them
into a neutral body that a gateway renders. Nothing else has to be told of it: the file ``NAME.py``
declares the type ``NAME``, or types ``NAME:…``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import StrictStr

from dirac_prodsys.core.grid.specs import JobSpec, OutputFile, RequestSpec
from dirac_prodsys.core.models import Model
from dirac_prodsys.core.problems import Path, Problems, nearest
from dirac_prodsys.errors import DefinitionError


@dataclass(frozen=True)
class JobContext:
    """What a job type is told about its step.

    :param name: the transformation's name.
    :param job_type: DIRAC JobType, unless the attributes say another.
    :param outputs: what the job leaves behind.
    """

    name: str
    job_type: str
    outputs: tuple[OutputFile, ...]


class JobAttributes(Model):
    """Base of the attributes of all job types: what stands below ``job:``."""

    type: StrictStr

    def check(self, path: Path, problems: Problems) -> None:
        """Note what no single value tells: mistakes, and what works and is probably not meant.

        :param path: of the attributes.
        """

    @abstractmethod
    def body(self, context: JobContext) -> JobSpec | RequestSpec:
        """The neutral body."""


@dataclass(frozen=True)
class JobType:
    """A job type.

    :param name: the word after ``job: {type: …}``.
    :param attributes: the model of its attributes.
    :param transformation: the type that a step has which does not say one; empty: it must say.
    :param derives: body and output follow from the settings and from what the step takes, and are
        made by the rules of a community (``core/ctao``); the attributes have no ``body``.
    """

    name: str
    attributes: type[Model]
    transformation: str = ""
    derives: bool = False


def job_types() -> dict[str, JobType]:
    """All job types by name."""
    return {name: kind for module in _modules() for name, kind in _declared_by(module).items()}


@functools.lru_cache(maxsize=64)
def find_job_type(name: str) -> JobType | None:
    """The job type of that name; None: there is none.

    Only the file that may declare it is loaded: those of a community cost time, and most
    productions have none of its jobs.
    """
    module = name.partition(":")[0]
    return _declared_by(module).get(name) if module in _modules() else None


def derives(job: Mapping[str, Any]) -> bool:
    """Whether this job is of a type that makes its output by itself."""
    kind = find_job_type(str(job.get("type")))
    return kind is not None and kind.derives


def job_type(name: str) -> JobType:
    """The job type of that name.

    :raises DefinitionError: there is none.
    """
    kind = find_job_type(name)
    if kind is None:
        reason = f"unknown job type {name!r}"
        raise DefinitionError(reason, nearest(name, job_types()), code="unknown-word")
    return kind


@functools.cache
def _modules() -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(__path__))


@functools.cache
def _declared_by(module: str) -> dict[str, JobType]:
    found = importlib.import_module(f"{__name__}.{module}")
    kinds: tuple[JobType, ...] = getattr(found, "JOB_TYPES", ()) or (found.JOB_TYPE,)
    strangers = [kind.name for kind in kinds if kind.name.partition(":")[0] != module]
    if strangers:
        raise ValueError(f"{found.__file__}: its types are {module}, or {module}:…: {strangers}")
    return {kind.name: kind for kind in kinds}
