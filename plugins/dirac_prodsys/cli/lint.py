"""``dirac-prodsys lint``: every mistake of every file in one pass, before anything is deployed.

Invariant: a file that lints clean is accepted by the Dag bundle, because both read it by the same
``load_production``; what only shows between files (one name used twice) is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from dirac_prodsys.cli.exits import DEFINITION
from dirac_prodsys.cli.files import production_files, read_production
from dirac_prodsys.errors import DefinitionError, DefinitionErrors


@dataclass(frozen=True)
class Finding:
    """One mistake, in the form that editors and CI systems take.

    :param line: 1-based, 0 when the whole file is meant; ``column`` likewise.
    :param code: ``definition`` (the file alone is wrong) or ``duplicate-name`` (two files clash).
    """

    file: str
    line: int
    column: int
    severity: Literal["error", "warning"]
    code: str
    message: str
    hint: str

    @classmethod
    def of(cls, error: DefinitionError, code: str = "definition") -> Finding:
        """The finding that reports ``error``."""
        return cls(error.file, error.line, error.column, "error", code, error.reason, error.hint)


def findings(files: Sequence[Path]) -> Iterator[tuple[Finding, DefinitionError]]:
    """All that is wrong with ``files``, each with the error it reports, file by file."""
    owners: dict[str, Path] = {}
    for path in files:
        try:
            production = read_production(path)
        except DefinitionErrors as problems:
            for error in problems.errors:
                yield Finding.of(error), error
            continue
        owner = owners.setdefault(production.name, path)
        if owner is not path:
            error = DefinitionError(
                f"production {production.name!r} is already defined in {owner}",
                "the name is the dag_id: give each production its own",
                file=str(path),
            )
            yield Finding.of(error, "duplicate-name"), error


def lint(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", exists=True, help="Production files, or folders of them."
        ),
    ],
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people, or for programs.")
    ] = "text",
) -> None:
    """Check production files and report everything that is wrong with them."""
    files = production_files(paths)
    found = list(findings(files))
    if output == "json":
        typer.echo(json.dumps({"findings": [asdict(finding) for finding, _ in found]}, indent=2))
    else:
        for _, error in found:
            typer.echo(str(error))
        wrong = len({finding.file for finding, _ in found})
        typer.echo(f"{len(files)} files checked, {wrong} with errors", err=True)
    if found:
        raise typer.Exit(DEFINITION)
