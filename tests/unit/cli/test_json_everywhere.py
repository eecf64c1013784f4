"""What a subcommand shows as a table, it also writes as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from dirac_prodsys.cli.main import app

#: subcommands that show no table: they write files, documents, or one line
WITHOUT_TABLE = {
    "convert",
    "history comment",
    "history export",
    "history provenance",
    "init",
    "schema",
}


def subcommands(command: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Each subcommand with its options."""
    inside = getattr(command, "commands", None)
    if inside is None:
        yield " ".join(names), {o for one in command.params for o in getattr(one, "opts", ())}
        return
    for name, one in inside.items():
        yield from subcommands(one, (*names, name))


def test_every_table_is_there_as_json() -> None:
    found = dict(subcommands(typer.main.get_command(app)))
    assert {"datasets list", "history list", "summary", "status", "graph"} < found.keys()
    assert {name for name, options in found.items() if "--json" not in options} == WITHOUT_TABLE
