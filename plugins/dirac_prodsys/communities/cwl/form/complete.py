"""Reads a workflow whose hints say everything: what ``form/writing`` has written.

Invariant: the production is what the hints say, word for word; CWL itself says which step takes
the files of which, and what a job of type ``cwl`` runs.
"""

from __future__ import annotations

from dirac_prodsys.communities.cwl.document.process import CwlStep, Process, hints_of
from dirac_prodsys.communities.cwl.form.hints import PRODUCTION, TRANSFORMATION
from dirac_prodsys.communities.cwl.form.inputs import NEEDED
from dirac_prodsys.communities.cwl.form.values import placed
from dirac_prodsys.communities.cwl.job.loading import pinned
from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.core.language.model import Header

COMPLETE = "complete"


def is_complete(process: Process) -> bool:
    """Whether the hints of a workflow say everything."""
    hint = hints_of(process.where).get(PRODUCTION)
    said = hint.get(COMPLETE) if hint is not None else None
    return said is not None and said.value is True


def complete_production(process: Process, mistakes: Mistakes) -> Located | None:
    """Return the data of the production; None, with mistakes noted, if a step has no hint."""
    hint = hints_of(process.where)[PRODUCTION].drop(COMPLETE, "inputs")
    header = {key: entry for key, entry in hint.items() if key in Header.model_fields}
    more = {key: entry for key, entry in hint.items() if key not in header}
    steps = {}
    for name, step in process.steps.items():
        made = _step(step, process, mistakes)
        if made is not None:
            steps[name] = made
    data = {"version": 1, "production": header, **more, "steps": steps}
    return None if mistakes.found else placed(process.where, data)


def _step(step: CwlStep, process: Process, mistakes: Mistakes) -> Located | None:
    made = hints_of(step.where).get(TRANSFORMATION)
    if made is None:
        reason = f"step {step.name!r} of a complete production has no hint"
        hint = f"write {TRANSFORMATION}, or leave out {PRODUCTION}: {{{COMPLETE}: true}}"
        mistakes.add(step.where, reason, hint, code=NEEDED)
        return None
    words = step.where.get("doc")
    if words is not None:
        made = made.put({"description": words})
    parents = dict.fromkeys(s.step for k in step.links.values() for s in k.sources if s.step)
    source = made.get("input") or step.where.scalar({})
    if parents and source.get("from") is None:
        made = made.put({"input": source.put({"from": placed(step.where, list(parents))})})
    job = made.get("job")
    if job is not None and job.text("type") == "cwl":
        version = process.where.text("cwlVersion") or ""
        tool = step.run.where
        top = {"cwlVersion": tool.scalar(version)}
        if (namespaces := process.where.get("$namespaces")) is not None:
            top["$namespaces"] = namespaces
        made = made.put({"job": pinned(job, tool.put(top), mistakes)})
    return made
