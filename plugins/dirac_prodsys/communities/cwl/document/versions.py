"""Knows what changed between the versions of CWL: processes of several become one document.

Invariant: a process means what its own version says, and holds nothing that came later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dirac_prodsys.core.language.located import Located

#: versions that are read; a process of an older one may stand in one of a newer
VERSIONS = ("v1.0", "v1.1", "v1.2")
#: requirements, and fields of inputs, outputs and links, that are not in all of them
_REQUIREMENTS = dict.fromkeys(
    (
        "LoadListingRequirement",
        "WorkReuse",
        "NetworkAccess",
        "InplaceUpdateRequirement",
        "ToolTimeLimit",
    ),
    "v1.1",
)
_FIELDS = {"loadContents": "v1.1", "loadListing": "v1.1", "pickValue": "v1.2"}


def too_new(process: Located, version: str) -> Iterator[tuple[Located, str, str]]:
    """Yield what a process holds that came later: its place, what it is, and with which version."""
    for place, words, since in _since(process):
        if VERSIONS.index(since) > VERSIONS.index(version):
            yield place, words, since


def _since(process: Located) -> Iterator[tuple[Located, str, str]]:
    kind = process.get("class")
    if kind is not None and kind.value == "Operation":
        yield kind, "class Operation", "v1.2"
    if (intent := process.get("intent")) is not None:
        yield intent, "intent", "v1.2"
    for key in ("inputs", "outputs"):
        for port in _entries(process, key):
            yield from _of_fields(port)
            yield from _of_secondary(port)
    for name, entry in _named(process, "requirements"):
        if name in _REQUIREMENTS:
            yield entry, f"requirement {name}", _REQUIREMENTS[name]
        if name == "ResourceRequirement":
            for key, value in entry.items():
                if isinstance(value.value, float):
                    yield value, f"a part of one ({key})", "v1.2"
    for step in _entries(process, "steps"):
        if (when := step.get("when")) is not None:
            yield when, "when", "v1.2"
        for link in _entries(step, "in"):
            yield from _of_fields(link)


def _of_fields(port: Located) -> Iterator[tuple[Located, str, str]]:
    for key, since in _FIELDS.items():
        if (entry := port.get(key)) is not None:
            yield entry, key, since


def _of_secondary(port: Located) -> Iterator[tuple[Located, str, str]]:
    held = port.get("secondaryFiles")
    entries = held.value if held is not None and isinstance(held.value, tuple) else (held,)
    for entry in entries:
        if entry is not None and isinstance(entry.value, dict):
            yield entry, "a pattern of secondaryFiles", "v1.1"


def _entries(tree: Located, key: str) -> Iterator[Located]:
    held = tree.get(key)
    if held is None:
        return
    entries = held.value if isinstance(held.value, tuple) else (e for _, e in held.items())
    yield from (entry for entry in entries if isinstance(entry.value, dict))


def _named(tree: Located, key: str) -> Iterator[tuple[str, Located]]:
    held = tree.get(key)
    if held is None:
        return
    if isinstance(held.value, tuple):
        yield from ((e.text("class") or "", e) for e in held.value)
    else:
        yield from held.items()


def in_version(whole: Located, version: str, outer: str) -> Located:
    """Return the process with all inside it in one version, which is written once."""
    own = whole.text("cwlVersion") or outer
    made = dict(whole.value) if isinstance(whole.value, dict) else {}
    made.pop("cwlVersion", None)
    steps = made.get("steps")
    if steps is not None and isinstance(steps.value, dict):
        entries = {k: _step_in_version(s, version, own) for k, s in steps.items()}
        made["steps"] = replace(steps, value=entries)
    elif steps is not None and isinstance(steps.value, tuple):
        listed = tuple(_step_in_version(s, version, own) for s in steps.value)
        made["steps"] = replace(steps, value=listed)
    whole = replace(whole, value=made)
    return _as_before(whole) if own == "v1.0" != version else whole


def _step_in_version(step: Located, version: str, outer: str) -> Located:
    run = step.get("run")
    return step if run is None else step.put({"run": in_version(run, version, outer)})


def _as_before(tool: Located) -> Located:
    """Return a tool of v1.0 with what later versions no longer take for granted.

    These are the changes of ``cwl-upgrader``: network, and listings of directories.
    """
    if tool.text("class") == "Workflow":
        return tool
    later: Mapping[str, Any] = {
        "NetworkAccess": {"networkAccess": tool.scalar(True)},
        "LoadListingRequirement": {"loadListing": tool.scalar("deep_listing")},
    }
    hints = tool.get("hints")
    if hints is not None and isinstance(hints.value, tuple):
        added = tuple(tool.scalar({"class": tool.scalar(k), **v}) for k, v in later.items())
        return tool.put({"hints": replace(hints, value=(*hints.value, *added))})
    old = hints.value if hints is not None and isinstance(hints.value, dict) else {}
    made = {**{k: tool.scalar(dict(v)) for k, v in later.items()}, **old}
    return tool.put({"hints": tool.scalar(made)})
