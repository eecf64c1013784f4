"""Reads the native form, version 1: ``version``, ``production`` and ``steps`` by name.

Its keys are those of ``core/language/model.py``; ``core/language`` writes out its short forms
first.
"""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from dirac_prodsys.core.language import preparation
from dirac_prodsys.core.language.model import Header, NativeFile, NativeStep
from dirac_prodsys.core.language.preparation import Prepared
from dirac_prodsys.core.models import explain
from dirac_prodsys.core.problems import ENOUGH, Path, Problem, Problems
from dirac_prodsys.core.production.loops import LoopModel
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import MAX_INTEGER, InputSpec, Step, StepBase, TypeModel
from dirac_prodsys.core.steps.draft import read_job
from dirac_prodsys.core.steps.placeholders import NAMES
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.core.text.scalar import loses_digits
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

KEYS = frozenset({"version", "production", "steps", "extends"})

#: below these keys, values are compared with those of the catalogue
_COMPARED = frozenset({"metadata", "where", "matrix", "default", "choices"})


def matches(data: dict[str, object]) -> bool:
    """Whether the file has any of these keys, which identify this form."""
    return bool(KEYS & data.keys())


def prepare(document: Document) -> tuple[Document, list[DefinitionError]]:
    """Return the document with everything written out, and what is wrong on the way."""
    return preparation.prepare(document)


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """Return the production that the file describes, and the names of unreadable steps."""
    _refuse_lost_digits(document, problems)
    try:
        native = NativeFile.model_validate(document.data)
    except ValidationError as error:
        problems.found += explain(error, NativeFile, document.data)
        return _readable_part(document, problems)
    written = [_step(name, step) for name, step in native.steps.items()]
    steps = _unrolled(written, native.loops, problems)
    production = _production(native.production, steps, native, document)
    return production, frozenset()


def place(path: Path, document: Document) -> Path:
    """Return the path in the file, which equals that in the plan except for passes of loops.

    The passes of a step of a loop are written once.
    """
    written = document.data.get("steps")
    if len(path) > 1 and path[0] == "steps" and isinstance(written, dict):
        step = str(path[1])
        base, _, number = step.rpartition(".")
        if step not in written and base in written and number.isdigit():
            return ("steps", base, *path[2:])
    return path


def _readable_part(
    document: Document, problems: Problems
) -> tuple[Production | None, frozenset[str]]:
    """Return the readable part of a wrong file, so that the rest is checked in the same run."""
    header, written = document.data.get("production"), document.data.get("steps")
    if not isinstance(header, dict) or not isinstance(written, dict):
        return None, frozenset()
    name, vo = header.get("name"), header.get("vo")
    if not isinstance(name, str) or not isinstance(vo, str):
        return None, frozenset()
    steps = []
    for step_name, data in written.items():
        try:
            steps.append(_step(step_name, NativeStep.model_validate(_as_meant(data))))
        except ValidationError:
            job = data.get("job") if isinstance(data, dict) else None
            if isinstance(job, dict):
                names = {name: name for name in NAMES}
                read_job(job, names, ("steps", step_name, "job"), problems)
    unread = frozenset(written) - {step.name for step in steps}
    loops, unclear = _loops(document)
    unread |= unclear & frozenset(written)
    steps = [step for step in steps if step.name not in unread]
    steps = list(_unrolled(steps, loops, Problems()))
    return _production(Header(name=name, vo=vo), tuple(steps), None, document), unread


def _as_meant(step: Any) -> Any:
    """Return a step with reported misspelt keys replaced by those that were most likely meant."""
    if not isinstance(step, dict):
        return step
    known = {field.alias or name for name, field in NativeStep.model_fields.items()}
    missing = known - step.keys()
    meant = {k: difflib.get_close_matches(str(k), missing, n=1) for k in step.keys() - known}
    return {(meant[k][0] if meant.get(k) else k): v for k, v in step.items()}


@dataclass(frozen=True)
class _File:
    """What a production remembers of its file."""

    document: Prepared

    @property
    def combinations(self) -> int:
        return self.document.matrix.count

    def as_written(self, step: str) -> str:
        return self.document.branches.get(step, step)

    def at_place(self, problem: Problem) -> DefinitionError:
        return self.document.error(replace(problem, path=place(problem.path, self.document)))

    def written(self, path: Path) -> Any:
        tree = self.document.tree
        keys = [self.document.branches.get(part, part) for part in map(str, path)]
        return None if tree is None else tree.value_at(*keys)

    def bind(self, values: Mapping[str, Any]) -> Production:
        try:
            document, mistakes = preparation.instantiate(self.document, values)
        except DefinitionError as error:
            raise DefinitionErrors([error]) from None
        problems = Problems()
        production, _ = read(document, problems)
        mistakes += [document.error(problem) for problem in problems.found]
        if mistakes or production is None:
            raise DefinitionErrors(mistakes)
        return production


def _production(
    header: Header,
    steps: tuple[Step, ...],
    native: NativeFile | None,
    document: Document,
) -> Production:
    """Make the production.

    :param native: None: the file is wrong somewhere.
    """
    complete = document.complete if isinstance(document, Prepared) else document.source.text
    production = Production(
        **dict(header),
        schedule=None if native is None else native.schedule,
        parameters={} if native is None else native.parameters,
        types=_types(document) if native is None else native.types,
        steps=steps,
        loops={} if native is None else native.loops,
        source=complete,
        file=document.file,
    )
    return production.read_from(_File(document)) if isinstance(document, Prepared) else production


def _types(document: Document) -> dict[str, TypeModel]:
    """Return the types that a wrong file declares, as far as they can be read."""
    written, found = document.data.get("types"), {}
    for name, data in written.items() if isinstance(written, dict) else ():
        with contextlib.suppress(ValidationError):
            found[name] = TypeModel.model_validate(data)
    return found


def _unrolled(
    steps: list[Step], loops: Mapping[str, LoopModel], problems: Problems
) -> tuple[Step, ...]:
    if not loops:
        return tuple(steps)
    from dirac_prodsys.core.plan.loops import unroll  # few have loops

    return unroll(steps, loops, problems)


def _loops(document: Document) -> tuple[dict[str, LoopModel], frozenset[str]]:
    """Return the loops that a wrong file declares, and the steps of unreadable ones."""
    written, found = document.data.get("loops"), {}
    unclear: set[str] = set()
    for name, data in written.items() if isinstance(written, dict) else ():
        try:
            found[name] = LoopModel.model_validate(data)
        except ValidationError:
            steps = data.get("steps") if isinstance(data, dict) else None
            listed = steps if isinstance(steps, list) else ()
            unclear |= {step for step in listed if isinstance(step, str)}
    return found, frozenset(unclear)


def _step(name: str, native: NativeStep) -> Step:
    fields = {field: getattr(native, field) for field in StepBase.model_fields}
    if native.tasks is None and native.target_events and native.events_per_task:
        tasks = math.ceil(native.target_events / native.events_per_task)
        fields["tasks"] = min(tasks, MAX_INTEGER)  # more is a mistake that is reported later
    where = None
    if native.input is not None:
        source = native.input
        where = InputSpec(
            steps=source.steps,
            dataset=source.dataset,
            lfns=source.lfns,
            where=source.where,
            verified_at=source.verified_at,
        )
    return Step(name=name, input=where, **fields)


def _refuse_lost_digits(document: Document, problems: Problems) -> None:
    """Refuse numbers such as ``1.10``, which is 1.1: a dataset's version would stay wrong."""
    before = len(problems.found)
    for path, node in document.nodes.items():
        if node.plain is None or _COMPARED.isdisjoint(path):
            continue
        if loses_digits(node.plain):
            number = f"{float(node.plain):g}"
            problems.add(
                path,
                f"{node.plain} is read as the number {number}",
                f'write "{node.plain}" if it is a version or a name, {number} if it is a number',
                code="lost-digits",
            )
        if len(problems.found) - before == ENOUGH:
            break
