"""The native form, version 1: ``version``, ``production`` and ``steps`` by name.

The models below are the language: every key that a user may write stands here or in
``core/production.py``, and the rest is an error.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictStr, ValidationError, field_validator

from dirac_prodsys.core.model_errors import explain
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production import InputSpec, Model, Production, Step, StepBase
from dirac_prodsys.core.yaml_document import Document
from dirac_prodsys.core.yaml_scalar import loses_digits

KEYS = frozenset({"version", "production", "steps"})


class Header(Model):
    """``production:``."""

    name: StrictStr
    vo: StrictStr
    description: StrictStr = ""
    connection: StrictStr = "dirac_default"
    tags: tuple[StrictStr, ...] = ()


class Input(Model):
    """``input:`` of a step: ``from`` one step or a list of them, narrowed by ``where``."""

    steps: tuple[StrictStr, ...] = Field(default=(), alias="from")
    where: dict[StrictStr, Any] = Field(default={})

    @field_validator("steps", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class NativeStep(StepBase):
    """One entry of ``steps:``; its key is its name."""

    input: Input | None = None


class NativeFile(Model):
    """The whole file."""

    version: Literal[1]
    production: Header
    steps: dict[StrictStr, NativeStep] = Field(min_length=1)


def matches(data: dict[str, object]) -> bool:
    """Any of the three keys tells this form."""
    return bool(KEYS & data.keys())


def read(document: Document, problems: Problems) -> Production | None:
    """The production that the file describes."""
    _refuse_lost_digits(document, problems)
    try:
        native = NativeFile.model_validate(document.data)
    except ValidationError as error:
        for problem in explain(error, NativeFile, document.data):
            problems.add(problem.path, problem.reason, problem.hint, on_key=problem.on_key)
        return None
    header = native.production
    return Production(
        name=header.name,
        vo=header.vo,
        description=header.description,
        connection=header.connection,
        tags=header.tags,
        steps=tuple(_step(name, step) for name, step in native.steps.items()),
        source=document.source.text,
        file=document.file,
    )


def _step(name: str, native: NativeStep) -> Step:
    fields = {field: getattr(native, field) for field in StepBase.model_fields}
    source = native.input
    where = None if source is None else InputSpec(steps=source.steps, where=source.where)
    return Step(name=name, input=where, **fields)


def _refuse_lost_digits(document: Document, problems: Problems) -> None:
    """``1.10`` is the number 1.1: where a version was meant, a dataset would be wrong for ever."""
    for path, node in document.nodes.items():
        if node.plain is None or not ({"metadata", "where"} & set(path)):
            continue
        value = float(node.plain) if _is_float(node.plain) else None
        if loses_digits(node.plain, value):
            problems.add(
                path,
                f"{node.plain} is read as the number {value:g}",
                f'write "{node.plain}" if it is a version or a name, {value:g} if it is a number',
            )


def _is_float(text: str) -> bool:
    from dirac_prodsys.core.yaml_scalar import resolve

    return isinstance(resolve(text), float)
