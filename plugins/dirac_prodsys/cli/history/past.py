"""Reads from the ledger how far transformations were before, for ``dirac-prodsys status``.

Invariant: nobody needs a ledger to see a status: without one, the past is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dirac_prodsys.errors import ProdsysError

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.status_progress import Past
    from dirac_prodsys.core.reports.status_view import StatusRow


def past_of(url: str, rows: Iterable[StatusRow]) -> tuple[Past, str]:
    """Return the past of the runs of these rows, and why it is unknown; or empty.

    :param url: of the ledger, as a person gave it; empty: the default, if it is there.
    """
    from dirac_prodsys.cli.history.opening import open_ledger
    from dirac_prodsys.core.reports.status_progress import Past

    past = Past()
    if not is_meant(url):
        return past, ""
    try:
        from dirac_prodsys.ledger.store import Search

        ledger = open_ledger(url)
        try:
            kinds = ("step", "counts")
            for production, run in dict.fromkeys((row.production, row.run) for row in rows):
                if production:
                    past.learn(ledger.find(Search(kinds, production=production, run=run)))
        finally:
            ledger.close()
    except ImportError as error:
        return past, _without(f"{error.name} is not installed here")
    except ProdsysError as error:
        return past, _without(error.reason)
    return past, ""


def is_meant(url: str) -> bool:
    """Whether a person names a ledger, or the default one is there."""
    from dirac_prodsys.ledger.places import default_url

    return bool(url) or Path(default_url().removeprefix("sqlite:///")).is_file()


def _without(why: str) -> str:
    return f"without estimates from the ledger: {why}"
