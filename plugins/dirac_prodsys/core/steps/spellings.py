"""Finds values of one metadata field that look different but are the same to the catalogue.

The database compares text without regard to case and accents: a query for one of two such values
takes the files of both, and ``!=`` excludes both.

Invariant: each such value is reported once, where it is first written; of two, at the later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.value import Value, compared
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.core.steps.step_plan import StepPlan

#: where a field is given values: path of the fields, name of the step, field → values
Values = tuple[Path, str, Mapping[str, Iterable[Value]]]


def check(places: Iterable[Values], problems: Problems) -> None:
    """Note texts of a field that differ only in what the database ignores."""
    first: dict[tuple[str, Value], tuple[str, str]] = {}
    reported: set[tuple[str, str]] = set()
    for path, step, fields in places:
        for field, values in fields.items():
            texts = [value for value in values if isinstance(value, str)]
            for value in () if field in STANDARD_FIELDS else texts:  # names of files are exact
                known, where = first.setdefault((field, compared(value)), (value, step))
                if known == value or (field, value) in reported:
                    continue
                reported.add((field, value))
                problems.add(
                    (*path, field),
                    f"{field} is {value!r} here and {known!r} in step {where}: the catalogue "
                    "compares text without regard to case and accents, and takes them for one",
                    "spell it alike in both, or use words that differ otherwise",
                    code="same-value",
                )


def in_native(production: Production, outputs: Mapping[str, Output]) -> Iterator[Values]:
    """Yield the values in a production in the native form, in the order of its file."""
    for step in production.steps:
        path: Path = ("steps", step.name)
        if step.input is not None:
            yield (*path, "input", "where"), step.name, written(step.input.where)
        if step.name in outputs:
            yield (*path, "output", "metadata"), step.name, listed(outputs[step.name].query)
        if step.dataset is not None:
            yield (*path, "dataset", "where"), step.name, written(step.dataset.where)


def in_steps(plans: Iterable[StepPlan]) -> Iterator[Values]:
    """Yield the values that a plan's steps have in ``input``, ``output`` and ``dataset``."""
    for step in plans:
        spec = step.transformation
        taken = spec.input_query if step.sample is None else step.sample.query
        dataset = None if step.dataset is None else step.dataset.query
        queries = (("input", taken), ("output", spec.output_query), ("dataset", dataset))
        for key, query in queries:
            if query is not None:
                yield ("steps", step.name, key), step.name, listed(query)


def in_outputs(plans: Iterable[StepPlan]) -> Iterator[Values]:
    """Yield the values that the steps of a plan give the files that they make.

    The spelling of an input dataset's values is decided by whoever made it.
    """
    return (place for place in in_steps(plans) if place[0][-1] != "input")


def listed(query: MetaQuery) -> dict[str, tuple[Value, ...]]:
    """Map each field to the values that a query names, without ends of ranges."""
    return {name: condition.named for name, condition in query.conditions.items()}


def written(where: Mapping[str, Any]) -> dict[str, list[Value]]:
    """Map each field to the values in written conditions, without those with placeholders."""
    return {
        str(name): [v for v in named(form) if not (isinstance(v, str) and "${{" in v)]
        for name, form in where.items()
    }


def named(form: Any) -> Iterator[Value]:
    """Yield the values that a condition names."""
    condition = form if isinstance(form, Mapping) else {"in": form}
    for operator, operand in condition.items():
        if operator in ("=", "in", "!=", "nin"):
            for value in operand if isinstance(operand, list | tuple) else (operand,):
                if isinstance(value, str | int | float) and value not in ("Any", "Missing"):
                    yield value
