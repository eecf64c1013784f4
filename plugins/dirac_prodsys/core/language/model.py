"""The native form, version 1, as models: every key that a user may write stands here, or in
``core/production.py``, and the rest is an error.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictInt, StrictStr, field_validator

from dirac_prodsys.core.model_errors import wrong
from dirac_prodsys.core.production import Model, StepBase

VERSION = 1


class Header(Model):
    """``production:``."""

    name: StrictStr
    vo: StrictStr
    description: StrictStr = ""
    connection: StrictStr = "dirac_default"
    tags: tuple[StrictStr, ...] = ()


class Input(Model):
    """``input:`` of a step: ``from`` one step or a list of them, a dataset, or a list of files.

    :param lfns: a list, a text with one LFN on each line, or ``{file: name}``, the name of such a
        text beside this file; made a list before this model is applied.
    """

    steps: tuple[StrictStr, ...] = Field(default=(), alias="from")
    dataset: StrictStr | None = None
    lfns: tuple[StrictStr, ...] = ()
    where: dict[StrictStr, Any] = Field(default={})

    @field_validator("steps", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class NativeStep(StepBase):
    """One entry of ``steps:``; its key is its name."""

    input: Input | None = None


def _known_version(version: int) -> int:
    if version != VERSION:
        raise wrong(f"version {version} is not known here", f"write version: {VERSION}")
    return version


class NativeFile(Model):
    """The whole file."""

    version: Annotated[StrictInt, AfterValidator(_known_version)]
    production: Header
    steps: dict[StrictStr, NativeStep] = Field(min_length=1)
