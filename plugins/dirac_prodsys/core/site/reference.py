"""Generates the JSON Schema of the site's file, and the reference of its keys, from the models.

Invariant: every key that a model accepts has a row, with a meaning.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.language.reference import table_of
from dirac_prodsys.core.language.schema import DIALECT, Schema, described_model
from dirac_prodsys.core.site.file import Site

HEAD = """\
# Every key of the site's file

Made of the models by `dirac-prodsys schema --of site --format markdown`. What it is for, and what
it does not reach, stands in [the security model](../explanation/security.md); an example is
[site.yaml](site.yaml), and [site.schema.json](site.schema.json) is for editors.

A key that is not written limits nothing; a list that is empty allows nothing. Anything wrong in the
file, a misspelt key included, makes the whole of it unusable, and then nothing is allowed.
"""

#: definitions in the order of a reader, and the titles of their sections
_SECTIONS = {"Limits": "bundles", "RemovalApproval": "removal_approvals", "Rule": "actions"}


def json_schema() -> Schema:
    """Return the schema, for editors."""
    schema, definitions = described_model(Site)
    return {
        "$schema": DIALECT,
        "title": "dirac_prodsys site file, version 1",
        **{key: _without_null(value) for key, value in schema.items() if key != "title"},
        "$defs": {name: _without_null(part) for name, part in sorted(definitions.items())},
    }


def markdown() -> str:
    """Write the whole reference."""
    schema, definitions = described_model(Site)
    lines = [HEAD, "## Top level", "", *table_of(schema, _SECTIONS)]
    for name, title in _SECTIONS.items():
        lines += ["", f"## {title}", "", str(definitions[name]["description"]), ""]
        lines += table_of(definitions[name], _SECTIONS)
    return "\n".join(lines) + "\n"


def _without_null(value: Any) -> Any:
    """Remove null from the types: a key is written with a value, or not at all."""
    if isinstance(value, list):
        return [_without_null(one) for one in value if one != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    kept = {key: one for key, one in value.items() if key != "default" or one is not None}
    return {key: _without_null(one) for key, one in kept.items()}
