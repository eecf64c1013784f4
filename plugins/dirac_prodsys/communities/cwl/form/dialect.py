"""Recognises CWL, and reads it as the production in the native form that it means.

A workflow is a production by itself, or the base of one: in a production, ``cwl: {file, digest,
inputs}`` names a workflow, and everything else in the file is laid over what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.core.dialects import native
from dirac_prodsys.core.language import preparation
from dirac_prodsys.core.language.located import Located, Mistakes, locate, overlay, written_out
from dirac_prodsys.core.language.preparation import Prepared
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

#: the key of a production that names a workflow
KEY = "cwl"


@dataclass(frozen=True)
class FromCwl(Prepared):
    """A production made of a workflow.

    :param remarks: place in the native form, reason, hint and code.
    """

    remarks: tuple[tuple[Path, str, str, str], ...] = ()


def file_keys() -> dict[str, Any]:
    """Return the JSON Schema of the key, for editors."""
    inputs = "values of its inputs, or the name of a YAML file with them"
    return {
        KEY: {
            "description": "a CWL Workflow on which this production is based",
            "type": "object",
            "properties": {
                "file": {"type": "string", "description": "a CWL file of this folder or below it"},
                "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
                "inputs": {"type": ["object", "string"], "description": inputs},
            },
            "required": ["file"],
            "additionalProperties": False,
        }
    }


def matches(data: dict[str, object]) -> bool:
    """Recognise a document of CWL, or a production that names one."""
    return "cwlVersion" in data or "$graph" in data or KEY in data


def prepare(document: Document) -> tuple[Document, list[DefinitionError]]:
    """Return the production in the native form, written out, and what is wrong on the way.

    :raises DefinitionErrors: the workflow is no production.
    """
    from dirac_prodsys.communities.cwl.form.reading import production_of

    mistakes = Mistakes(document.source)
    tree = locate(document)
    made = production_of(tree, document, mistakes)
    if made is None:
        raise DefinitionErrors(mistakes.found)
    base, remarks, files = made
    merged = overlay(base, tree.drop(KEY)) if KEY in document.data else base
    merged = _without_other_jobs(merged, tree) if KEY in document.data else merged
    native_document = written_out(merged, replace(document, rewritten=True))
    prepared, found = preparation.prepare(native_document)
    names = (*prepared.files, *(name for name in files if name not in prepared.files))
    whole: dict[str, Any] = {**vars(prepared), "files": names, "remarks": tuple(remarks)}
    return FromCwl(**whole), found


def _without_other_jobs(merged: Located, over: Located) -> Located:
    """Return the tree in which a job of another type takes the place of that of the workflow."""
    steps, written = merged.get("steps"), over.get("steps")
    for name, step in written.items() if written is not None and steps is not None else ():
        kind = step.text("job", "type")
        whole = steps.get(name) if steps is not None else None
        if kind not in (None, "cwl") and whole is not None and steps is not None:
            steps = steps.put({name: whole.put({"job": step.value["job"]})})
    return merged if steps is None else merged.put({"steps": steps})


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """Return the production, and the names of steps that cannot be read."""
    for path, reason, hint, code in getattr(document, "remarks", ()):
        problems.remark(path, reason, hint, code=code)
    return native.read(document, problems)


def place(path: Path, document: Document) -> Path:
    """Return where in the file the part at ``path`` of the native form is written."""
    return native.place(path, document)
