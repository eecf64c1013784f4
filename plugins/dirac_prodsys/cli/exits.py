"""Gives each exit code one meaning, in every subcommand.

Invariant: for every error of ``dirac_prodsys.errors``, a person sees ``reason`` and ``hint`` on
standard error, never a traceback; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from dirac_prodsys.errors import (
    DefinitionError,
    DefinitionErrors,
    GatewayError,
    LedgerUnavailable,
    ProdsysError,
    RunError,
    SiteError,
)

DEFINITION, GATEWAY, RUN = 2, 3, 4


def exit_code(error: ProdsysError) -> int:
    """Return the exit code for this kind of error."""
    match error:
        case DefinitionError() | DefinitionErrors() | SiteError():
            return DEFINITION
        case GatewayError() | LedgerUnavailable():
            return GATEWAY
        case RunError():
            return RUN
        case _:
            return 1


def refuse(why: str) -> NoReturn:
    """Print why nothing is done, and exit with the code of a wrong command line."""
    typer.echo(why, err=True)
    raise typer.Exit(DEFINITION)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Print an error of ours for a person, and exit with its code."""
    try:
        yield
    except ProdsysError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(exit_code(error)) from error
