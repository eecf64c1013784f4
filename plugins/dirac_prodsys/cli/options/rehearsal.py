"""Defines the options of a rehearsal, for ``dirac-prodsys rehearse`` and the program it starts.

Invariant: the command and the program take the same options, so that the command passes all of them
on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help="Production files."),
]
Tasks = Annotated[int, typer.Option(min=1, help="At most this many tasks of a step without input.")]
Inputs = Annotated[int, typer.Option("--files", min=1, help="Input files to make for each query.")]
Profile = Annotated[
    Literal["auto", "light", "data", "full"],
    typer.Option(help="The grid; auto: the smallest that has what the files need."),
]
Timeout = Annotated[float, typer.Option(help="Seconds after which the rehearsal is given up.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep logs and data even if all went well.")]
AsJson = Annotated[bool, typer.Option("--json", help="The report as JSON.")]
