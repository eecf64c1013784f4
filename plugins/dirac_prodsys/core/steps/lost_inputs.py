"""Finds files that a step's parents made for it but its query does not find.

The names of the files that a parent's tasks leave are known, and their metadata are declared: those
of the directories, and of the files themselves. The step's query must find every file that matches
it by this declaration.

Invariant: only what is certain is expected. Nothing is expected of a body that does not name its
outputs, of a condition on an undeclared field, or of files that were not looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dirac_prodsys.core.grid.specs import JobSpec, TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.traces import task_outputs
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.core.text.wording import first_of
from dirac_prodsys.errors import MetaQueryError

#: maximum number of lost files in a message
_NAMED = 3


def makers(name: str, steps: Mapping[str, StepPlan]) -> tuple[str, ...]:
    """Return the steps whose jobs made a step's input; requests in between only pass files on.

    :param steps: step name → plan, for the whole production.
    """
    found: dict[str, None] = {}
    waiting = list(steps[name].parents)
    while waiting:
        name = waiting.pop(0)
        parent = steps[name]
        if isinstance(parent.transformation.body, JobSpec):
            found[name] = None
        elif name not in found:
            waiting += [each for each in parent.parents if each not in found]
    return tuple(found)


def made_for(
    query: MetaQuery, parent: TransformationSpec, transformation: int, tasks: Iterable[int]
) -> Iterator[str]:
    """Yield the names of the files that a parent's tasks leave and that a query must find.

    :param transformation: ID of the parent's transformation.
    :param tasks: IDs of the tasks that ended well.
    """
    body = parent.body
    if not isinstance(body, JobSpec) or "Missing" in query.to_dirac().values():
        return
    directories = [each.of(transformation) for each in parent.directories]
    for task in tasks:
        for output, lfn in zip(body.outputs, task_outputs(body, transformation, task), strict=True):
            known: dict[str, Any] = {}
            for directory in sorted(directories, key=lambda each: len(each.path)):
                if f"{output.directory.rstrip('/')}/".startswith(f"{directory.path.rstrip('/')}/"):
                    known |= directory.metadata
            if output.metadata:
                known |= output.metadata[(task - 1) % len(output.metadata)]
            if _selects(query, known):
                yield lfn


def in_words(found: int, lost: list[str]) -> str:
    """Say that files were made and are not found.

    :param found: number of files that the query finds.
    """
    return (
        f"its query finds {found} files, and its parents made {found + len(lost)}: not found "
        f"are {first_of(lost, _NAMED)}"
    )


def _selects(query: MetaQuery, metadata: Mapping[str, Any]) -> bool:
    try:
        return query.matches(metadata)
    except MetaQueryError:
        return False
