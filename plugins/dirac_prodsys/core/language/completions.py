"""Lists the keys that may stand at each place of a production, for a light completion.

Invariant: made of the schema, so that an editor offers what the reader takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from dirac_prodsys.core.language.schema import Schema, definition_name, described

#: name of the model of the whole file
FILE = "File"
#: key whose keys depend on the type of the job: all of those are offered
_JOB, _JOBS = "job", "Job"


@cache
def completions() -> dict[str, list[dict[str, Any]]]:
    """Return model → its keys, each with what it means, its words, and the model below it.

    ``below`` is the model of the value, ``entries`` that of each entry of a mapping or a list.
    """
    schema, definitions = described()
    found = {name: list(_rows(one)) for name, one in definitions.items() if "properties" in one}
    found[FILE] = list(_rows(schema))
    jobs: dict[str, dict[str, Any]] = {}
    # those of a script come first
    for name in sorted(definitions, key=lambda name: (name != "job_script", name)):
        if name.startswith(definition_name("")):
            for row in found.pop(name, []):
                jobs.setdefault(row["key"], {**row, "needed": False})
    jobs["type"]["words"] = sorted(_types(definitions))
    found[_JOBS] = list(jobs.values())
    return found


def _types(definitions: Mapping[str, Schema]) -> Iterator[str]:
    for name in definitions:
        if name.startswith(definition_name("")):
            yield name.removeprefix(definition_name("")).replace("_", ":", 1)


def _rows(definition: Schema) -> Iterator[dict[str, Any]]:
    needed = definition.get("required", ())
    for key, value in definition["properties"].items():
        entries = _model(value.get("additionalProperties"), value.get("items"), *_any(value, True))
        yield {
            "key": key,
            "about": str(value.get("description", "")),
            "needed": key in needed,
            "words": _words(value),
            "below": _JOBS if key == _JOB else _model(value, *_any(value, False)),
            "entries": entries,
        }


def _any(value: Schema, inner: bool) -> Iterator[Any]:
    for one in (*value.get("anyOf", ()), *value.get("oneOf", ())):
        if inner:
            yield from (one.get("additionalProperties"), one.get("items"))
        else:
            yield one


def _model(*schemas: Any) -> str:
    for one in schemas:
        if isinstance(one, Mapping) and "$ref" in one:
            return str(one["$ref"]).rpartition("/")[2]
        if isinstance(one, Mapping):
            for part in one.get("anyOf", ()):
                if "$ref" in part:
                    return str(part["$ref"]).rpartition("/")[2]
    return ""


def _words(value: Schema) -> list[str]:
    found = [str(word) for part in (value, *_any(value, False)) for word in part.get("enum", ())]
    if any(part.get("type") == "boolean" for part in (value, *_any(value, False))):
        found += ["true", "false"]
    return found
