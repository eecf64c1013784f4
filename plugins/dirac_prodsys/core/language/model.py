"""The native form, version 1, as models: every key that a user may write stands here, or in
``core/production.py``, and the rest is an error.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from dirac_prodsys.core.conduct import Approval, OnCancel, OnCancelForm, Policy, Start
from dirac_prodsys.core.model_errors import wrong
from dirac_prodsys.core.notify import Notify
from dirac_prodsys.core.parameters import Parameter
from dirac_prodsys.core.production import GroupSize, Model, StepBase, TypeModel
from dirac_prodsys.core.specs import MetaValue

VERSION = 1


class Header(Model):
    """``production:``.

    :param on_cancel: ``stop``, ``leave``, or ``{action: clean, confirm: true}``.
    """

    name: StrictStr
    vo: StrictStr
    description: StrictStr = ""
    connection: StrictStr = "dirac_default"
    tags: tuple[StrictStr, ...] = ()
    approval: Approval | None = None
    on_cancel: OnCancelForm = OnCancel(action="stop")
    registry: StrictBool = True
    notify: Notify | None = None


class Input(Model):
    """``input:`` of a step: ``from`` one step or a list of them, a dataset, or a list of files.

    :param lfns: a list, a text with one LFN on each line, or ``{file: name}``, the name of such a
        text beside this file; made a list before this model is applied.
    :param verified_at: a storage element, or several; of the files that the one step under
        ``from`` copied, those whose replicas there are good: size and checksum were read from the
        storage, and are those of the catalogue. For steps that remove what was copied.
    """

    steps: tuple[StrictStr, ...] = Field(default=(), alias="from")
    dataset: StrictStr | None = None
    lfns: tuple[StrictStr, ...] = ()
    where: dict[StrictStr, Any] = Field(default={})
    verified_at: tuple[StrictStr, ...] = ()

    @field_validator("steps", "verified_at", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class NativeStep(StepBase):
    """One entry of ``steps:``; its key is its name.

    :param matrix: the axes that it depends on; gone when this model is applied.
    """

    input: Input | None = None
    matrix: tuple[StrictStr, ...] | None = None

    @model_validator(mode="after")
    def _one_number(self) -> NativeStep:
        if self.tasks is not None and self.target_events is not None:
            raise wrong("tasks and target_events each say how many tasks there are", "keep one")
        return self


def _known_version(version: int) -> int:
    if version != VERSION:
        raise wrong(f"version {version} is not known here", f"write version: {VERSION}")
    return version


class Common(Model):
    """``common:``, what all outputs share.

    :param directory: below which outputs go that do not name an absolute one.
    """

    directory: StrictStr | None = None
    se: StrictStr | None = None
    metadata: dict[StrictStr, MetaValue] = Field(default={})


class OutputDefaults(Model):
    """``output:`` in ``defaults:``, for steps that have an output."""

    se: StrictStr | None = None
    files: tuple[StrictStr, ...] = ()


class DatasetDefaults(Model):
    """``dataset:`` in ``defaults:``, for steps that have a dataset."""

    where: dict[StrictStr, Any] = Field(default={})
    freeze: StrictBool = True
    annotation: StrictStr = ""


class Defaults(Model):
    """``defaults:``, what steps get that do not say otherwise.

    :param job: for jobs of its type; without a type, for scripts.
    """

    job: dict[StrictStr, Any] = Field(default={})
    output: OutputDefaults = OutputDefaults()
    dataset: DatasetDefaults = DatasetDefaults()
    group_size: GroupSize | None = None
    start: Start = "streaming"
    policy: Policy = Policy()
    approval: Approval | None = None
    on_cancel: OnCancelForm | None = None


class NativeFile(Model):
    """The whole file.

    :param extends: name of the file below; gone when this model is applied.
    """

    extends: StrictStr | None = None
    version: Annotated[StrictInt, AfterValidator(_known_version)]
    production: Header
    parameters: dict[StrictStr, Parameter] = Field(default={})
    types: dict[StrictStr, TypeModel] = Field(default={})
    common: Common = Common()
    defaults: Defaults = Defaults()
    matrix: dict[StrictStr, Any] = Field(default={})
    steps: dict[StrictStr, NativeStep] = Field(min_length=1)
