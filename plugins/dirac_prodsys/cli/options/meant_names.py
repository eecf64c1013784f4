"""Finds the transformations named on a command line: by production, step, pattern or whole name.

Invariant: the options have the same names and meaning in every subcommand. Few calls, however many
transformations are named. A name that matches nothing is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli.exits import refuse
from dirac_prodsys.cli.options.files import run_option
from dirac_prodsys.errors import NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.inventory import Listed
    from dirac_prodsys.core.reports.meant import Filters
    from dirac_prodsys.gateway.protocol import ProductionGateway

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Productions, PRODUCTION/STEP, transformations, or patterns of names.",
    ),
]
File = Annotated[
    Path | None,
    typer.Option("--file", exists=True, dir_okay=False, help="All steps of this file, with --run."),
]
Run = Annotated[
    str,
    run_option("The run: its ID or its tag; else all runs of a production that are not over."),
]


@dataclass(frozen=True)
class Meant:
    """The transformations that names mean.

    :param names: ID → name of each transformation, in the order in which they were named.
    :param runs: production and run of the transformations found by a production.
    :param over: number of runs that were left out because they are over.
    """

    names: dict[int, str]
    runs: frozenset[tuple[str, str]] = frozenset()
    over: int = 0


def demand_names(command: str, names: Sequence[str] | None, file: Path | None) -> None:
    """Check that a command has names of transformations.

    :raises typer.Exit: it has neither names nor a production file.
    """
    if not names and file is None:
        refuse(f"{command}: give productions or transformations, or --file and --run")


def meant(gateway: ProductionGateway, names: Sequence[str], filters: Filters) -> Meant:
    """Look up what names mean.

    :raises NotFound: one of them matches nothing.
    """
    from dirac_prodsys.core.reports.meant import choose, wanted
    from dirac_prodsys.gateway.procedures.fresh_starts import find_newest

    wishes = [wanted(name) for name in names]
    groups = sorted({wish.group for wish in wishes} - {""})
    there = listed(gateway, groups) if groups else []
    name_of = {one.id: one.name for one in there}
    chosen = {wish.text: choose(wish, there, filters) for wish in wishes}
    full_names = [text for text, choice in chosen.items() if choice is None]
    records = find_newest(gateway, full_names) if full_names else {}
    if missing := [text for text in full_names if text not in records]:
        raise NotFound(
            f"no such production or transformation: {', '.join(missing)}",
            "`dirac-prodsys runs` lists productions and runs, and `dirac-prodsys status "
            "'PRODUCTION__*'` all names of a production",
        )
    found: dict[int, str] = {}
    runs: set[tuple[str, str]] = set()
    over = 0
    for text, choice in chosen.items():
        if choice is None:
            found[records[text].id] = records[text].name
            continue
        found.update({number: name_of[number] for number in choice.ids})
        runs.update(choice.runs)
        over += choice.over
    return Meant(found, frozenset(runs), over)


def listed(gateway: ProductionGateway, productions: Sequence[str]) -> list[Listed]:
    """Return the transformations of productions.

    Names need one look-up; patterns need a list of all, in pages.

    :param productions: names and patterns; none: all.
    """
    from dirac_prodsys.core.naming import WILD

    if not productions or any(WILD & set(name) for name in productions):
        found = gateway.list_transformations()
    else:
        found = gateway.list_transformations(productions)
    patterns = productions or ("*",)
    return [one for one in found if any(fnmatchcase(one.group, name) for name in patterns)]
