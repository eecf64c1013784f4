"""Defines the models of CTAO's form, and reads the correct parts of a wrong file.

Invariant: a mistake in one place hides none in another: every correct part of a file is read,
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
    """The readable part of an entry of ``ProdSteps``.

    :param number: its ID; None: it has none, and likewise the two others.
    """

    number: int | None
    query: Mapping[str, Any] | None
    config: Mapping[str, Any] | None


@dataclass(frozen=True)
class Outline:
    """The readable part of a file.

    :param written: correct steps by their index in ``ProdSteps``.
    :param entries: all steps by that index, wrong ones included.
    :param numbers: IDs of all steps, wrong ones included.
    :param common: None: it is missing or unreadable.
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
    """Return the readable part of the file, and whether its structure has mistakes."""
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
    texts = _texts(common) if isinstance(common, Mapping) else None
    return Outline(written, entries, numbers, texts, _extras(data.get("prodsys", {}))), wrong


def _entry(entry: Mapping[str, Any]) -> Entry:
    query, config = entry.get("input_meta_query"), entry.get("job_config")
    return Entry(
        number_of(entry),
        _texts(query) if isinstance(query, Mapping) else None,
        _texts(config) if isinstance(config, Mapping) else None,
    )


def _texts(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in mapping.items()}


def _extras(data: Any) -> Extras:
    """Return ``prodsys`` without its wrong parts, which were reported."""
    try:
        return Extras.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            data = _without(data, item["loc"])
    with contextlib.suppress(ValidationError):
        return Extras.model_validate(data)
    return Extras()


def _without(data: Any, where: tuple[int | str, ...]) -> Any:
    """Return the mapping without the key at the end of ``where``, or the last existing one."""
    if not isinstance(data, Mapping) or not where or where[0] not in data:
        return data
    key, rest = where[0], where[1:]
    inner = data[key]
    if rest and isinstance(inner, Mapping) and rest[0] in inner:
        return {**data, key: _without(inner, rest)}
    return {name: value for name, value in data.items() if name != key}


def number_of(entry: Any) -> int | None:
    """Return the ID of an entry of ``ProdSteps``; None if it has none."""
    number = entry.get("ID") if isinstance(entry, Mapping) else None
    fits = isinstance(number, int) and not isinstance(number, bool) and number >= 1
    return number if fits else None
