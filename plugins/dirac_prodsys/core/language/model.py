"""Defines the native form, version 1, as models.

Every key that a user may write is here, or in ``core/production/production.py``; any other key is
an error.
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

from dirac_prodsys.core.grid.specs import MetaValue
from dirac_prodsys.core.models import Model, invalid
from dirac_prodsys.core.production.loops import LoopModel
from dirac_prodsys.core.production.notify import Notify
from dirac_prodsys.core.production.parameters import Parameter
from dirac_prodsys.core.production.policy import Approval, OnCancel, OnCancelForm, Policy, Start
from dirac_prodsys.core.production.schedule import Schedule
from dirac_prodsys.core.production.step import GroupSize, StepBase, TypeModel

VERSION = 1


class Header(Model):
    """What a production is called, and whose it is.

    :param on_cancel: ``stop``, ``leave``, or ``{action: clean, confirm: true}``.
    :param name: of the production and of its DAG; letters, digits and ``_ . -``.
    :param vo: virtual organisation that owns the files.
    :param description: shown to people.
    :param connection: Airflow connection ID of type ``dirac``.
    :param tags: of the DAG.
    :param links: shown on the page of the DAG: name → address, such as that of a runbook.
    :param approval: asked before anything is created.
    :param registry: whether its runs are entered in DIRAC's ProductionSystem.
    :param notify: who receives which notices; default: the deployment's rules.
    """

    name: StrictStr
    vo: StrictStr
    description: StrictStr = ""
    connection: StrictStr = "dirac_default"
    tags: tuple[StrictStr, ...] = ()
    links: dict[StrictStr, StrictStr] = Field(default={})
    approval: Approval | None = None
    on_cancel: OnCancelForm = OnCancel(action="stop")
    registry: StrictBool = True
    notify: Notify | None = None


class Input(Model):
    """Where files come from: ``from`` one step or several, a dataset, a list, or a query.

    :param lfns: a list, a text with one LFN on each line, or ``{file: name}``, the name of such a
        text in the same folder.
    :param verified_at: a storage element, or several; of the files that the one step under
        ``from`` copied, those whose replicas there are good: size and checksum were read from the
        storage, and are those of the catalogue. For steps that remove what was copied.
    :param steps: name of the parent step, or a list of them.
    :param dataset: name of a dataset of the catalogue, in full or its last part; instead of
        ``from``.
    :param where: meta query: narrows the parents' output or the dataset, or stands alone in a root.
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

    :param matrix: the axes that it depends on; without it, all.
    :param input: where its files come from; only for types with input.
    """

    input: Input | None = None
    matrix: tuple[StrictStr, ...] | None = None

    @model_validator(mode="after")
    def _one_number(self) -> NativeStep:
        if self.tasks is not None and self.target_events is not None:
            raise invalid("tasks and target_events both set the number of tasks", "keep one")
        return self


def _known_version(version: int) -> int:
    if version != VERSION:
        raise invalid(f"version {version} is not known here", f"write version: {VERSION}")
    return version


class Common(Model):
    """What all outputs share.

    :param directory: below which outputs go that do not name an absolute one.
    :param se: storage element of outputs that name none.
    :param metadata: of all outputs; a step's own are laid over them.
    """

    directory: StrictStr | None = None
    se: StrictStr | None = None
    metadata: dict[StrictStr, MetaValue] = Field(default={})


class OutputDefaults(Model):
    """What steps get that have an output, and do not say otherwise.

    :param se: storage element.
    :param files: local names that each task leaves (``@{JOB_ID}`` is the task ID).
    """

    se: StrictStr | None = None
    files: tuple[StrictStr, ...] = ()


class DatasetDefaults(Model):
    """What steps get that have a dataset, and do not say otherwise.

    :param where: narrows the step's output.
    :param freeze: fix the list of files for ever.
    :param annotation: text kept with it.
    """

    where: dict[StrictStr, Any] = Field(default={})
    freeze: StrictBool = True
    annotation: StrictStr = ""


class TypeDefaults(Model):
    """What steps of one type get that do not say otherwise.

    :param policy: laid over ``defaults.policy``.
    """

    policy: Policy = Policy()


class Defaults(Model):
    """What steps get that do not say otherwise.

    :param job: for jobs of its type; without a type, for scripts.
    :param output: for steps with an output.
    :param dataset: for steps with a dataset.
    :param group_size: for types with input.
    :param start: for steps with parents.
    :param policy: for types with input.
    :param by_type: for steps of a type, by its name.
    :param approval: for all steps.
    :param on_cancel: for all steps.
    """

    job: dict[StrictStr, Any] = Field(default={})
    output: OutputDefaults = OutputDefaults()
    dataset: DatasetDefaults = DatasetDefaults()
    group_size: GroupSize | None = None
    start: Start = "streaming"
    policy: Policy = Policy()
    by_type: dict[StrictStr, TypeDefaults] = Field(default={})
    approval: Approval | None = None
    on_cancel: OnCancelForm | None = None


class NativeFile(Model):
    """The whole file.

    :param extends: name of another file of the folder, over which this one is laid.
    :param version: of the language: 1.
    :param production: what it is called, and whose it is.
    :param parameters: values that a run may choose, by name.
    :param types: transformation types of the site, by name.
    :param loops: steps that are gone through again until a number is good enough, by name.
    :param common: what all outputs share.
    :param defaults: what steps get that do not say otherwise.
    :param matrix: axes and their values: every step is made for each combination.
    :param steps: by name, in any order.
    :param schedule: what begins its runs, besides people.
    """

    extends: StrictStr | None = None
    version: Annotated[StrictInt, AfterValidator(_known_version)]
    production: Header
    parameters: dict[StrictStr, Parameter] = Field(default={})
    types: dict[StrictStr, TypeModel] = Field(default={})
    common: Common = Common()
    defaults: Defaults = Defaults()
    matrix: dict[StrictStr, Any] = Field(default={})
    loops: dict[StrictStr, LoopModel] = Field(default={})
    steps: dict[StrictStr, NativeStep] = Field(min_length=1)
    schedule: Schedule | None = None
