"""Finds the ledger that a person means, and reads moments as people write them.

Invariant: looking makes no ledger: where there is none, a person is given the place that was
looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.errors import DefinitionError, LedgerUnavailable

if TYPE_CHECKING:
    from dirac_prodsys.ledger.store import Ledger

#: environment variables that name the ledger, the first that is set
VARIABLES = ["DIRAC_PRODSYS_LEDGER", "AIRFLOW__DIRAC_PRODSYS__LEDGER_URL"]

LedgerUrl = Annotated[
    str,
    typer.Option(
        "--ledger",
        metavar="URL",
        envvar=VARIABLES,
        show_envvar=False,
        help="The ledger; default: DIRAC_PRODSYS_LEDGER, or the file in Airflow's home.",
    ),
]


@contextmanager
def opened(url: str, *, makes: bool = False) -> Iterator[Ledger]:
    """Yield the ledger; print an error of it for a person.

    :param url: as a person gave it; empty: the default.
    :param makes: whether a file is made where there is none.
    """
    with readable_errors():
        found = open_ledger(url, makes=makes)
        try:
            yield found
        finally:
            found.close()


def open_ledger(url: str, *, makes: bool = False) -> Ledger:
    """Return the ledger.

    :param url: empty: the default.
    :param makes: whether a file is made where there is none.
    :raises LedgerUnavailable: there is none.
    """
    from dirac_prodsys.ledger.places import default_url

    url = url or default_url()
    file = url.removeprefix("sqlite:///")
    if file != url and not makes and not Path(file).is_file():
        raise LedgerUnavailable(
            f"there is no ledger at {file}",
            "name it with --ledger URL; it is made when the first task of a production runs",
        )
    try:
        from dirac_prodsys.ledger.store import Ledger
    except ImportError as error:
        raise LedgerUnavailable(
            f"{error.name} is not installed here", "pip install 'dirac-prodsys[ledger]'"
        ) from None
    return Ledger.at(url)


def moment_of(text: str, now: datetime) -> datetime:
    """Return the moment that a person means: ``2026-03-01``, or ``90 days`` before now.

    Without a zone it is meant in that of the person, in which moments are shown, too.

    :raises DefinitionError: it is neither.
    """
    if span := re.fullmatch(r"(\d{1,5}) ?(d|days?|h|hours?)", text.strip()):
        unit = "days" if span[2].startswith("d") else "hours"
        return now - timedelta(**{unit: int(span[1])})
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise DefinitionError(
            f"{text!r} is no moment", "write 2026-03-01, 2026-03-01T12:00+01:00 or '90 days'"
        ) from None
    return found if found.tzinfo is not None else found.astimezone()
