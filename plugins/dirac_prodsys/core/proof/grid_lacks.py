"""Finds what a grid lacks for a production: fields, storage elements, sites, types.

DIRAC ignores a condition on a field that the catalogue does not define, and cuts or converts values
that do not fit its type; a job for a site that does not exist waits for ever; agents skip types
that are not in their list. None of this is reported by DIRAC.

Invariant: pure: the grid is described by an :class:`Inventory`, and names are compared letter by
letter, as DIRAC does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS, Inventory
from dirac_prodsys.core.grid.specs import DESTINATION, CommunityBody, JobSpec
from dirac_prodsys.core.grid.task_plugins import PLUGINS
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Path, Problem, nearest
from dirac_prodsys.core.proof import numbers
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.stored_values import AS_TEXT, kind_of, misfit
from dirac_prodsys.core.query.value import Value
from dirac_prodsys.core.steps import percent_signs, spellings
from dirac_prodsys.core.steps.step_plan import StepPlan

#: kind of a field → types of parameters that take its values
_PARAMETERS = {
    "int": ("int", "number", "choice"),
    "float": ("number", "choice"),
    "text": ("string", "choice"),
    "date": ("string", "choice"),
}
#: operators of ranges
RANGES = ("<", "<=", ">", ">=")


def check(subject: Subject, inventory: Inventory) -> Iterator[Problem]:
    """Yield all that the inventory lacks."""
    yield from _same_numbers(subject, inventory)
    yield from _schedule(subject, inventory)
    for step in subject.plan.steps:
        yield from _type(step, inventory)
        yield from _queries(subject, step, inventory)
        yield from _directories(step, inventory)
        yield from _places(step, inventory)
        yield from _plugin(step, inventory)


def _schedule(subject: Subject, inventory: Inventory) -> Iterator[Problem]:
    """Yield what a watcher cannot ask, and parameters that no value of its field fits."""
    schedule = subject.production.schedule
    files = None if schedule is None else schedule.files
    if schedule is None or files is None:
        return
    known = {**inventory.directory_fields, **inventory.file_fields}
    here: Path = ("schedule", "files")
    for name, condition in MetaQuery.parse(files.where).to_dirac().items():
        if name not in STANDARD_FIELDS:
            yield from _condition((*here, "where", name), name, condition, known)
    for index, name in enumerate(files.each):
        for problem in _field((*here, "each", index), name, (), known):
            yield replace(problem, on_key=False)
    for parameter, wanted in schedule.parameters_from_event.items():
        kind = kind_of(known.get(wanted.field, ""))
        declared = subject.production.parameters[parameter].type
        fitting = _PARAMETERS.get(kind)
        if wanted.field in files.each and fitting and declared not in fitting:
            yield Problem(
                ("schedule", "parameters_from_event", parameter),
                f"{parameter!r} is {declared}, and {wanted.field} is {known[wanted.field]} in the "
                "catalogue: no event would begin a run",
                f"let the parameter be {fitting[0]}",
                code="field-type",
            )


def _plugin(step: StepPlan, inventory: Inventory) -> Iterator[Problem]:
    known = PLUGINS.get(step.transformation.plugin)
    for section in known.needs if known is not None else ():
        if section in inventory.unset:
            yield Problem(
                ("steps", step.name, "plugin"),
                f"{step.transformation.plugin} makes no task on this grid: its configuration has "
                f"nothing in {section}",
                "use another plugin, or let the grid's manager set it",
                code="unset-section",
            )


def _same_numbers(subject: Subject, inventory: Inventory) -> Iterator[Problem]:
    """Yield numbers that a float field stores as one, and queries too long with stored ones."""
    types = {**inventory.file_fields, **inventory.directory_fields}
    found: dict[str, dict[Value, tuple[Path, str]]] = {}
    for path, step, fields in spellings.in_steps(subject.plan.steps):
        for name in fields:
            if kind_of(types.get(name, "")) == "float":
                where = (subject.place(step, path[-1], name), step)
                for value in fields[name]:
                    if not isinstance(value, str):
                        found.setdefault(name, {}).setdefault(value, where)
    yield from numbers.too_long(subject, types, "text")
    for name, places in found.items():
        yield from numbers.close(name, places, "same-value", f"as {types[name]} in the catalogue")


def _type(step: StepPlan, inventory: Inventory) -> Iterator[Problem]:
    kind, known = step.transformation.type, inventory.transformation_types
    if known and kind not in known:
        yield Problem(
            ("steps", step.name, "type"),
            f"agents of this grid work on no transformation of type {kind}",
            f"{nearest(kind, known)}; or let the grid's manager add it to Operations/"
            "Transformations",
            code="undeclared-type",
        )


def _queries(subject: Subject, step: StepPlan, inventory: Inventory) -> Iterator[Problem]:
    known = {**inventory.directory_fields, **inventory.file_fields}
    queries: list[tuple[Path, MetaQuery]] = []
    if step.name in subject.takes:
        queries.append((("steps", step.name, "input"), subject.takes[step.name]))
    if step.dataset is not None:
        queries.append((("steps", step.name, "dataset", "where"), step.dataset.query))
    output = step.transformation.output_query or MetaQuery()
    inherited = set(output.fields)  # reported at the output
    for parent in step.parents:
        inherited |= set((subject.takes.get(parent) or MetaQuery()).fields)
        parents = subject.leaves.get(parent)
        inherited |= set(parents.fields if parents is not None else ())
    for path, query in queries:
        for name, condition in query.to_dirac().items():
            if name in inherited or name in STANDARD_FIELDS:
                continue
            where = (*path, name)
            if path[-1] == "input":
                where = subject.condition(step.name, name)
            yield from _condition(where, name, condition, known)
            if name in inventory.file_fields:
                for value in _operands(condition):
                    if "%" in str(value):
                        reason, hint = percent_signs.words(name, value)
                        yield Problem(where, reason, hint, code="condition")


def _directories(step: StepPlan, inventory: Inventory) -> Iterator[Problem]:
    metadata: dict[str, Any] = {}
    for directory in step.transformation.directories:
        metadata.update(directory.metadata)
    for name, value in metadata.items():
        path: Path = ("steps", step.name, "output", "metadata", name)
        if name in inventory.file_fields:
            yield Problem(
                path,
                f"{name} is a field of files in this catalogue, and cannot stand on a directory",
                "let the jobs set it on each file, or use another field",
                code="file-field",
            )
        else:
            yield from _field(path, name, [value], inventory.directory_fields)


def _condition(
    path: Path, name: str, condition: Any, known: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield what is wrong with a condition; any number may be the end of a range."""
    form = condition if isinstance(condition, dict) else {}
    ends = [v for sign, v in form.items() if sign in RANGES and not isinstance(v, str)]
    values = [v for v in _operands(condition) if v not in ends or isinstance(v, str)]
    yield from _field(path, name, values, known)
    for value in ends:
        if kind_of(known.get(name, "int")) in ("text", "date"):
            yield from _field(path, name, [value], known)


def _field(
    path: Path, name: str, values: Collection[Any], known: Mapping[str, str]
) -> Iterator[Problem]:
    if name not in known:
        yield Problem(
            path,
            f"the catalogue has no metadata field {name}",
            f"{nearest(name, known)}; or let a catalogue manager define it",
            on_key=True,
            code="unknown-field",
        )
        return
    for value in values:
        wrong = misfit(value, known[name])
        if wrong == AS_TEXT:
            yield Problem(
                path,
                f"{value!r} is a number, and {name} is {known[name]} in the catalogue, which keeps "
                "it as text",
                "quote it as the files have it",
                code="number-as-text",
            )
        elif wrong:
            yield Problem(
                path,
                f"{value!r} is {wrong}: {name} is {known[name]} in the catalogue",
                "write a value of that type, or use another field",
                code="field-type",
            )


def _operands(condition: Any) -> list[Any]:
    if not isinstance(condition, dict):
        return []
    found: list[Any] = []
    for operand in condition.values():
        found += operand if isinstance(operand, list) else [operand]
    return found


def _places(step: StepPlan, inventory: Inventory) -> Iterator[Problem]:
    body, known = step.transformation.body, inventory.storage_elements
    storage: list[tuple[Path, str]] = []
    sites: list[tuple[Path, str]] = []
    if isinstance(body, JobSpec):
        storage += [(("steps", step.name, "output", "se"), output.se) for output in body.outputs]
        path: Path = ("steps", step.name, "job", "sites")
        sites += [((*path, index), site) for index, site in enumerate(body.sites)]
    elif isinstance(body, CommunityBody):
        path = ("steps", step.name, "job", DESTINATION)
        sites += [(path, site) for site in body.sites]
    else:
        for index, operation in enumerate(body.operations):
            for name in ("SourceSE", "TargetSE"):
                path = ("steps", step.name, "job", "operations", index, name)
                for se in operation.attributes.get(name, "").split(","):
                    storage.append((path, se.strip()))
    for name in ("SourceSE", "TargetSE"):
        path = ("steps", step.name, "plugin_parameters", name)
        for se in re.findall(r"[^\[\]', ]+", str(step.transformation.parameters.get(name, ""))):
            storage.append((path, se))
    path = ("steps", step.name, "input", "verified_at")
    storage += [(path, se) for se in step.verified_at]
    for path, se in dict.fromkeys(storage):
        if known and se and not se.startswith("TASK:") and se not in known:
            yield Problem(
                path, f"there is no storage element {se}", nearest(se, known), code="unknown-se"
            )
    for path, site in dict.fromkeys(sites):
        unknown = site not in inventory.sites and site.lower() != "any"
        if inventory.sites and site and unknown:
            yield Problem(
                path,
                f"there is no site {site}",
                nearest(site, inventory.sites),
                code="unknown-site",
            )
