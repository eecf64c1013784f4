"""Groups listed transformations by production and run, with the state of each run.

Invariant: a pure function of the list: if a step has begun anew, its newest transformation counts;
what only the production file or Airflow knows is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    ProductionStatus,
    TransformationStatus,
)
from dirac_prodsys.core.naming import NameParts, name_parts, run_tag
from dirac_prodsys.core.run.registry import status_of

#: states of a run on which the grid no longer works
OVER = frozenset({ProductionStatus.COMPLETED, ProductionStatus.CLEANED})


@dataclass(frozen=True)
class Own:
    """A transformation that we created, and the parts of its name."""

    listed: Listed
    parts: NameParts


@dataclass(frozen=True)
class RunRow:
    """One run of a production on the grid.

    :param run: its tag.
    :param state: the status that DIRAC's ProductionSystem would have, by those of its
        transformations.
    :param done: number of steps that have ended well, out of ``steps`` on the grid.
    :param started: when its first transformation was created, in UTC; empty: unknown.
    :param run_id: ID in Airflow; empty: Airflow was not asked, or does not have it.
    :param newest: the newest transformation of each step, in the order of creation.
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
        """Return the JSON form."""
        own = {name: value for name, value in vars(self).items() if name != "newest"}
        return {**own, "state": str(self.state)}


def own(listed: Iterable[Listed]) -> list[Own]:
    """Return those that we created, by ID, recognised as they are for people's actions."""
    found = [(one, name_parts(one.name)) for one in sorted(listed, key=lambda each: each.id)]
    return [Own(one, p) for one, p in found if p is not None and p.production == one.group]


def runs_of(listed: Iterable[Listed]) -> list[RunRow]:
    """Return the runs of each production, productions by name, the newest run first."""
    runs: dict[tuple[str, str], list[Own]] = {}
    for one in own(listed):
        runs.setdefault((one.parts.production, one.parts.run), []).append(one)
    newest_first = sorted(runs.values(), key=lambda members: -members[0].listed.id)
    return sorted(map(_row, newest_first), key=lambda row: row.production)


def newest(members: Iterable[Own]) -> tuple[Own, ...]:
    """Return the newest transformation of each step, in the order of the steps' creation."""
    found: dict[str, Own] = {}
    for one in members:
        there = found.get(one.parts.first)
        if there is None or there.parts.start < one.parts.start:
            found[one.parts.first] = one
    return tuple(found.values())


def with_ids(rows: Iterable[RunRow], production: str, run_ids: Iterable[str]) -> list[RunRow]:
    """Add Airflow's run IDs to the rows of a production."""
    ids = {run_tag(run_id): run_id for run_id in run_ids}
    return [
        replace(row, run_id=ids.get(row.run, "")) if row.production == production else row
        for row in rows
    ]


def at_work(rows: Iterable[RunRow]) -> list[RunRow]:
    """Return the runs of each production that are not over; if all are over, the newest.

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
