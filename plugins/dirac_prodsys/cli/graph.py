"""Draws the steps of a production as text or as a picture: ``dirac-prodsys graph``.

Invariant: the arrows are those of the plan, and carry the metadata by which files are found. A
dashed arrow leads to a step that starts only when its parents are complete.
"""

from __future__ import annotations

import importlib
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.files import read_production
from dirac_prodsys.cli.options.files import ProductionFile
from dirac_prodsys.cli.tables import print_json

#: the module of the same name in ``core/pictures`` draws each form
Form = Literal["text", "mermaid", "dot", "svg"]


def graph(
    file: ProductionFile,
    output: Annotated[Form, typer.Option("--format", help="Form of the picture.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The boxes and arrows as JSON.")] = False,
) -> None:
    """Draw the steps of a production and what feeds what."""
    from dirac_prodsys.core.plan.compile import compile as compile_plan

    with readable_errors():
        compiled = compile_plan(read_production(file), run="RUN")
    if as_json:
        from dirac_prodsys.core.pictures import picture

        print_json(asdict(picture(compiled)))
        return
    drawing = importlib.import_module(f"dirac_prodsys.core.pictures.{output}")
    typer.echo(drawing.draw(compiled))
