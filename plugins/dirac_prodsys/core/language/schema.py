"""Generates the JSON Schema of the native form, for editors, from the models.

It completes and warns while one writes; ``lint`` decides. So it is wider than the models where one
file alone is not enough: a key may come from ``extends`` or ``defaults``, and a number may be a
placeholder.

Invariant: every production that ``lint`` accepts is valid by the schema.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

from dirac_prodsys.core.community import built_in
from dirac_prodsys.core.grid.task_plugins import PLUGINS
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.job_types import job_types
from dirac_prodsys.core.language.model import VERSION, NativeFile

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALAR: Schema = {"type": ["string", "number"]}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
_PLACEHOLDER: Schema = {
    "type": "string",
    "pattern": r"\$\{\{\s*(parameters|matrix)\.\w+\s*\}\}",
    "description": "${{ parameters.name }} or ${{ matrix.axis }}",
}
_OPERATORS = ("=", "!=", "in", "nin", "<", "<=", ">", ">=")
_CONDITION: Schema = {
    "description": "a value, a list of values, or operators",
    "anyOf": [
        _SCALAR,
        {"type": "array", "items": _SCALAR, "minItems": 1},
        {
            "type": "object",
            "properties": {
                word: {"type": "array", "items": _SCALAR} if word in ("in", "nin") else _SCALAR
                for word in _OPERATORS
            },
            "additionalProperties": False,
        },
    ],
}
_QUERY: Schema = {"type": "object", "additionalProperties": _CONDITION}
_BRANCHES: Schema = {
    "type": "array",
    "items": {"type": "object", "additionalProperties": _SCALAR, "minProperties": 1},
}
_MATRIX: Schema = {
    "type": "object",
    "description": "axes and their values: every step is made for each combination",
    "properties": {"include": _BRANCHES, "exclude": _BRANCHES},
    "additionalProperties": {"type": "array", "items": _SCALAR, "minItems": 1},
}
_LFNS: Schema = {
    "description": "a list, a text with one LFN on each line, or a file in the same folder",
    "anyOf": [
        _TEXTS,
        {"type": "string"},
        {
            "type": "object",
            "properties": {"file": {"type": "string", "pattern": r"\.txt$"}},
            "required": ["file"],
            "additionalProperties": False,
        },
    ],
}


def json_schema() -> Schema:
    """Return the schema of version 1."""
    schema, definitions = described()
    definitions = {name: _widened(definition) for name, definition in definitions.items()}
    schema = _widened(schema)
    _set_forms(schema, definitions)
    more = _of_communities()
    schema["properties"] |= more
    alone = [{"required": ["version", "production", key]} for key in more]
    return {
        "$schema": DIALECT,
        "title": f"dirac_prodsys production, version {VERSION}",
        **{key: value for key, value in schema.items() if key != "title"},
        "anyOf": [
            {"required": ["extends"]},
            {"required": ["version", "production", "steps"]},
            *alone,
        ],
        "$defs": dict(sorted({**definitions, "Placeholder": _PLACEHOLDER}.items())),
    }


def _of_communities() -> Schema:
    """Return the keys that built-in communities add to a file."""
    found: Schema = {}
    for community in built_in():
        if community.file_keys:
            found |= community.offered(community.file_keys)()
    return found


def described() -> tuple[Schema, Schema]:
    """Return the models unchanged, with descriptions: the file, and its definitions by name."""
    schema, definitions = described_model(NativeFile)
    definitions |= _jobs()
    _describe(NativeFile, schema, definitions)
    return schema, definitions


def described_model(model: type[BaseModel]) -> tuple[Schema, Schema]:
    """Return a model unchanged, with descriptions, and its definitions by name."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    definitions: Schema = schema.pop("$defs", {})
    _describe(model, schema, definitions)
    return schema, definitions


def _jobs() -> Schema:
    """Return a definition for every job type, and for what they are made of."""
    found: Schema = {}
    for name, kind in job_types().items():
        schema = kind.attributes.model_json_schema(by_alias=True, mode="validation")
        inner: Schema = schema.pop("$defs", {})
        _describe(kind.attributes, schema, inner)
        if kind.derives:
            schema["properties"]["type"] = {"const": name}
            schema["properties"].pop("group_size", None)  # a key of the step
        found |= {**inner, definition_name(name): schema}
    return found


def definition_name(job: str) -> str:
    """Return the name under which a job type is defined."""
    return f"job_{job.replace(':', '_')}"


def _set_forms(schema: Schema, definitions: Schema) -> None:
    """Add the other forms in which a file may write what the models see."""
    types = [{"enum": sorted(TRANSFORMATION_TYPES)}, {"type": "string"}]
    plugin = [{"enum": sorted(PLUGINS)}, {"type": "string"}]
    jobs = [{"$ref": f"#/$defs/{definition_name(name)}"} for name in sorted(job_types())]
    words = {"enum": ["stop", "leave", "clean"]}
    forms: dict[str, Schema] = {
        "type": {"anyOf": types},
        "plugin": {"anyOf": plugin},
        "job": {"anyOf": jobs},
        "matrix": _TEXTS,
        "after": {"anyOf": [{"type": "string"}, _TEXTS]},
        "on_cancel": {"anyOf": [words, {"$ref": "#/$defs/OnCancel"}]},
    }
    for key, form in forms.items():
        _replace(definitions["NativeStep"], key, form)
    family = {"properties": {"type": {"pattern": r":\*$"}}, "required": ["type"]}
    forms["job"] = {"anyOf": [*jobs, {"type": "object", **family}]}
    for name in ("Defaults", "Header"):
        for key in ("job", "on_cancel"):
            _replace(definitions[name], key, forms[key])
    _replace(definitions["TypeModel"], "plugin", forms["plugin"])
    _replace(definitions["Input"], "from", {"anyOf": [{"type": "string"}, _TEXTS]})
    _replace(definitions["Input"], "lfns", _LFNS)
    one_or_many = {"anyOf": [{"type": "string"}, _TEXTS]}
    _replace(definitions["Schedule"], "cron", one_or_many)
    _replace(definitions["NewFiles"], "each", one_or_many)
    of_event = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/EventField"}]}
    named = {"type": "object", "additionalProperties": of_event}
    _replace(definitions["Schedule"], "parameters_from_event", named)
    for name in ("Input", "DatasetModel", "DatasetDefaults", "NewFiles"):
        _replace(definitions[name], "where", _QUERY)
    _replace(schema, "matrix", _MATRIX)
    _replace(schema, "version", {"const": VERSION})


def _replace(definition: Schema, key: str, form: Schema) -> None:
    old = definition["properties"].get(key)
    if old is not None:
        kept = {k: old[k] for k in ("description", "default") if k in old}
        definition["properties"][key] = {**kept, **form}


def _widened(schema: Any) -> Any:
    """Widen a schema: nothing required, placeholders for numbers and words, null allowed."""
    if isinstance(schema, list):
        return [_widened(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    found = {k: _widened(v) for k, v in schema.items() if k not in ("required", "title")}
    if "properties" in schema:
        found["properties"] = {k: _widened(v) for k, v in schema["properties"].items()}
    entries = found.get("additionalProperties")
    if isinstance(entries, dict):
        found["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
    if schema.get("type") in ("integer", "number", "boolean") or "enum" in schema:
        kept = {k: found.pop(k) for k in ("description", "default") if k in found}
        return {**kept, "anyOf": [found, {"$ref": "#/$defs/Placeholder"}]}
    return found


def _describe(model: type[BaseModel], schema: Schema, definitions: Schema) -> None:
    """Add descriptions from docstrings: the first sentence of a model, ``:param`` of its fields."""
    seen: set[type[BaseModel]] = set()
    queue = [model]
    while queue:
        each = queue.pop()
        if each in seen:
            continue
        seen.add(each)
        target = schema if each is model else definitions.get(each.__name__)
        if target is not None:
            _describe_one(each, target)
        for field in each.model_fields.values():
            queue += _models_in(field.annotation)


def _describe_one(model: type[BaseModel], target: Schema) -> None:
    documents = [cls.__doc__ or "" for cls in model.__mro__ if issubclass(cls, BaseModel)]
    first = re.split(r"\n\s*\n", documents[0].strip())[0]
    target["description"] = " ".join(first.split()).replace("``", "")
    words: dict[str, str] = {}
    for text in reversed(documents):
        for name, description in re.findall(r":param (\w+): (.*?)(?=\n\s*:|\Z)", text, re.DOTALL):
            words[name] = " ".join(description.split()).replace("``", "")
    for name, field in model.model_fields.items():
        place = target.get("properties", {}).get(field.alias or name)
        if place is not None and name in words:
            place["description"] = words[name]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
