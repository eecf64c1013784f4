"""Reads from the ledger what the grid has forgotten, for ``dirac-prodsys status`` and ``report``.

Invariant: nobody needs a ledger to see what the grid says: without one, what it has forgotten is
unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from dirac_prodsys.cli.history.past import is_meant
from dirac_prodsys.errors import ProdsysError

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.snapshot import Snapshot
    from dirac_prodsys.core.reports.ledger.recalled import Recalled
    from dirac_prodsys.core.reports.meant import Filters
    from dirac_prodsys.ledger.store import Ledger, Search

T = TypeVar("T")


class Recalling:
    """Asks the ledger about transformations.

    :param url: of the ledger, as a person gave it; empty: the default, if it is there.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        #: why nothing is recalled; or empty
        self.trouble = ""

    def of(self, snapshots: Iterable[Snapshot]) -> dict[int, Recalled]:
        """Return what the ledger has of those that the grid has forgotten, by their IDs."""
        from dirac_prodsys.core.reports.ledger.recalled import is_forgotten

        wanted = [(one.id, one.name) for one in snapshots if is_forgotten(one)]
        if not wanted:
            return {}

        def ask(ledger: Ledger) -> dict[int, Recalled]:
            from dirac_prodsys.ledger.history import recalled
            from dirac_prodsys.ledger.store import Search

            found = {}
            for number, name in wanted:
                for one in recalled(ledger, Search(transformation=number, name=name)):
                    found[number] = one
            return found

        return self._ask(ask, {})

    def of_run(self, production: str, run: str) -> dict[str, Recalled]:
        """Return what the ledger has of the newest transformation of each step of a run.

        By the name of the step's first one: a step that began anew has several.
        """

        def ask(ledger: Ledger) -> dict[str, Recalled]:
            from dirac_prodsys.core.naming import name_parts
            from dirac_prodsys.ledger.history import recalled
            from dirac_prodsys.ledger.store import Search

            found = recalled(ledger, Search(production=production, run=run))
            parts = ((name_parts(one.step.name), one) for one in found)
            return {named.first: one for named, one in parts if named is not None}

        return self._ask(ask, {})

    def named(self, names: Sequence[str], filters: Filters) -> list[Recalled]:
        """Return what the ledger has of what names mean; empty: nothing, of one of them."""

        def ask(ledger: Ledger) -> list[Recalled]:
            from dirac_prodsys.core.reports.ledger.recalled import meant_steps
            from dirac_prodsys.ledger.history import recalled

            found: list[Recalled] = []
            for name in names:
                known = {one.step.key: one for one in recalled(ledger, _search(name))}
                chosen = meant_steps([name], (one.step for one in known.values()), filters)
                if not chosen:
                    return []
                found += [known[step.key] for step in chosen]
            return found

        return self._ask(ask, [])

    def _ask(self, ask: Callable[[Ledger], T], nothing: T) -> T:
        if not is_meant(self._url):
            return nothing
        try:
            with _opened(self._url) as ledger:
                return ask(ledger)
        except ImportError as error:
            self.trouble = f"{error.name} is not installed here"
        except ProdsysError as error:
            self.trouble = error.reason
        self.trouble = f"what the grid has forgotten is unknown: {self.trouble}"
        return nothing


def _search(name: str) -> Search:
    """Return where what a name means can be; a pattern can be anywhere."""
    from dirac_prodsys.core.naming import WILD
    from dirac_prodsys.core.reports.meant import wanted
    from dirac_prodsys.ledger.store import Search

    wish = wanted(name)
    production = "" if WILD & set(wish.production) else wish.production
    return Search(production=production, name=wish.name)


@contextmanager
def _opened(url: str) -> Iterator[Ledger]:
    from dirac_prodsys.cli.history.opening import open_ledger

    found = open_ledger(url)
    try:
        yield found
    finally:
        found.close()
