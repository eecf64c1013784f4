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

from dirac_prodsys.core.conduct import Policy
from dirac_prodsys.core.model_errors import explain
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production import DatasetModel, Model
from dirac_prodsys.core.yaml_document import Document


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
    steps: dict[StrictStr, StepExtras] = Field(default={})


@dataclass(frozen=True)
class Outline:
    """As much of a file as can be read.

    :param written: steps by their place in ``ProdSteps``.
    :param numbers: IDs of all steps, also of those that are wrong otherwise.
    """

    written: Mapping[int, CtaoStep]
    numbers: Counter[int]
    common: Mapping[str, Any]
    prodsys: Extras


class CtaoFile(Model):
    """The whole file."""

    ProdSteps: tuple[CtaoStep, ...] = Field(min_length=1)
    Common: dict[StrictStr, Any]
    prodsys: Extras = Extras()


def outline(document: Document, problems: Problems) -> tuple[Outline | None, bool]:
    """What can be read of the file, and whether anything is wrong with what stands where."""
    data = document.data
    try:
        file = CtaoFile.model_validate(data)
    except ValidationError as error:
        problems.found += explain(error, CtaoFile, data)
    else:
        numbers = Counter(step.ID for step in file.ProdSteps)
        written = dict(enumerate(file.ProdSteps))
        return Outline(written, numbers, file.Common, file.prodsys), False
    listed = data.get("ProdSteps")
    if not isinstance(listed, list) or not isinstance(data.get("Common"), dict):
        return None, True
    written = {}
    for index, entry in enumerate(listed):
        with contextlib.suppress(ValidationError):
            written[index] = CtaoStep.model_validate(entry)
    try:
        extras = Extras.model_validate(data.get("prodsys", {}))
    except ValidationError:
        extras = Extras()
    numbers = Counter(n for entry in listed if (n := number_of(entry)) is not None)
    common = {str(key): value for key, value in data["Common"].items()}
    return Outline(written, numbers, common, extras), True


def number_of(entry: Any) -> int | None:
    """The ID of an entry of ``ProdSteps``; None if it has none."""
    number = entry.get("ID") if isinstance(entry, Mapping) else None
    fits = isinstance(number, int) and not isinstance(number, bool) and number >= 1
    return number if fits else None
