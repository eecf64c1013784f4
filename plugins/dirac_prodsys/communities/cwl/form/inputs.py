"""Reads what the inputs of a workflow are when it becomes a production.

An input that is given is known. One that is not given and has one value becomes a parameter, so
that each run may choose it, unless the shape of the production follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.cwl.document.process import Port, Process
from dirac_prodsys.communities.cwl.document.types import FILES, fits
from dirac_prodsys.communities.cwl.form.expressions import is_expression
from dirac_prodsys.communities.cwl.form.values import Asked, Known, Listed, Value, placed
from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.core.problems import nearest

#: code of what a production must be told
NEEDED = "cwl-production"
#: CWL's type → that of a parameter
PARAMETERS = {
    "string": "string",
    "int": "int",
    "long": "int",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
}
_SOURCES = frozenset({"dataset", "lfns", "where"})
_PLAIN_TEXT = re.compile(r"[^\"'\\`$@\n]{1,255}")
_SCHEME = re.compile(r"lfn:/*", re.IGNORECASE)


def fixed_inputs(process: Process) -> set[str]:
    """Return the inputs of a workflow from which its shape follows."""
    found: set[str] = set()
    for step in process.steps.values():
        inside = step.run.kind
        for name, link in step.links.items():
            decides = (
                step.when is not None
                or name in step.scatter
                or inside in ("ExpressionTool", "Workflow")
                or link.value_from is not None
                or any(is_expression(_text(o.value_from)) for o in step.links.values())
                or len(link.sources) > 1
            )
            if decides:
                found |= {source.text for source in link.sources if not source.step}
    return found


def _text(located: Located | None) -> Any:
    return None if located is None else located.value


def values_of_inputs(
    process: Process, given: Mapping[str, Located], mistakes: Mistakes
) -> tuple[dict[str, Value], dict[str, Located]]:
    """Return the value of each input, and the parameters of the production."""
    values: dict[str, Value] = {}
    parameters: dict[str, Located] = {}
    fixed = fixed_inputs(process)
    for name, entry in given.items():
        if name not in process.inputs:
            reason = f"the workflow has no input {name!r}"
            mistakes.add(entry, reason, nearest(name, process.inputs), on_key=True, code=NEEDED)
    for name, port in process.inputs.items():
        written = given.get(name)
        if written is not None:
            values[name] = _given(name, port, written, mistakes)
            continue
        asked = None if name in fixed else _parameter(port)
        if asked is not None:
            parameter = re.sub(r"[^A-Za-z0-9_]", "_", name)
            parameter = parameter if parameter[:1].isalpha() else f"p_{parameter}"
            values[name], parameters[parameter] = Asked(parameter, port.where), asked
        elif port.default is not None:
            values[name] = _given(name, port, port.default, mistakes)
        else:
            values[name] = Known(None, port.where)
            if not port.type.optional:
                _note_missing(name, port, mistakes)
    return values, parameters


def _note_missing(name: str, port: Port, mistakes: Mistakes) -> None:
    if port.type.base in FILES:
        hint = f"write cwl: {{inputs: {{{name}: {{dataset: …}}}}}}, or lfns: […], or where: {{…}}"
        reason = f"input {name!r} takes files, and nothing says which"
    else:
        hint = f"write cwl: {{inputs: {{{name}: …}}}}, or a default"
        reason = f"input {name!r} must be known when the production is drawn"
    mistakes.add(port.where, reason, hint, on_key=True, code=NEEDED)


def _parameter(port: Port) -> Located | None:
    """Return the parameter that asks for the value; None: it is none that a run can choose."""
    kind = PARAMETERS.get(port.type.base)
    default = port.default
    if kind is None or port.type.depth or (port.type.optional and default is None):
        return None
    made: dict[str, Any] = {"type": kind}
    if default is not None:
        text = isinstance(default.value, str)
        if not fits(default.value, port.type) or (
            text and not _PLAIN_TEXT.fullmatch(default.value)
        ):
            return None
        made["default"] = default
    words = port.where.get("doc") or port.where.get("label")
    if words is not None and isinstance(words.value, str):
        line = " ".join(words.value.split())
        made["description"] = re.sub(r"[^ -~]|[\"'\\]", "", line)[:200]
    return placed(port.where, made)


def _given(name: str, port: Port, entry: Located, mistakes: Mistakes) -> Value:
    data = entry.plain()
    mixed = port.type.base in ("union", "Any") and port.type.takes_files(many=True)
    if port.type.is_file or (mixed and _names_files(data)):
        return _files(name, port, entry, mistakes)
    if not fits(data, port.type):
        reason = f"input {name!r} is {port.type.words()}, and {str(data)[:80]!r} is none"
        mistakes.add(entry, reason, "write a value of that type", code=NEEDED)
    return Known(data, entry)


def _files(name: str, port: Port, entry: Located, mistakes: Mistakes) -> Value:
    data = entry.plain()
    if data is None:
        return Known(None, entry)
    depth = port.type.depth
    if isinstance(data, Mapping) and data.keys() == {"lfns"} and isinstance(data["lfns"], list):
        named = tuple(f"LFN:{lfn}" for lfn in data["lfns"])
        return Listed(dict(entry.items()), depth, entry, named if depth else ())
    if isinstance(data, Mapping) and "class" not in data and data.keys() & _SOURCES:
        return Listed(dict(entry.items()), depth, entry)
    some = data if isinstance(data, list) else [data]
    lfns = [_lfn(one) for one in some]
    if some and all(lfns):
        paths = [lfn for lfn in lfns if lfn]
        named = tuple(f"LFN:{path}" for path in paths)
        return Listed({"lfns": paths}, int(isinstance(data, list)), entry, named)
    there = [_on_worker(one) for one in some]
    if some and all(there):
        return Known(there if isinstance(data, list) else there[0], entry)
    hint = "write LFN:/…, {dataset: …}, {lfns: […]}, {where: {…}}, or a path below /cvmfs"
    mistakes.add(entry, f"input {name!r} names files of this machine", hint, code=NEEDED)
    return Known(None, entry)


def _names_files(data: Any) -> bool:
    if isinstance(data, Mapping) and "class" not in data:
        return bool(data) and data.keys() <= _SOURCES
    some = data if isinstance(data, list) else [data]
    return bool(some) and all(_lfn(one) for one in some)


def _place(one: Any) -> str:
    if isinstance(one, Mapping):
        one = one.get("location") or one.get("path")
    return one if isinstance(one, str) else ""


def _lfn(one: Any) -> str:
    place = _place(one)
    return "/" + _SCHEME.sub("", place, count=1) if _SCHEME.match(place) else ""


def _on_worker(one: Any) -> dict[str, str]:
    place = _place(one).removeprefix("file://")
    return {"class": "File", "path": place} if place.startswith("/cvmfs/") else {}
