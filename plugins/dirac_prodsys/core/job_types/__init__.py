"""Defines what the tasks of a step do: one file per job type, and communities' types.

A file of this folder declares ``JOB_TYPE``; its attributes are a closed pydantic model, so that a
wrong key or value is an error at its place, and it turns them into a neutral body that a gateway
renders. No registration is needed: the file ``NAME.py`` declares the type ``NAME``. A community of
that name offers types ``NAME`` and ``NAME:…``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import StrictStr

from dirac_prodsys.core.community import communities, failure, find
from dirac_prodsys.core.grid.specs import BodySpec, OutputFile
from dirac_prodsys.core.models import Model
from dirac_prodsys.core.problems import Path, Problems, nearest
from dirac_prodsys.errors import DefinitionError


@dataclass(frozen=True)
class JobContext:
    """What a job type knows about its step.

    :param name: the transformation's name.
    :param job_type: DIRAC JobType, unless the attributes give another.
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
    def body(self, context: JobContext) -> BodySpec:
        """Return the neutral body."""


@dataclass(frozen=True)
class JobType:
    """A job type.

    :param name: the word after ``job: {type: …}``.
    :param attributes: the model of its attributes.
    :param transformation: the type of a step that gives none; empty: the step must give one.
    :param derives: whether body and output follow from the settings and from the step's input, and
        are made by the rules of its community; the attributes have no ``body``.
    :param expand: ``(job, document, mistakes)``: the job with the files that it names written out,
        and the names of those files.
    :param file_keys: attributes whose value may be the name of a YAML file in the production's
        folder; the file's content takes its place.
    """

    name: str
    attributes: type[Model]
    transformation: str = ""
    derives: bool = False
    file_keys: tuple[str, ...] = ()
    expand: Callable[[Any, Any, Any], tuple[Any, tuple[str, ...]]] | None = None


def job_types() -> dict[str, JobType]:
    """Return all job types by name; those of communities as far as they can be loaded."""
    families = (*_modules(), *(c.name for c in communities() if c.job_types))
    return {name: kind for family in families for name, kind in family_of(family).items()}


def find_job_type(name: str) -> JobType | None:
    """Return the job type of that name; None: there is none.

    Only the file that may declare it is loaded: those of a community cost time, and most
    productions have none of its jobs.
    """
    return family_of(name.partition(":")[0]).get(name)


def family_of(word: str) -> dict[str, JobType]:
    """Return the job types with that name, or with a name that begins with it and a colon."""
    return _declared_by(word)[0]


def derives(job: Mapping[str, Any]) -> bool:
    """Whether this job is of a type that makes its output by itself."""
    kind = find_job_type(str(job.get("type")))
    return kind is not None and kind.derives


def job_type(name: str) -> JobType:
    """Return the job type of that name.

    :raises DefinitionError: there is none.
    """
    kind = find_job_type(name)
    if kind is None:
        reason = f"unknown job type {name!r}"
        hint = _declared_by(name.partition(":")[0])[1] or nearest(name, job_types())
        raise DefinitionError(reason, hint, code="unknown-word")
    return kind


@functools.cache
def _modules() -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(__path__))


@functools.lru_cache(maxsize=64)  # words are users' own: any number of them may be wrong
def _declared_by(word: str) -> tuple[dict[str, JobType], str]:
    """Return the job types of a file or a community, and why a community's cannot be loaded."""
    if word in _modules():
        kind: JobType = importlib.import_module(f"{__name__}.{word}").JOB_TYPE
        return {kind.name: kind}, ""
    community = find(word)
    if community is None or not community.job_types:
        return {}, failure(word)
    try:
        kinds: tuple[JobType, ...] = community.offered(community.job_types)
    except DefinitionError as error:
        return {}, error.reason
    strangers = [kind.name for kind in kinds if kind.name.partition(":")[0] != word]
    if strangers:
        return {}, f"community {word} offers job types that are not {word}:…: {strangers}"
    return {kind.name: kind for kind in kinds}, ""
