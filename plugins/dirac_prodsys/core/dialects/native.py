"""The native form, version 1: ``version``, ``production`` and ``steps`` by name.

The models below are the language: every key that a user may write stands here or in
``core/production.py``, and the rest is an error.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictInt, StrictStr, ValidationError, field_validator

from dirac_prodsys.core.model_errors import explain, wrong
from dirac_prodsys.core.placeholders import NAMES
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production import InputSpec, Model, Production, Step, StepBase
from dirac_prodsys.core.step_draft import read_job
from dirac_prodsys.core.yaml_document import Document
from dirac_prodsys.core.yaml_scalar import loses_digits

VERSION = 1
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


def _known_version(version: int) -> int:
    if version != VERSION:
        raise wrong(f"version {version} is not known here", f"write version: {VERSION}")
    return version


class NativeFile(Model):
    """The whole file."""

    version: Annotated[StrictInt, AfterValidator(_known_version)]
    production: Header
    steps: dict[StrictStr, NativeStep] = Field(min_length=1)


def matches(data: dict[str, object]) -> bool:
    """Any of the three keys tells this form."""
    return bool(KEYS & data.keys())


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """The production that the file describes, and the names of steps that could not be read."""
    _refuse_lost_digits(document, problems)
    try:
        native = NativeFile.model_validate(document.data)
    except ValidationError as error:
        problems.found += explain(error, NativeFile, document.data)
        return _readable_part(document, problems)
    steps = tuple(_step(name, step) for name, step in native.steps.items())
    return _production(native.production, steps, document), frozenset()


def place(path: Path, document: Document) -> Path:
    """The native form is that of the plan."""
    return path


def _readable_part(
    document: Document, problems: Problems
) -> tuple[Production | None, frozenset[str]]:
    """As much of a wrong file as can be read, so that the rest of it is checked in the same run."""
    header, written = document.data.get("production"), document.data.get("steps")
    if not isinstance(header, dict) or not isinstance(written, dict):
        return None, frozenset()
    name, vo = header.get("name"), header.get("vo")
    if not isinstance(name, str) or not isinstance(vo, str):
        return None, frozenset()
    steps = []
    for step_name, data in written.items():
        try:
            steps.append(_step(step_name, NativeStep.model_validate(data)))
        except ValidationError:
            job = data.get("job") if isinstance(data, dict) else None
            if isinstance(job, dict):
                names = {name: name for name in NAMES}
                read_job(job, names, ("steps", step_name, "job"), problems)
    unread = frozenset(written) - {step.name for step in steps}
    return _production(Header(name=name, vo=vo), tuple(steps), document), unread


def _production(header: Header, steps: tuple[Step, ...], document: Document) -> Production:
    return Production(
        name=header.name,
        vo=header.vo,
        description=header.description,
        connection=header.connection,
        tags=header.tags,
        steps=steps,
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
        if loses_digits(node.plain):
            number = f"{float(node.plain):g}"
            problems.add(
                path,
                f"{node.plain} is read as the number {number}",
                f'write "{node.plain}" if it is a version or a name, {number} if it is a number',
            )
