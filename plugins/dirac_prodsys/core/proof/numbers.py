"""Finds numbers that a column of the catalogue may store inexactly, if its type is unknown.

A ``float`` has 24 bits, an ``int`` no fraction; only the grid knows the type of a field (``lint
--live``). The gateway asks for what is stored; other tools do not, and no tool can distinguish
numbers that are stored as one.

Invariant: one finding for each field and kind of problem, at its first place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.query import stored_values
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.value import Value
from dirac_prodsys.core.steps import spellings
from dirac_prodsys.core.steps.leaves import MAX_DATASET_TEXT
from dirac_prodsys.core.steps.linking import MAX_CONDITION
from dirac_prodsys.errors import MetaQueryError

#: codes of findings that depend on the types of a catalogue
UNTIL_TYPES_ARE_KNOWN = frozenset({"inexact-number", "close-numbers"})


def check(subject: Subject) -> Iterator[Problem]:
    """Check all fields; fields with metadata derived by a job type have a known type."""
    known = {
        name
        for step in subject.plan.steps
        if subject.derived(step.name)
        for name in directory_fields(step.transformation.directories)
    }
    numbers: dict[str, dict[Value, tuple[Path, str]]] = {}
    for path, step, fields in spellings.in_steps(subject.plan.steps):
        for field in fields.keys() - known - STANDARD_FIELDS:
            for value in fields[field]:
                if not isinstance(value, str):
                    where = (subject.place(step, path[-1], field), step)
                    numbers.setdefault(field, {}).setdefault(value, where)
    for field, places in numbers.items():
        yield from _inexact(field, places)
        yield from close(field, places, "close-numbers", "in a field of type float")
    perhaps = dict.fromkeys(numbers, "float")
    yield from too_long(subject, perhaps, "inexact-number", "where its fields are of type float, ")


def too_long(
    subject: Subject, types: Mapping[str, str], code: str, when: str = ""
) -> Iterator[Problem]:
    """Yield queries that get too long with the stored numbers added to the written ones.

    :param types: field → its type.
    :param when: the condition under which this holds.
    """
    for path, query in _queries(subject):
        if types.keys().isdisjoint(query.fields):
            continue
        try:
            sent = stored_values.as_stored(query, types)
        except MetaQueryError:  # reported elsewhere
            continue
        if sent == query:
            continue
        of_dataset = path[-1] == "dataset"
        forms = [sent.to_dirac()] if of_dataset else list(sent.to_dirac().values())
        most = MAX_DATASET_TEXT if of_dataset else MAX_CONDITION
        length = max(len(str(form)) for form in forms)
        if length > most:
            what = "the query of the dataset" if of_dataset else "a condition"
            yield Problem(
                path,
                f"{when}{what} has {length} characters, with what 24 bits keep of its numbers "
                f"beside them, and DIRAC keeps {most}",
                "name fewer values, use a range, or select by another field",
                code=code,
            )


def _queries(subject: Subject) -> Iterator[tuple[Path, MetaQuery]]:
    for step in subject.plan.steps:
        path: Path = ("steps", step.name)
        for key, query in (
            ("input", subject.takes.get(step.name)),
            ("output", step.transformation.output_query),
            ("dataset", None if step.dataset is None else step.dataset.query),
        ):
            if query is not None and not query.is_empty:
                yield (*path, key), query


def directory_fields(directories: tuple[DirectorySpec, ...]) -> set[str]:
    """Return the fields that directories give their files."""
    return {name for directory in directories for name in directory.metadata}


def _inexact(field: str, places: dict[Value, tuple[Path, str]]) -> Iterator[Problem]:
    changed = [v for v in places if stored_values.single(float(v)) not in (v, None)]
    if not changed:
        return
    first, more = changed[0], len(changed) - 1
    kept = stored_values.single(float(first))
    other = f" (and {more} more)" if more else ""
    yield Problem(
        places[first][0],
        f"{field} {first!r}{other} is no number of 24 bits: a field of type float keeps "
        f"{kept!r}, and one of type int {float(first):.0f}",
        "with a float all is well here, but other tools that ask for it find nothing; lint --live "
        "knows the type; a text or a whole number of smaller units is safe everywhere",
        code="inexact-number",
    )


def close(
    field: str, places: dict[Value, tuple[Path, str]], code: str, where: str
) -> Iterator[Problem]:
    """Yield numbers of one field that a column of 24 bits stores as one.

    :param where: the column, in words.
    """
    first: dict[float, Value] = {}
    for value, (path, _) in places.items():
        kept = stored_values.single(float(value))
        if kept is not None and (known := first.setdefault(kept, value)) != value:
            yield Problem(
                path,
                f"{field} is {value!r} here and {known!r} in step {places[known][1]}: {where} both "
                f"are {kept!r}, and a query for one takes the files of both",
                "let the two differ by more, or make them text",
                code=code,
            )
            return
