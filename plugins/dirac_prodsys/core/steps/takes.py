"""Reads the input of a step: steps, a dataset, a list of files, or a catalogue query.

Invariant: a list names each file once, below the virtual organisation's own tree, and is short
enough to be attached in a few calls.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.core import naming
from dirac_prodsys.core.placeholders import fill
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import InputSpec, Step
from dirac_prodsys.core.steps.linking import Wanted, read_query
from dirac_prodsys.core.steps.shape import SHAPE

#: maximum number of files in a list
MAX_FILES = 4000

#: maximum number of mistakes reported for one list
_TOLD = 20


def wanted(
    production: Production, step: Step, values: Mapping[str, str], problems: Problems
) -> Wanted | None:
    """Return the input that the step wants; None if it wants none, or if it is wrong.

    :param values: placeholder → its value.
    """
    if step.input is None:
        return None
    path: Path = ("steps", step.name, "input")
    before = len(problems.found)
    _check_one(step.input, path, problems)
    here = (*path, "where")
    where = read_query(fill(step.input.where, values, here, problems), here, problems)
    dataset = step.input.dataset
    if dataset is not None:
        dataset = fill(dataset, values, (*path, "dataset"), problems)
        with problems.at(*path, "dataset"):
            naming.check_dataset_input(dataset, production.vo)
    files = _files(step.input.lfns, production.vo, values, (*path, "lfns"), problems)
    places = _places(production, step, values, problems) if step.input.verified_at else ()
    if where is None or len(problems.found) > before:
        return None
    return Wanted(step.name, step.input.steps, where, dataset, files, places)


def _places(
    production: Production, step: Step, values: Mapping[str, str], problems: Problems
) -> tuple[str, ...]:
    """Return where the copies of a step must be good before this step takes them."""
    source = step.input
    path: Path = ("steps", step.name, "input", "verified_at")
    if source is None:
        return ()
    copying = [s.name for s in production.steps if s.type in ("Replication", "Moving")]
    if len(source.steps) != 1 or source.steps[0] not in copying or source.where:
        problems.add(
            path,
            "what is verified are the files that one step copied, all of them",
            "name one step of type Replication under from, and no where",
            on_key=True,
        )
    if step.start != "on_complete":
        problems.add(
            path,
            "a copy is verified when the step that makes it is complete",
            "add start: on_complete",
            on_key=True,
        )
    places: tuple[str, ...] = tuple(fill(list(source.verified_at), values, path, problems))
    return places


def _check_one(source: InputSpec, path: Path, problems: Problems) -> None:
    written = {"from": source.steps, "dataset": source.dataset, "lfns": source.lfns}
    named = [key for key, value in written.items() if value]
    if len(named) > 1:
        problems.add(
            (*path, named[1]),
            f"{named[0]} and {named[1]} each say where the files come from",
            "keep one of them",
            on_key=True,
            code=SHAPE,
        )
    if source.lfns and source.where:
        problems.add(
            (*path, "where"),
            "files that are listed are not selected by metadata",
            "drop where, or the list",
            on_key=True,
            code=SHAPE,
        )


def _files(
    lfns: tuple[str, ...], vo: str, values: Mapping[str, str], path: Path, problems: Problems
) -> tuple[str, ...]:
    if len(lfns) > MAX_FILES:
        problems.add(
            path,
            f"the list has {len(lfns):,} files, and {MAX_FILES:,} are the most that are attached",
            "give the files metadata, and select them by a query or a dataset",
            code="wrong-value",
        )
        return ()
    first: dict[str, int] = {}
    before = len(problems.found)
    for index, written in enumerate(lfns):
        lfn: str = fill(written, values, (*path, index), problems)
        with problems.at(*path, index):
            naming.check_lfn(lfn, vo)
        if first.setdefault(lfn, index) != index:
            problems.add((*path, index), f"{lfn} is listed twice", "list it once", code="twice")
        if len(problems.found) - before >= _TOLD:
            break
    return tuple(first)
