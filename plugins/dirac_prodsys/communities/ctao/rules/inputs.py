"""Derives input queries from a dataset, a catalogue query or a parent's output, and narrows them.

Queries are kept in the form and order of the file beside their algebra, because both become part of
a job's body: ``180.0`` is not ``180`` in its text.

Invariant: a child takes files of its parent, and is narrowed only by conditions that some of them
fulfil; no query object is shared between steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput
from dirac_prodsys.communities.ctao.types.vocabulary import (
    DATASET_FIELDS,
    FILE_LEVEL,
    Unknown,
    in_catalogue_words,
    known_query,
)
from dirac_prodsys.core.grid.inventory import check_askable
from dirac_prodsys.core.problems import Path, Problems, nearest
from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery
from dirac_prodsys.core.steps.context import StepContext


@dataclass(frozen=True)
class CtaoInput:
    """The input of a step.

    :param query: field → condition, in order.
    :param unresolved: datasets with an unknown query; then some conditions are missing.
    """

    query: Mapping[str, Any] = field(default_factory=dict)
    unresolved: tuple[str, ...] = ()

    @property
    def known(self) -> MetaQuery:
        """Return the known conditions."""
        return known_query(self.query)


def narrowing(where: Mapping[str, Any], path: Path, problems: Problems) -> dict[str, Any]:
    """Return the conditions of ``input_meta_query``, in the catalogue's words and the file's order.

    Wrong conditions are noted and left out; nulls are no conditions.
    """
    conditions: dict[str, Any] = {}
    for key, value in where.items():
        if value is None:
            continue
        with problems.at(*path, key):
            name, condition = in_catalogue_words(key, value)
            check_askable(name)
            MetaQuery.parse({name: condition})
            conditions[name] = condition
    return conditions


def from_catalogue(conditions: Mapping[str, Any], here: StepContext) -> CtaoInput:
    """Return the input of a root step, which sets all conditions itself.

    :param here: the input of the step; likewise below.
    """
    if not conditions:
        hint = "name a parent by parentID, a dataset, or metadata of the files"
        here.add((), "nothing is selected", hint, code="missing-key")
    return CtaoInput(dict(conditions))


def from_dataset(
    dataset: str,
    conditions: Mapping[str, Any],
    datasets: Mapping[str, Mapping[str, Any]],
    here: StepContext,
) -> CtaoInput:
    """Return the files of a dataset, narrowed.

    :param datasets: the known queries, by name of the dataset.
    """
    if dataset not in datasets:
        unknown = {name: Unknown(dataset) for name in DATASET_FIELDS}
        return CtaoInput({**unknown, **conditions}, (dataset,))
    query = dict(datasets[dataset])
    before = len(here.problems.found)
    with here.at("dataset"):
        MetaQuery.parse(query)
    for name, condition in conditions.items() if len(here.problems.found) == before else ():
        meet = condition
        if name in query:
            meet = _both(name, query[name], condition, f"dataset {dataset}", here)
        query[name] = meet
    return CtaoInput(query)


def from_parent(parent: CtaoOutput, conditions: Mapping[str, Any], here: StepContext) -> CtaoInput:
    """Return the files of a parent, narrowed."""
    query = dict(parent.query)
    whose = f"the output of {parent.step}"
    for name, condition in conditions.items():
        before = parent.carried.get(name)
        if before is not None:
            query[name] = _both(name, before, condition, whose, here)
        elif name in FILE_LEVEL or parent.unresolved:
            query[name] = condition
        else:
            here.add(
                ("where", name),
                f"no file of {parent.step} has {name}, so nothing would be taken",
                nearest(name, parent.carried),
                on_key=True,
                code="empty-link",
            )
    return CtaoInput(query, parent.unresolved)


def _both(name: str, before: Any, narrower: Any, whose: str, here: StepContext) -> Any:
    """Return both conditions in one; the narrower one as it is written, if it covers both."""
    if isinstance(before, Unknown):
        return narrower
    wanted = MetaQuery.parse({name: narrower})
    try:
        meet = MetaQuery.parse({name: before}).refine(wanted)
    except EmptyIntersection as error:
        here.add(
            ("where", name),
            f"no file is left: {name} is {error.left_text} in {whose}, and here {error.right_text}",
            "change one of the two",
            code="empty-link",
        )
        return narrower
    return narrower if meet == wanted else meet.to_dirac()[name]
