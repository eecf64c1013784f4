"""Which productions and runs a list of transformations is of, and how far each run is.

Invariant: a pure function of what was listed: of a step that has begun anew the newest counts, and
what only the production file or Airflow knows is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.core.grid.listed import Listed
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    ProductionStatus,
    TransformationStatus,
)
from dirac_prodsys.core.naming import NameParts, name_parts, run_tag
from dirac_prodsys.core.run.registry import status_of

#: of a run on which the grid does not work any more
OVER = frozenset({ProductionStatus.COMPLETED, ProductionStatus.CLEANED})


@dataclass(frozen=True)
class Own:
    """A transformation that we created, and the parts of its name."""

    listed: Listed
    parts: NameParts


@dataclass(frozen=True)
class RunRow:
    """One run of a production, as the grid has it.

    :param run: its tag.
    :param state: as DIRAC's ProductionSystem would say it, by the states of its transformations.
    :param done: steps that have ended well, of ``steps`` that the grid has.
    :param started: when its first transformation was created, in UTC; empty: not known.
    :param run_id: in Airflow; empty: it was not asked, or does not have it.
    :param newest: the newest transformation of each step, in the order in which they were created.
    """

    production: str
    run: str
    state: ProductionStatus
    done: int
    steps: int
    started: str
    run_id: str = ""
    newest: tuple[Own, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        told = {name: value for name, value in vars(self).items() if name != "newest"}
        return {**told, "state": str(self.state)}


def own(listed: Iterable[Listed]) -> list[Own]:
    """Those that we created, by the same sign as for people's actions, by their IDs."""
    found = [(one, name_parts(one.name)) for one in sorted(listed, key=lambda each: each.id)]
    return [Own(one, p) for one, p in found if p is not None and p.production == one.group]


def runs_of(listed: Iterable[Listed]) -> list[RunRow]:
    """The runs of each production, by its name, the newest first."""
    runs: dict[tuple[str, str], list[Own]] = {}
    for one in own(listed):
        runs.setdefault((one.parts.production, one.parts.run), []).append(one)
    newest_first = sorted(runs.values(), key=lambda members: -members[0].listed.id)
    return sorted(map(_row, newest_first), key=lambda row: row.production)


def newest(members: Iterable[Own]) -> tuple[Own, ...]:
    """The newest transformation of each step, in the order in which the steps were created."""
    found: dict[str, Own] = {}
    for one in members:
        there = found.get(one.parts.first)
        if there is None or there.parts.start < one.parts.start:
            found[one.parts.first] = one
    return tuple(found.values())


def with_ids(rows: Iterable[RunRow], production: str, run_ids: Iterable[str]) -> list[RunRow]:
    """The rows with the IDs that Airflow has of the runs of a production."""
    ids = {run_tag(run_id): run_id for run_id in run_ids}
    return [
        replace(row, run_id=ids.get(row.run, "")) if row.production == production else row
        for row in rows
    ]


def at_work(rows: Iterable[RunRow]) -> list[RunRow]:
    """Of each production the runs that are not over; if all are, the newest.

    :param rows: the newest first.
    """
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        found.setdefault(row.production, []).append(row)
    shown = []
    for each in found.values():
        shown += [row for row in each if row.state not in OVER] or each[:1]
    return shown


def _row(members: list[Own]) -> RunRow:
    counted = newest(members)
    states = [one.listed.status for one in counted]
    state = status_of(states, len(states))
    if set(states) == {TransformationStatus.NEW}:
        state = ProductionStatus.NEW
    return RunRow(
        production=members[0].parts.production,
        run=members[0].parts.run,
        state=state,
        done=sum(status in ENDED_TRANSFORMATION for status in states),
        steps=len(states),
        started=members[0].listed.created,
        newest=counted,
    )
