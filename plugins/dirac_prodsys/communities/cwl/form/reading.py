"""Reads a workflow as the data of a production in the native form.

Invariant: what is returned needs no other file and no software of CWL: each job has its process
packed, and its digest pins it.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.communities.cwl.document import packing, validity
from dirac_prodsys.communities.cwl.document.process import Process, hints_of, view
from dirac_prodsys.communities.cwl.document.references import (
    WRONG,
    References,
    Unreadable,
)
from dirac_prodsys.communities.cwl.form.complete import complete_production, is_complete
from dirac_prodsys.communities.cwl.form.drafts import native_step
from dirac_prodsys.communities.cwl.form.hints import KNOWN, PRODUCTION, Hints, read_hints
from dirac_prodsys.communities.cwl.form.inputs import NEEDED, values_of_inputs
from dirac_prodsys.communities.cwl.form.links import together
from dirac_prodsys.communities.cwl.form.values import placed
from dirac_prodsys.communities.cwl.form.workflow import Mapper
from dirac_prodsys.communities.cwl.job.loading import pinned
from dirac_prodsys.core.language.located import Located, Mistakes, overlay
from dirac_prodsys.core.problems import Path, nearest
from dirac_prodsys.core.text.document import Document

Remarks = list[tuple[Path, str, str, str]]
#: below which outputs go that say nothing else
DIRECTORY = "/${{ vo }}/${{ production }}/${{ run }}"
METADATA = {"production": "${{ production }}", "run": "${{ run }}", "step": "${{ step }}"}
_KEYS = ("file", "digest", "inputs")


def production_of(
    tree: Located, document: Document, mistakes: Mistakes
) -> tuple[Located, Remarks, tuple[str, ...]] | None:
    """Return the data, remarks, and names of files; None, with mistakes noted, if it is wrong."""
    references = References(document, mistakes)
    named = tree.get("cwl")
    before = len(mistakes.found)
    try:
        whole = _whole(tree, named, references, mistakes)
        given = _given(named, whole, references, mistakes)
    except Unreadable:
        return None
    process = view(whole, mistakes)
    if process is not None and process.kind != "Workflow":
        reason = f"this is a {process.kind}, and a production is a Workflow"
        hint = "let a step run it (run: …, or job: {type: cwl, …}), and let its name begin with _"
        mistakes.add(whole.get("class") or whole, reason, hint, code=NEEDED)
    if process is None or len(mistakes.found) > before:
        return None
    validity.check(whole, mistakes)
    if len(mistakes.found) > before:
        return None
    if is_complete(process):
        whole_production = complete_production(process, mistakes)
        made: tuple[Located, Remarks] | None = None
        if whole_production is not None:
            made = whole_production, []
    else:
        made = _production(process, given, named, tree, document, mistakes)
    if made is None or len(mistakes.found) > before:
        return None
    return *made, tuple(references.read)


def _whole(
    tree: Located, named: Located | None, references: References, mistakes: Mistakes
) -> Located:
    """Return the workflow.

    :raises Unreadable: there is none.
    """
    if named is None:
        return references.whole(tree)
    file = named.get("file")
    for key, entry in named.items():
        if key not in _KEYS:
            mistakes.add(
                entry, f"unknown key {key!r}", nearest(key, _KEYS), on_key=True, code="unknown-key"
            )
    if file is None or not isinstance(file.value, str):
        reason = "cwl names no file"
        mistakes.add(named, reason, "write cwl: {file: name.cwl}", code="missing-key")
        raise Unreadable
    whole = references.process_of(file)
    wanted = named.get("digest")
    found = packing.digest(whole.plain())
    if wanted is not None and wanted.value != found:
        reason = f"the digest of {file.value} is {found}"
        mistakes.add(wanted, reason, "look at what changed, then write this digest", code=WRONG)
    return whole


def _given(
    named: Located | None, whole: Located, references: References, mistakes: Mistakes
) -> dict[str, Located]:
    inputs = named.get("inputs") if named is not None else None
    if inputs is None:
        hint = hints_of(whole).get(PRODUCTION) or hints_of(whole, "requirements").get(PRODUCTION)
        inputs = hint.get("inputs") if hint is not None else None
    if inputs is None:
        return {}
    if isinstance(inputs.value, str):
        inputs = references.tree_of(inputs)
    if not isinstance(inputs.value, dict):
        mistakes.add(
            inputs, "inputs are a mapping", "write inputs: {name: value}", code="wrong-type"
        )
        raise Unreadable
    return dict(inputs.items())


def _production(
    process: Process,
    given: dict[str, Located],
    named: Located | None,
    tree: Located,
    document: Document,
    mistakes: Mistakes,
) -> tuple[Located, Remarks] | None:
    where = process.where
    hints = read_hints(where)
    over = tree if named is not None else None
    common = _common(where, hints, over, mistakes)
    inputs, parameters = values_of_inputs(process, given, mistakes)
    if mistakes.found:
        return None
    directory = str(common.value_at("directory"))
    mapper = Mapper(mistakes, directory, where.get("$namespaces"))
    around = mapper.map(process, inputs)
    if not mistakes.found:
        mapper.finish(process, around)
    if mistakes.found:
        mistakes.found[:] = together(mistakes.found)
        return None
    if not mapper.drafts:
        mistakes.add(where, "no step of the workflow runs", "see its `when`", code=NEEDED)
        return None
    steps = {}
    for name, draft in mapper.drafts.items():
        step = native_step(draft, mapper.drafts)
        job = step.value["job"]
        if job.text("type") == "cwl":
            step = step.put({"job": pinned(job, draft.whole, mistakes)})
        steps[name] = step
    data: dict[str, Any] = {
        "version": 1,
        "production": _header(where, hints, over, document, mistakes),
    }
    if parameters:
        data["parameters"] = parameters
    data["common"] = common
    data["steps"] = steps
    made = placed(where, data)
    for key, entry in hints.file.items():
        below = made.get(key)
        made = made.put(
            {key: overlay(below, entry) if below is not None and key != "common" else entry}
        )
    made = made.put({"common": common})
    return made, _remarks([*(("", words) for _, words in hints.unknown), *mapper.unknown])


def _common(where: Located, hints: Hints, over: Located | None, mistakes: Mistakes) -> Located:
    base = placed(where, {"directory": DIRECTORY, "metadata": METADATA})
    said = hints.file.get("common")
    if said is not None:
        base = overlay(base, said)
    base = base.put(hints.common)
    written = over.get("common") if over is not None else None
    return base if written is None else overlay(base, written)


def _header(
    where: Located, hints: Hints, over: Located | None, document: Document, mistakes: Mistakes
) -> Located:
    """Return ``production:``; what the file around the workflow says is laid over it later."""
    stem = document.file.rpartition("/")[2].partition(".")[0]
    header: dict[str, Any] = dict(hints.header)
    written = over.get("production") if over is not None else None
    known = {**header, **(dict(written.items()) if written is not None else {})}
    if over is None:
        header.setdefault("name", stem)
    if "vo" not in known:
        hint = (
            "write the hint dirac:Production: {vo: …, se: …}, or a production of five lines: "
            "production: {name: …, vo: …}, cwl: {file: …}"
        )
        mistakes.add(where, "nothing says whose files these are", hint, code=NEEDED)
    words = where.get("label") or where.get("doc")
    if words is not None and isinstance(words.value, str):
        header.setdefault("description", words.scalar(" ".join(words.value.split())))
    return placed(where, header)


def _remarks(unknown: list[tuple[str, str]]) -> Remarks:
    found: Remarks = []
    for step, words in dict.fromkeys(unknown):
        dropped = words.startswith("output ")
        reason = f"nothing follows from {words}"
        hint = "only files are outputs of a production" if dropped else f"known: {', '.join(KNOWN)}"
        path: Path = ("steps", step) if step else ("production",)
        found.append((path, reason, hint, "cwl-dropped" if dropped else "cwl-hint"))
    return found
