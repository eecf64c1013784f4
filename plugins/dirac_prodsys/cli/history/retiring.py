"""Records in the ledger that a dataset was retired, for ``dirac-prodsys datasets retire``.

Invariant: nobody needs a ledger to retire a dataset: without one, nothing is recorded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from dirac_prodsys.cli.history.past import is_meant
from dirac_prodsys.errors import ProdsysError

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.ledger.records import DatasetRecord


def record_retired(url: str, dataset: str) -> bool:
    """Record that a dataset was retired; return whether the ledger knows the dataset.

    :param url: of the ledger, as a person gave it; empty: the default, if it is there.
    :param dataset: full path.
    """
    from dirac_prodsys.cli.history.opening import open_ledger
    from dirac_prodsys.core.reports.ledger.records import DatasetRecord

    if not is_meant(url):
        return False
    try:
        from dirac_prodsys.ledger.store import Search

        ledger = open_ledger(url)
        try:
            newest: DatasetRecord | None = None
            for one in ledger.find(Search(("dataset",))):
                if isinstance(one, DatasetRecord) and one.dataset == dataset:
                    newest = one
            if newest is not None and not newest.retired:
                ledger.write([_retired(newest)])
        finally:
            ledger.close()
    except ImportError as error:
        typer.echo(f"the ledger does not learn it: {error.name} is not installed here", err=True)
        return False
    except ProdsysError as error:
        typer.echo(f"the ledger does not learn it: {error.reason}", err=True)
        return False
    return newest is not None


def _retired(newest: DatasetRecord) -> DatasetRecord:
    given = {"at": datetime.now(UTC), "retired": True, "key": "", "occasion": newest.key}
    return type(newest).from_dict({**newest.to_dict(), **given})
