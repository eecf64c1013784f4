"""Defines what all models of a production have in common, and explains what they refuse.

``arguments: ${{ parameters.events }}`` is meant as text, ``tasks: ${{ parameters.tasks }}`` as a
number; only the key decides. A number from a placeholder is a number wherever one is allowed, and
its own text where only text is allowed; a number that a person wrote is never text.

Invariant: one mistake, one problem: the branches of a union are reported together, and tags that
pydantic puts into a location are left out, so that every path leads into the data.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictStr, ValidationError
from pydantic_core import PydanticCustomError

from dirac_prodsys.core.problems import Path, Problem, listed, nearest, short

_TEXT = ("text", "write a word, or quote it")
_WHOLE = ("a whole number", "write a number without quotes and fraction, such as 10")
_NUMBER = ("a number", "write a number without quotes, such as 0.5")
_BOOLEAN = ("true or false", "write true or false, without quotes")
_MAPPING = ("a mapping", "write 'key: value' below it, or {key: value}")
_LIST = ("a list", "write [a, b], or one '- item' on each line")
#: pydantic's type of error → what was expected, and how to write it
_WANTED = {
    "string_type": _TEXT,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "tuple_type": _LIST,
    "list_type": _LIST,
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_LENGTHS = {
    "too_short": ("at least", "min_length", "entries"),
    "too_long": ("at most", "max_length", "entries"),
    "string_too_short": ("at least", "min_length", "characters"),
    "string_too_long": ("at most", "max_length", "characters"),
}


class Model(BaseModel):
    """Cannot be changed, and takes no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FilledInt(int):
    """A whole number from a placeholder."""


class FilledFloat(float):
    """A number from a placeholder."""


def filled(value: bool | int | float | str) -> bool | int | float | str:
    """Mark the value as one from a placeholder."""
    if isinstance(value, bool | str):
        return value
    return FilledInt(value) if isinstance(value, int) else FilledFloat(value)


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, FilledInt | FilledFloat) else value


#: text, even if a placeholder gave a number
Text = Annotated[StrictStr, BeforeValidator(_as_text)]


def one_or_many(value: Any) -> Any:
    """Return a single text as a list of one, for keys that take one or several."""
    return (value,) if isinstance(value, str) else value


def invalid(reason: str, hint: str) -> PydanticCustomError:
    """Return the error that validators of models raise: what is wrong, and the way out."""
    return PydanticCustomError("prodsys", "{reason}", {"reason": reason, "hint": hint})


def explain(error: ValidationError, model: type[BaseModel], data: Any) -> list[Problem]:
    """Return the problems of ``data`` as a ``model``, with paths from the top of ``data``."""
    grouped: dict[Path, list[Any]] = {}
    for item in error.errors(include_url=False):
        if not _is_echo(item):
            path = _path(item["loc"], item["type"], data)
            grouped.setdefault(path, []).append(item)
    return [_problem(path, items, model) for path, items in grouped.items()]


def _is_echo(item: Any) -> bool:
    """Whether an error repeats another: a list with wrong entries is also called too short."""
    return bool(item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"])


def _problem(path: Path, items: list[Any], model: type[BaseModel]) -> Problem:
    first = items[0]
    kind, context = first["type"], first.get("ctx", {})
    if kind == "missing":
        known = listed(_keys(model, path[:-1]))
        return Problem(path, f"key {path[-1]!r} is missing", known, on_key=True, code="missing-key")
    if kind == "extra_forbidden":
        hint = nearest(str(path[-1]), _keys(model, path[:-1]))
        return Problem(
            path, f"unknown key {short(str(path[-1]))!r}", hint, on_key=True, code="unknown-key"
        )
    if kind == "literal_error":
        expected = context["expected"].replace(" or ", ",").split(",")
        hint = nearest(str(first["input"]), [word.strip(" '") for word in expected])
        return Problem(
            path, f"{spelled(first['input'])} is not a word known here", hint, code="unknown-word"
        )
    if kind == "prodsys":
        return Problem(path, context["reason"], context["hint"], code="wrong-value")
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        bound = f"{words} {context[key]:g}"
        return Problem(
            path, f"should be {bound}, not {first['input']}", f"write {bound}", code="wrong-value"
        )
    if kind in _LENGTHS:
        words, key, what = _LENGTHS[kind]
        if not first["input"]:
            return Problem(
                path,
                "should not be empty",
                "write at least one, or drop the key",
                code="wrong-value",
            )
        what = "characters" if isinstance(first["input"], str) else what
        bound = f"{words} {context[key]} {what}"
        return Problem(
            path,
            f"should have {bound}, not {len(first['input'])}",
            f"write {bound}",
            code="wrong-value",
        )
    wanted = [_WANTED[item["type"]] for item in items if item["type"] in _WANTED]
    if wanted:
        return _wrong_type(path, dict(wanted), first["input"])
    return Problem(path, first["msg"], "see the reference of this key", code="wrong-value")


def _wrong_type(path: Path, wanted: dict[str, str], found: Any) -> Problem:
    if _NUMBER[0] in wanted:
        wanted.pop(_WHOLE[0], None)
    words, hint = " or ".join(wanted), next(iter(wanted.values()))
    if _TEXT[0] in wanted and isinstance(found, int | float):
        hint = "quote it if it is text"
    return Problem(path, f"should be {words}, not {spelled(found)}", hint, code="wrong-type")


def spelled(value: Any) -> str:
    """Write a value for use in a sentence."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _path(location: tuple[str | int, ...], kind: str, data: Any) -> Path:
    """Return ``location`` without pydantic's own names, which are not places in ``data``."""
    path: Path = ()
    for number, part in enumerate(location):
        inside = (isinstance(data, Mapping) and part in data) or (
            isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        )
        if inside:
            path, data = (*path, part), data[part]
        elif kind == "missing" and number == len(location) - 1:
            path = (*path, part)
    return path


def _keys(model: Any, path: Path) -> list[str]:
    for part in path:
        model = _inner(model, part)
    model = _models(model)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _inner(annotation: Any, part: str | int) -> Any:
    model = _models(annotation)
    if model is not None:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        return None
    arguments = [a for a in typing.get_args(_bare(annotation)) if a is not Ellipsis]
    return arguments[-1] if arguments else None


def _models(annotation: Any) -> type[BaseModel] | None:
    """Return the model of an annotation: itself, or the only one of a union."""
    annotation = _bare(annotation)
    if typing.get_origin(annotation) in (Union, types.UnionType):
        found = [m for a in typing.get_args(annotation) if (m := _models(a)) is not None]
        return found[0] if len(found) == 1 else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _bare(annotation: Any) -> Any:
    while typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation
