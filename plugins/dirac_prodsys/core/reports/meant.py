"""Resolves names of productions, runs, steps, or patterns of names to transformations.

Invariant: pure; a name without a match is an error, so that an incomplete list never looks
complete. A transformation that is not ours is matched only by its whole name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.naming import HINT, SEPARATOR, WILD, means_run
from dirac_prodsys.core.reports.run_list import Own, RunRow, at_work, own, runs_of
from dirac_prodsys.core.text.wording import first_of
from dirac_prodsys.errors import NotFound

#: maximum number of names in an error
_NAMED = 10


@dataclass(frozen=True)
class Wanted:
    """A parsed name: of productions, perhaps of one run or step, or of transformations.

    :param text: the name as given.
    :param production: name or pattern; :param run: a tag; :param step: name or pattern.
    :param name: the whole name of a transformation; :param pattern: a pattern of such names.
    """

    text: str
    production: str = ""
    run: str = ""
    step: str = ""
    name: str = ""
    pattern: str = ""

    @property
    def group(self) -> str:
        """Return name or pattern of the TransformationGroups that may hold it; empty: unknown."""
        return self.production or self.pattern.split(SEPARATOR)[0]


@dataclass(frozen=True)
class Choice:
    """The matches of a name.

    :param ids: transformation IDs, in the order of creation.
    :param runs: production and run of each match that was found by its production.
    :param over: number of runs that were left out because they are over.
    """

    ids: tuple[int, ...]
    runs: tuple[tuple[str, str], ...] = ()
    over: int = 0


@dataclass(frozen=True)
class Filters:
    """The conditions beside the names.

    :param run: ID, tag or pattern; empty: the runs that are not over, or the newest.
    :param steps: names or patterns; empty: all.
    :param runs: production and run of the matches so far; empty: none.
    """

    run: str = ""
    steps: tuple[str, ...] = ()
    runs: Collection[tuple[str, str]] = ()

    def fits(self, step: str) -> bool:
        """Whether a step passes the filters."""
        return not self.steps or any(fnmatchcase(step, each) for each in self.steps)


def wanted(text: str) -> Wanted:
    """Parse a name.

    A name is ``production``, ``production/step``, ``production__run``, the name of a
    transformation, or a pattern. A pattern with ``__`` matches names of transformations, any other
    names of productions.
    """
    head, slash, step = text.partition("/")
    parts = head.split(SEPARATOR)
    if len(parts) == 1:
        return Wanted(text, production=head, step=step)
    if slash or (len(parts) == 2 and not WILD & set(text)):
        return Wanted(text, production=parts[0], run=SEPARATOR.join(parts[1:]), step=step)
    return Wanted(text, pattern=text) if WILD & set(text) else Wanted(text, name=text)


def choose(one: Wanted, listed: Sequence[Listed], filters: Filters) -> Choice | None:
    """Return the matches of a name among the listed; None: it can only be a complete name.

    :param listed: the transformations of at least all groups of the name.
    :raises NotFound: the name has no match.
    """
    if one.name:
        return None
    if one.pattern:
        return _by_pattern(one, own(listed), filters)
    rows = [row for row in runs_of(listed) if fnmatchcase(row.production, one.production)]
    if not rows:
        if one.step or WILD & set(one.text):
            raise NotFound(
                f"the grid has no run of {one.production}",
                "`dirac-prodsys runs` lists the productions that it has",
            )
        return None
    return _by_run(one, rows, filters)


def _by_pattern(one: Wanted, ours: Sequence[Own], filters: Filters) -> Choice:
    found = tuple(
        each.listed.id
        for each in ours
        if fnmatchcase(each.listed.name, one.pattern)
        and filters.fits(each.parts.step)
        and (not filters.run or means_run(filters.run, each.parts.run))
    )
    if not found:
        raise NotFound(f"{one.text} means no transformation that we created", HINT)
    return Choice(found)


def _by_run(one: Wanted, rows: Sequence[RunRow], filters: Filters) -> Choice:
    run = one.run or filters.run
    if run:
        chosen = [row for row in rows if means_run(run, row.run)]
    elif filters.runs:
        chosen = [row for row in rows if (row.production, row.run) in filters.runs]
    else:
        chosen = at_work(rows)
    if not chosen:
        has = first_of([f"{row.production} {row.run}" for row in rows], _NAMED)
        raise NotFound(f"the grid has no run {run} of {one.production}; it has {has}", HINT)
    steps = [each for row in chosen for each in row.newest]
    found = [
        each
        for each in steps
        if filters.fits(each.parts.step) and fnmatchcase(each.parts.step, one.step or "*")
    ]
    if not found:
        raise NotFound(
            f"{one.production} has no step {one.step or ', '.join(filters.steps)}",
            f"its steps are {first_of(sorted({each.parts.step for each in steps}), _NAMED)}",
        )
    return Choice(
        tuple(each.listed.id for each in found),
        tuple((row.production, row.run) for row in chosen),
        over=0 if run or filters.runs else len(rows) - len(chosen),
    )
