"""Generates the reference of every key, as Markdown, from the models, so that it stays correct.

Type, default, limits and meaning come from the models and their docstrings; what belongs to no
single key is written by hand in ``docs/reference/production-yaml.md``.

Invariant: every key that a model accepts has a row, with a meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.core.community import Community, community_of
from dirac_prodsys.core.job_types import job_types
from dirac_prodsys.core.language.schema import Schema, definition_name, described

HEAD = """\
# Every key of the production YAML

Made of the models by `dirac-prodsys schema --format markdown`. How keys work together stands in
[the production YAML](production-yaml.md).
"""

#: definitions in the order of a reader, and the titles of their sections
_SECTIONS = {
    "Header": "production",
    "Schedule": "schedule",
    "AssetCondition": "schedule.assets",
    "NewFiles": "schedule.files",
    "EventField": "schedule.parameters_from_event",
    "Parameter": "parameters",
    "TypeModel": "types",
    "Common": "common",
    "Defaults": "defaults",
    "OutputDefaults": "defaults.output",
    "DatasetDefaults": "defaults.dataset",
    "TypeDefaults": "defaults.by_type",
    "NativeStep": "steps",
    "Input": "input",
    "OutputSpec": "output",
    "RunNumbers": "run_numbers",
    "DatasetModel": "dataset",
    "Policy": "policy",
    "Extension": "policy.extend",
    "Recovery": "policy.recovery",
    "ErrorRuleModel": "policy.recovery.errors",
    "Approval": "approval",
    "OnCancel": "on_cancel",
}

_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "mapping",
    "array": "list",
}
_LIMITS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("pattern", "matches `{}`"),
)


def markdown() -> str:
    """Write the whole reference."""
    schema, definitions = described()
    kinds = job_types()
    titles = dict(_SECTIONS)
    titles |= {n: n for n in definitions if n not in titles and not n.startswith("job_")}
    used = _used(schema, definitions, {definition_name(k) for k in kinds})
    lines = [HEAD, "## Top level", "", *_table(schema, titles, {})]
    for name in (n for n in titles if n in used):
        lines += ["", f"## {titles[name]}", "", _sentence(definitions[name]), ""]
        lines += _table(definitions[name], titles, {})
    for name in sorted(kinds, key=lambda name: ":" in name):
        kind, definition = kinds[name], definitions[definition_name(name)]
        community = community_of(name.partition(":")[0]) if ":" in name else None
        base = community.offered(community.job_base) if community and community.job_base else None
        shared: Mapping[str, Any] = {} if base is None else base.model_fields
        if community and shared and f"## job: all of {community.words}" not in lines:
            lines += _of_all(community, definition, titles, shared)
        lines += ["", f"## job: {name}", "", _sentence(definition), ""]
        own = _own(definition, shared) if shared else definition
        if kind.transformation:
            more = " Its keys besides those of all jobs:" if shared else ""
            lines += [f"The step's type is {kind.transformation}.{more}", ""]
        lines += _table(own, titles, {"type": name})
    return "\n".join(lines).rstrip() + "\n"


def table_of(definition: Schema, titles: Mapping[str, str]) -> list[str]:
    """Write the rows of one definition.

    :param titles: name of a definition → title of its section.
    """
    return _table(definition, titles, {})


def _of_all(
    community: Community,
    definition: Schema,
    titles: Mapping[str, str],
    shared: Mapping[str, Any],
) -> list[str]:
    """Write once what all jobs of a community have in common."""
    common = {k: v for k, v in definition["properties"].items() if k in shared and k != "type"}
    table = _table({**definition, "properties": common}, titles, {})
    words = community.job_words or f"Keys of every `{community.name}:` job."
    return ["", f"## job: all of {community.words}", "", words, "", *table]


def _own(definition: Schema, shared: Mapping[str, Any]) -> Schema:
    """Return the keys of one job of a community that are its own or differ from the common ones."""
    needed = set(definition.get("required", ()))
    plain = {n for n, field in shared.items() if field.is_required()}
    own = {
        key: value
        for key, value in definition["properties"].items()
        if key == "type" or key not in shared or (key in needed and key not in plain)
    }
    return {**definition, "properties": own}


def _used(schema: Schema, definitions: Schema, roots: set[str]) -> set[str]:
    """Return the definitions that some key refers to."""
    found, queue = set[str](), [schema, *(definitions[name] for name in roots)]
    while queue:
        for name in _references(queue.pop()):
            if name not in found:
                found.add(name)
                queue.append(definitions[name])
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield str(schema["$ref"]).rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _table(
    definition: Schema, titles: Mapping[str, str], constants: Mapping[str, str]
) -> list[str]:
    rows = ["| key | type | default | |", "|---|---|---|---|"]
    needed = definition.get("required", ())
    for key, value in definition["properties"].items():
        type_ = f"`{constants[key]}`" if key in constants else _type(value, titles)
        limits = ", ".join(_limits(value))
        kind = f"{type_}; {limits}" if limits else type_
        default = "required" if key in needed else _default(value)
        meaning = "the job type" if key in constants else _cell(str(value.get("description", "")))
        rows.append(f"| `{key}` | {kind} | {default} | {meaning} |")
    return rows


def _type(value: Schema, titles: Mapping[str, str]) -> str:
    if "$ref" in value:
        name = str(value["$ref"]).rpartition("/")[2]
        title = titles[name]
        return f"[{title}](#{_anchor(title)})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " ".join(f"`{word}`" for word in value["enum"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in value:
            kinds = [_type(one, titles) for one in value[key] if one.get("type") != "null"]
            if _WORDS["number"] in kinds and _WORDS["integer"] in kinds:
                kinds.remove(_WORDS["integer"])
            return " or ".join(dict.fromkeys(kinds))
    kind = value.get("type")
    if kind == "array":
        items = value.get("items") or {}
        return f"list of {_type(items, titles)}" if items else "list"
    if kind == "object":
        entries = value.get("additionalProperties")
        return f"mapping of {_type(entries, titles)}" if isinstance(entries, dict) else "mapping"
    return _WORDS.get(str(kind), "any value")


def _limits(value: Schema) -> Iterator[str]:
    for part in (value, *value.get("anyOf", ()), *value.get("allOf", ())):
        for key, words in _LIMITS:
            if key in part and "$ref" not in part:
                yield _cell(words.format(part[key]))
        if part is not value and isinstance(part.get("items"), dict):
            yield from _limits(part["items"])


def _default(value: Schema) -> str:
    default = value.get("default")
    if default in (None, "", [], {}):
        return "none"
    if isinstance(default, dict):
        keys = {k: v for k, v in default.items() if v not in (None, "", [], {})}
        return "see there" if len(keys) != 1 else f"`{json.dumps(keys)}`"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _sentence(definition: Schema) -> str:
    return str(definition.get("description", ""))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(title: str) -> str:
    kept = "".join(c for c in title.lower() if c.isalnum() or c in "-_ ")
    return kept.replace(" ", "-")
