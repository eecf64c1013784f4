"""Holds the transformations of a workflow while it is read, and writes them as steps of our own.

Invariant: only outputs that somebody takes are uploaded: another step, or the workflow itself. If
a step uploads several, each file carries the name of its output, and who takes one asks for it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.communities.cwl.document.process import CwlStep
from dirac_prodsys.communities.cwl.form.hints import Hints
from dirac_prodsys.communities.cwl.form.values import Listed, Made, placed
from dirac_prodsys.core.language.located import Located, overlay

#: metadata field of files: the output that they are
OUTPUT_FIELD = "output"
#: files of a task that takes all: more than there can be
ALL_FILES = 100_000
#: keys of a hint that take the place of what was made, instead of being laid over it
_WHOLE = ("input", "output", "dataset")
_LITERAL = re.compile(r"[^$*?\[\]{}]*?(\.[A-Za-z0-9]+)*")
_ENDING = re.compile(r"((?:\.[A-Za-z][A-Za-z0-9]{0,8}){1,3})$")


@dataclass
class Draft:
    """One transformation.

    :param name: of our step.
    :param job: keys of its job, without what its outputs say.
    :param source: the files of its tasks; None: its tasks take none.
    :param group_size: files of a task; 0: all.
    :param tasks: number of tasks, without files.
    :param uploads: outputs that somebody takes, in order.
    :param fixed: outputs whose file has the same name whatever task makes it.
    :param result: outputs that are outputs of the workflow.
    :param waits_for: steps whose known files its jobs get.
    :param waits: files of other steps that must be there: ``LFN:/…``.
    """

    name: str
    step: CwlStep
    hints: Hints
    job: dict[str, Any]
    source: Made | Listed | None
    group_size: int
    tasks: int
    whole: Located
    uploads: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)
    result: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    waits_for: list[str] = field(default_factory=list)
    labelled: bool = False

    @property
    def makes_one(self) -> bool:
        """Whether it has one task, whatever happens."""
        return self.tasks == 1 if self.source is None else not self.group_size

    @property
    def marks(self) -> bool:
        """Whether its files carry the name of their output."""
        return self.labelled or len(self.uploads) > 1

    def files(self, port: str) -> list[str]:
        """Return the names under which the files of an output are uploaded."""
        globs = _globs(self, port)
        said = self.hints.counts.get(port)
        literal = len(globs) > 1 and all(_LITERAL.fullmatch(glob) for glob in globs)
        count = said.value if said is not None else len(globs) if literal else 1
        name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{self.name}_{port}")
        task = "" if port in self.fixed else "_@{JOB_ID}"
        if count == 1:
            return [f"{name}{task}{_ending(globs, 0)}"]
        return [f"{name}_{n + 1}{task}{_ending(globs, n)}" for n in range(count)]

    def lfn(self, port: str, below: str) -> str:
        """Return the LFN of an output with a fixed name.

        :param below: the directory of all outputs.
        """
        return f"LFN:{posixpath.join(self.directory(below), self.files(port)[0])}"

    def directory(self, below: str) -> str:
        """Return the directory of its outputs."""
        paths = {str(path.value) for path in self.hints.paths.values()}
        return paths.pop() if len(paths) == 1 else posixpath.join(below, self.name)


def _globs(draft: Draft, port: str) -> list[str]:
    glob = draft.step.run.outputs[port].where.get("outputBinding", "glob")
    if glob is not None and isinstance(glob.value, tuple):
        return [entry.value for entry in glob.value if isinstance(entry.value, str)]
    written = glob.value if glob is not None else _stream(draft, port)
    return [written] if isinstance(written, str) else []


def _ending(globs: list[str], number: int) -> str:
    found = _ENDING.search(globs[min(number, len(globs) - 1)]) if globs else None
    return found[1] if found and "$" not in found[1] else ""


def _stream(draft: Draft, port: str) -> Any:
    kind = draft.step.run.outputs[port].where.text("type")
    return draft.step.run.where.value_at(kind) if kind in ("stdout", "stderr") else None


def native_step(draft: Draft, drafts: Mapping[str, Draft]) -> Located:
    """Return the step as the native form writes it."""
    where, hints = draft.step.where, draft.hints
    made: dict[str, Any] = {"type": _type(draft)}
    words = where.get("doc") or where.get("label") or draft.step.run.where.get("label")
    if words is not None and isinstance(words.value, str):
        made["description"] = words.scalar(_one_line(words.value))
    if draft.source is None:
        made["tasks"] = draft.tasks
    else:
        made["input"] = _input(draft.source, drafts)
        made["group_size"] = draft.group_size or ALL_FILES
        if not draft.group_size and isinstance(draft.source, Made):
            made["start"] = "on_complete"
    named = {port: n if len(n) > 1 else n[0] for port, n in _files(draft).items()}
    job = {**draft.job, **({"outputs": named} if named else {}), **hints.job}
    made["job"] = job
    if draft.uploads:
        made["output"] = _output(draft)
    if draft.waits:
        made["after"] = draft.waits_for
        made["wait_for"] = [{"file": lfn.removeprefix("LFN:")} for lfn in draft.waits]
    if draft.result:
        made["dataset"] = _dataset(draft)
    return _with_hints(placed(where, made), hints.step)


def _type(draft: Draft) -> str:
    if draft.source is None:
        return "MCSimulation"
    return "DataProcessing" if draft.group_size == 1 else "Merging"


def _input(source: Made | Listed, drafts: Mapping[str, Draft]) -> dict[str, Any]:
    if isinstance(source, Listed):
        return dict(source.input)
    parents = list(dict.fromkeys(step for step, _ in source.by))
    made: dict[str, Any] = {"from": parents[0] if len(parents) == 1 else parents}
    if any(drafts[parent].marks for parent in parents):
        ports = sorted({port for _, port in source.by})
        made["where"] = {OUTPUT_FIELD: ports[0] if len(ports) == 1 else {"in": ports}}
    return made


def _files(draft: Draft) -> dict[str, list[str]]:
    return {port: draft.files(port) for port in draft.uploads}


def _output(draft: Draft) -> dict[str, Any]:
    files = _files(draft)
    made: dict[str, Any] = {"files": [name for names in files.values() for name in names]}
    paths = {str(path.value) for path in draft.hints.paths.values()}
    if len(paths) == 1:
        made["directory"] = next(iter(draft.hints.paths.values()))
    if draft.hints.se is not None:
        made["se"] = draft.hints.se
    if draft.marks:
        # one value for each file, or one for all
        ports: Any = [port for port, names in files.items() for _ in names]
        made["file_metadata"] = {OUTPUT_FIELD: ports if len(files) > 1 else ports[0]}
    return made


def _dataset(draft: Draft) -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", draft.name)
    made: dict[str, Any] = {
        "name": f"/${{{{ vo }}}}/datasets/${{{{ production }}}}_{name}_${{{{ run }}}}"
    }
    if draft.marks and set(draft.result) < set(draft.uploads):
        ports = draft.result
        made["where"] = {OUTPUT_FIELD: ports[0] if len(ports) == 1 else {"in": ports}}
    return made


def _with_hints(step: Located, keys: Mapping[str, Located]) -> Located:
    """Return the step with the keys of its hints laid over it."""
    for key, entry in keys.items():
        below = step.get(key)
        replaced = key in _WHOLE or (key == "job" and entry.text("type") not in (None, "cwl"))
        if below is None or replaced:
            if key == "input" and below is not None and below.get("from") and not entry.get("from"):
                entry = entry.put({"from": below.value["from"]})
            step = step.put({key: entry})
        else:
            step = step.put({key: overlay(below, entry)})
    return step


def _one_line(text: str) -> str:
    line = re.sub(r"[\"'\\]", "", " ".join(text.split()))
    return line if len(line) <= 200 else f"{line[:199]}…"


def takers(drafts: Iterable[Draft]) -> None:
    """Mark the outputs that steps take, and those that must be told apart."""
    by_name = {draft.name: draft for draft in drafts}
    for draft in by_name.values():
        if isinstance(draft.source, Made):
            for step, port in draft.source.by:
                uploads = by_name[step].uploads
                if port not in uploads:
                    uploads.append(port)
    for draft in by_name.values():
        if isinstance(draft.source, Made):
            parents = [by_name[step] for step, _ in draft.source.by]
            if any(parent.marks for parent in parents):
                for parent in parents:
                    parent.labelled = True
