"""Finds who still reads a dataset: steps of production files, and transformations on the grid.

Invariant: pure; a step that names the dataset is found whatever its run, and a transformation is
found if every file that it takes is one of the dataset's query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query.meta_query import MetaQuery

#: a run tag that no run has: it marks the place of the run in names
ANY_RUN = "0any0run0"


def readers_in(production: Production, plan: ProductionPlan, dataset: str) -> Iterator[str]:
    """Yield in words the steps of a production that take a dataset, or wait for it.

    :param plan: made for the run :data:`ANY_RUN`, without looking up datasets.
    :param dataset: full path.
    """
    taken = {step.name for step in plan.steps if _is_named(dataset, step.awaits)}
    waits = {
        step.name
        for step in plan.steps
        if _is_named(dataset, [gate.name for gate in step.gates if gate.kind == "dataset"])
    }
    for step in production.steps:
        named = step.input is not None and step.input.dataset
        if step.name in taken or (named and _is_named(dataset, [named])):
            yield f"step {step.name} of {production.name} ({production.file}) takes it"
        elif step.name in waits:
            yield f"step {step.name} of {production.name} ({production.file}) waits for it"
    if not taken and _is_named(dataset, plan.unresolved):
        yield f"a job of {production.name} ({production.file}) takes it"


def readers_among(queries: Mapping[str, MetaQuery], dataset: MetaQuery) -> Iterator[str]:
    """Yield the transformations that take nothing but files of a dataset.

    :param queries: name of a transformation → its input query.
    :param dataset: the query of the dataset.
    """
    return (name for name, query in sorted(queries.items()) if dataset.subsumes(query))


def _is_named(dataset: str, names: tuple[str, ...] | list[str]) -> bool:
    """Whether one of the names, in full or a last part alone, is that of the dataset."""
    base = dataset.rpartition("/")[2]
    patterns = (name.replace(ANY_RUN, "*") for name in names)
    return any(fnmatchcase(dataset if "/" in name else base, name) for name in patterns)
