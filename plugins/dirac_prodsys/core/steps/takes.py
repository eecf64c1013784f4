"""Reads the input of a step: steps, a dataset, a list of files, or a catalogue query.

Invariant: a list names each file once, below the virtual organisation's own tree, and is short
enough to be attached in a few calls.
"""

from __future__ import annotations

from dirac_prodsys.core import naming
from dirac_prodsys.core.production.step import InputSpec
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.linking import Wanted, read_query
from dirac_prodsys.core.steps.shape import SHAPE

#: maximum number of files in a list
MAX_FILES = 4000

#: maximum number of mistakes reported for one list
_MOST_REPORTED = 20


def read_input(context: StepContext) -> Wanted | None:
    """Return the input that the step wants; None if it wants none, or if it is wrong."""
    source = context.step.input
    if source is None:
        return None
    here = context.below("input")
    before = len(here.problems.found)
    _check_one(source, here)
    where = here.fill(source.where, "where")
    query = read_query(where, (*here.path, "where"), here.problems)
    dataset = source.dataset
    if dataset is not None:
        dataset = here.fill(dataset, "dataset")
        with here.at("dataset"):
            naming.check_dataset_input(dataset, here.production.vo)
    files = _files(source.lfns, here.below("lfns"))
    places = _places(source, here.below("verified_at")) if source.verified_at else ()
    if query is None or len(here.problems.found) > before:
        return None
    return Wanted(here.step.name, source.steps, query, dataset, files, places)


def _places(source: InputSpec, here: StepContext) -> tuple[str, ...]:
    """Return where the copies of a step must be good before this step takes them."""
    copying = [s.name for s in here.production.steps if s.type in ("Replication", "Moving")]
    if len(source.steps) != 1 or source.steps[0] not in copying or source.where:
        here.add(
            (),
            "what is verified are the files that one step copied, all of them",
            "name one step of type Replication under from, and no where",
            on_key=True,
        )
    if here.step.start != "on_complete":
        here.add(
            (),
            "a copy is verified when the step that makes it is complete",
            "add start: on_complete",
            on_key=True,
        )
    return tuple(here.fill(list(source.verified_at)))


def _check_one(source: InputSpec, here: StepContext) -> None:
    written = {"from": source.steps, "dataset": source.dataset, "lfns": source.lfns}
    named = [key for key, value in written.items() if value]
    if len(named) > 1:
        here.add(
            (named[1],),
            f"{named[0]} and {named[1]} each say where the files come from",
            "keep one of them",
            on_key=True,
            code=SHAPE,
        )
    if source.lfns and source.where:
        here.add(
            ("where",),
            "files that are listed are not selected by metadata",
            "drop where, or the list",
            on_key=True,
            code=SHAPE,
        )


def _files(lfns: tuple[str, ...], here: StepContext) -> tuple[str, ...]:
    if len(lfns) > MAX_FILES:
        here.add(
            (),
            f"the list has {len(lfns):,} files, and {MAX_FILES:,} are the most that are attached",
            "give the files metadata, and select them by a query or a dataset",
            code="wrong-value",
        )
        return ()
    first: dict[str, int] = {}
    before = len(here.problems.found)
    for index, written in enumerate(lfns):
        lfn: str = here.fill(written, index)
        with here.at(index):
            naming.check_lfn(lfn, here.production.vo)
        if first.setdefault(lfn, index) != index:
            here.add((index,), f"{lfn} is listed twice", "list it once", code="twice")
        if len(here.problems.found) - before >= _MOST_REPORTED:
            break
    return tuple(first)
