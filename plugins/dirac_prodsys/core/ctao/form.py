"""CTAO's form as it is written: its models, and as much of a wrong file as can be read.

Invariant: a mistake in one place hides none in another: what is well written of a file is read,
whatever else is wrong with it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, StrictInt, StrictStr, ValidationError

from dirac_prodsys.core.models import Model, explain
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production.policy import Policy
from dirac_prodsys.core.production.step import DatasetModel
from dirac_prodsys.core.text.document import Document


class CtaoStep(Model):
    """One entry of ``ProdSteps``."""

    ID: StrictInt = Field(ge=1)
    name: StrictStr | None = None
    input_meta_query: dict[StrictStr, Any]
    job_config: dict[StrictStr, Any]


class StepExtras(Model):
    """What ``prodsys`` says of a step."""

    description: StrictStr = ""
    tasks: StrictInt | None = Field(default=None, ge=1)
    start: Literal["streaming", "on_complete"] = "streaming"
    dataset: DatasetModel | None = None
    policy: Policy = Policy()


class Extras(Model):
    """``prodsys``: what only we need to know."""

    name: StrictStr | None = None
    vo: StrictStr | None = None
    description: StrictStr = ""
    connection: StrictStr = "dirac_default"
    tags: tuple[StrictStr, ...] = ()
    links: dict[StrictStr, StrictStr] = Field(default={})
    steps: dict[StrictStr, StepExtras] = Field(default={})


@dataclass(frozen=True)
class Entry:
    """As much of an entry of ``ProdSteps`` as can be read.

    :param number: its ID; None: it has none, and likewise the two others.
    """

    number: int | None
    query: Mapping[str, Any] | None
    config: Mapping[str, Any] | None


@dataclass(frozen=True)
class Outline:
    """As much of a file as can be read.

    :param written: steps by their place in ``ProdSteps``.
    :param entries: the same, also of those that are wrong somewhere.
    :param numbers: IDs of all steps, also of those that are wrong otherwise.
    :param common: None: it is none.
    """

    written: Mapping[int, CtaoStep]
    entries: Mapping[int, Entry]
    numbers: Counter[int]
    common: Mapping[str, Any] | None
    prodsys: Extras


class CtaoFile(Model):
    """The whole file."""

    ProdSteps: tuple[CtaoStep, ...] = Field(min_length=1)
    Common: dict[StrictStr, Any]
    prodsys: Extras = Extras()


def outline(document: Document, problems: Problems) -> tuple[Outline | None, bool]:
    """What can be read of the file, and whether anything is wrong with what stands where."""
    data = document.data
    wrong = False
    try:
        CtaoFile.model_validate(data)
    except ValidationError as error:
        problems.found += explain(error, CtaoFile, data)
        wrong = True
    listed, common = data.get("ProdSteps"), data.get("Common")
    if not isinstance(listed, list):
        return None, True
    written = {}
    for index, entry in enumerate(listed):
        with contextlib.suppress(ValidationError):
            written[index] = CtaoStep.model_validate(entry)
    numbers = Counter(n for entry in listed if (n := number_of(entry)) is not None)
    entries = {i: _entry(entry) for i, entry in enumerate(listed) if isinstance(entry, Mapping)}
    said = _texts(common) if isinstance(common, Mapping) else None
    return Outline(written, entries, numbers, said, _extras(data.get("prodsys", {}))), wrong


def _entry(entry: Mapping[str, Any]) -> Entry:
    query, config = entry.get("input_meta_query"), entry.get("job_config")
    return Entry(
        number_of(entry),
        _texts(query) if isinstance(query, Mapping) else None,
        _texts(config) if isinstance(config, Mapping) else None,
    )


def _texts(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in mapping.items()}


def _extras(said: Any) -> Extras:
    """``prodsys`` without what is wrong in it, which was told."""
    try:
        return Extras.model_validate(said)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            said = _without(said, item["loc"])
    with contextlib.suppress(ValidationError):
        return Extras.model_validate(said)
    return Extras()


def _without(said: Any, where: tuple[int | str, ...]) -> Any:
    """A mapping without the key at the end of that path, or without the last that there is."""
    if not isinstance(said, Mapping) or not where or where[0] not in said:
        return said
    key, rest = where[0], where[1:]
    inner = said[key]
    if rest and isinstance(inner, Mapping) and rest[0] in inner:
        return {**said, key: _without(inner, rest)}
    return {name: value for name, value in said.items() if name != key}


def number_of(entry: Any) -> int | None:
    """The ID of an entry of ``ProdSteps``; None if it has none."""
    number = entry.get("ID") if isinstance(entry, Mapping) else None
    fits = isinstance(number, int) and not isinstance(number, bool) and number >= 1
    return number if fits else None
