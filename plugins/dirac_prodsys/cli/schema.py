"""``dirac-prodsys schema``: the JSON Schema of version 1, for editors.

Invariant: what is printed is made of the models at that moment; the copy in ``docs/reference`` is
compared with it by a test.
"""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of production files.

    Editors with the YAML language server complete and check by it; begin a file with
    ``# yaml-language-server: $schema=production.schema.json``.
    """
    from dirac_prodsys.core.language.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=1, ensure_ascii=False))
