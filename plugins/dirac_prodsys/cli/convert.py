"""Converts a production to another form: ``dirac-prodsys convert``.

Invariant: YAML, GraphML and the forms of communities hold all of the production and can be
converted back; JSON is the plan of a run, with everything resolved.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.files import complete_data, read_production
from dirac_prodsys.core.community import built_in, community_of

#: communities whose form is written
_WRITTEN = tuple(one.name for one in built_in() if one.written)
_FORMS = {name: name for name in ("yaml", "graphml", "json", *_WRITTEN)}
Form = StrEnum("Form", _FORMS)  # type: ignore[misc]
_YAML = Form("yaml")


def convert(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A production, YAML or GraphML.")
    ],
    to: Annotated[Form, typer.Option("--to", help="The form that is wanted.")] = _YAML,
) -> None:
    """Write a production in another form.

    yaml: complete in itself, all files that it extends laid over each other; graphml: for editors
    of graphs; json: the resolved plan. What another form cannot say is named on standard error.
    """
    from dirac_prodsys.core.language.graphml import to_graphml
    from dirac_prodsys.core.plan.compile import compile as compile_plan
    from dirac_prodsys.core.text.writer import text_of

    with readable_errors():
        if to == "json":
            plan = compile_plan(read_production(file), run="RUN")
            text = json.dumps(plan.to_dict(), indent=2, ensure_ascii=False)
        elif to == "graphml":
            text = to_graphml(complete_data(file)).rstrip("\n")
        elif to in _WRITTEN:
            community = community_of(to)
            text, unsaid = community.offered(community.written)(complete_data(file))
            text = text.rstrip("\n")
            if unsaid:
                words = ", ".join(unsaid)
                typer.echo(f"{community.words} cannot say: {words}; hints keep it", err=True)
        else:
            text = text_of(complete_data(file), files=(file.name,)).rstrip("\n")
    typer.echo(text)
