"""Lists the metadata fields that a production needs in a catalogue, and their types.

Invariant: a field belongs to directories or to files, as in the production itself; a field that the
production only asks for, and makes nowhere, belongs to directories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS
from dirac_prodsys.core.grid.specs import CommunityBody, JobSpec
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery

_TEXT, _WHOLE, _REAL = "VARCHAR(128)", "int", "float"


def fields_of(
    plans: Iterable[ProductionPlan], asked: Iterable[MetaQuery] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """Map fields to types, for directories and for files.

    :param asked: more queries, such as those of datasets.
    """
    plans = list(plans)
    own, seen = set[str](), dict[str, set[str]]()
    for name, values in [*_of_files(plans), *_of_directories(plans)]:
        seen.setdefault(name, set()).update(_type(value) for value in values)
    own |= {name for name, _ in _of_files(plans)}
    for query in (*_queries(plans), *asked):
        for name, form in query.to_dirac().items():
            if name not in STANDARD_FIELDS:
                seen.setdefault(name, set()).update(map(_type, _operands(form)))
    types = {name: _widest(found) for name, found in seen.items()}
    return (
        {name: kind for name, kind in types.items() if name not in own},
        {name: kind for name, kind in types.items() if name in own},
    )


def _of_files(plans: list[ProductionPlan]) -> Iterator[tuple[str, list[Any]]]:
    for step in (step for plan in plans for step in plan.steps):
        body = step.transformation.body
        if isinstance(body, CommunityBody):
            for name, value in body.file_metadata:
                yield name, _operands(value)
        elif isinstance(body, JobSpec):
            for output in body.outputs:
                for turn in output.metadata:
                    yield from ((name, [value]) for name, value in turn.items())
        if (query := step.transformation.output_query) is not None:
            directories = step.transformation.directories
            of_directories = {name for directory in directories for name in directory.metadata}
            for name, form in query.to_dirac().items():
                if name not in of_directories:
                    yield name, _operands(form)


def _of_directories(plans: list[ProductionPlan]) -> Iterator[tuple[str, list[Any]]]:
    for step in (step for plan in plans for step in plan.steps):
        for directory in step.transformation.directories:
            yield from ((name, [value]) for name, value in directory.metadata.items())


def _queries(plans: list[ProductionPlan]) -> Iterator[MetaQuery]:
    for step in (step for plan in plans for step in plan.steps):
        if step.transformation.input_query is not None:
            yield step.transformation.input_query
        if step.sample is not None:
            yield step.sample.query
        if step.dataset is not None:
            yield step.dataset.query


def _operands(form: Any) -> list[Any]:
    values = list(form.values()) if isinstance(form, Mapping) else [form]
    flat = [v for value in values for v in (value if isinstance(value, list | tuple) else [value])]
    return [v for v in flat if v not in ("Any", "Missing")]


def _type(value: Any) -> str:
    if isinstance(value, str):
        return _TEXT
    return _REAL if isinstance(value, float) else _WHOLE


def _widest(types: set[str]) -> str:
    return next((kind for kind in (_TEXT, _REAL, _WHOLE) if kind in types), _TEXT)
