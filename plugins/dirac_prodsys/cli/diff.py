"""``dirac-prodsys diff``: what differs between what two production files would send.

Invariant: compares plans, not texts: order of keys, comments and ways of writing do not matter.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.files import read_production

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A production file.")]


def diff(
    left: _File,
    right: _File,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare what two production files would send; exit code 1 if anything differs.

    The names of the two productions do not count.
    """
    from dirac_prodsys.core.difference import differences
    from dirac_prodsys.core.plan import compile as compile_plan

    with readable_errors():
        one, two = read_production(left), read_production(right)
        two = two.model_copy(update={"name": one.name})
        found = differences(compile_plan(one, run="RUN"), compile_plan(two, run="RUN"))
    if as_json:
        typer.echo(json.dumps({"differences": [each.to_dict() for each in found]}, indent=2))
    else:
        for each in found:
            typer.echo(str(each))
    if found:
        raise typer.Exit(1)
