"""What pydantic says of wrong data, in words for the person who wrote it.

Invariant: one mistake, one problem: the branches of a union are told together, and tags that
pydantic puts into a location are left out, so that every path leads into the data.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import BaseModel, ValidationError

from dirac_prodsys.core.problems import Path, Problem, nearest

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "tuple_type": "a list ([a, b])",
    "list_type": "a list ([a, b])",
}
_BOUND = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def explain(error: ValidationError, model: type[BaseModel], data: Any) -> list[Problem]:
    """The problems of ``data`` as an instance of ``model``, with paths from the top of ``data``."""
    grouped: dict[Path, list[Any]] = {}
    for item in error.errors(include_url=False):
        grouped.setdefault(_path(item["loc"], item["type"], data), []).append(item)
    return [_problem(path, items, model, data) for path, items in grouped.items()]


def _problem(path: Path, items: list[Any], model: type[BaseModel], data: Any) -> Problem:
    first = items[0]
    if first["type"] == "missing":
        known = _keys(model, path[:-1])
        return Problem(
            path, f"key {path[-1]!r} is missing", f"known here: {', '.join(known)}", on_key=True
        )
    if first["type"] == "extra_forbidden":
        key = str(path[-1])
        return Problem(
            path, f"unknown key {key!r}", nearest(key, _keys(model, path[:-1])), on_key=True
        )
    if first["type"] == "literal_error":
        allowed = [
            word.strip(" '") for word in first["ctx"]["expected"].replace(" or ", ",").split(",")
        ]
        return Problem(
            path,
            f"{say(first['input'])} is not a word known here",
            nearest(str(first["input"]), allowed),
        )
    if first["type"] in _BOUND:
        words, key = _BOUND[first["type"]]
        return Problem(path, f"should be {words} {first['ctx'][key]:g}, not {first['input']}")
    if first["type"] == "value_error":
        return Problem(path, str(first["ctx"]["error"]))
    wanted = dict.fromkeys(_WANTED[i["type"]] for i in items if i["type"] in _WANTED)
    if "a number" in wanted:
        wanted.pop("a whole number", None)
    if wanted:
        found = first["input"]
        quote = "text" in wanted and isinstance(found, int | float)
        hint = "quote it if it is text" if quote else ""
        return Problem(path, f"should be {' or '.join(wanted)}, not {say(found)}", hint)
    return Problem(path, first["msg"])


def say(value: Any) -> str:
    """A value as it may stand in a sentence."""
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
    """``location`` without the parts that are names of pydantic's and not places in ``data``."""
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
    """The keys that a model knows at a path."""
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
    """The model that an annotation stands for: itself, or the only one of a union."""
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
