"""The reference, the schema and the example of the site's file are those of the models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.site import reference
from dirac_prodsys.core.site.file import Limits, RemovalApproval, Rule, Site, SiteModel, read_site
from dirac_prodsys.core.site.rights import demand_right
from dirac_prodsys.core.text import reader
from dirac_prodsys.errors import SiteError

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = DOCS / "reference" / "site.yaml"
SECURITY = DOCS / "explanation" / "security.md"


def test_the_reference_on_file_is_that_of_the_models() -> None:
    hint = "dirac-prodsys schema --of site --format markdown > docs/reference/site.md"
    assert (DOCS / "reference" / "site.md").read_text("utf-8") == reference.markdown(), hint
    printed = CliRunner().invoke(app, ["schema", "--of", "site", "--format", "markdown"])
    assert printed.stdout == reference.markdown()


def test_the_schema_on_file_is_that_of_the_models() -> None:
    hint = "dirac-prodsys schema --of site > docs/reference/site.schema.json"
    kept = json.loads((DOCS / "reference" / "site.schema.json").read_text("utf-8"))
    assert kept == reference.json_schema(), hint
    assert json.loads(CliRunner().invoke(app, ["schema", "--of", "site"]).stdout) == kept


@pytest.mark.parametrize("model", [Site, Limits, RemovalApproval, Rule])
def test_every_key_of_every_model_has_a_meaning(model: type[SiteModel]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| (.+) \|$", reference.markdown(), re.MULTILINE)
    assert set(model.model_fields) <= {key for key, meaning in rows if meaning.strip()}


def test_the_example_is_a_site_file_that_uses_every_key() -> None:
    text = EXAMPLE.read_text("utf-8")
    read_site(text, "site.yaml")
    jsonschema.validate(reader.parse(text, "site.yaml").data, reference.json_schema())
    keys = {key for model in (Limits, RemovalApproval, Rule) for key in model.model_fields}
    assert [key for key in keys - {"users", "vos"} if not re.search(rf"\b{key}:", text)] == []


@pytest.mark.parametrize(
    "data", [{"version": 1, "bundles": {"p": {"connections": None}}}, {"version": 1, "x": {}}, {}]
)
def test_the_schema_takes_no_file_that_the_reader_does_not(data: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, reference.json_schema())
    with pytest.raises(SiteError):
        read_site(json.dumps(data), "site.yaml")


def test_the_table_of_the_security_model_is_what_the_example_says() -> None:
    site = read_site(EXAMPLE.read_text("utf-8"), "site.yaml")
    text = SECURITY.read_text("utf-8")
    rows = re.findall(
        r"^\| `(\w+)` \| (yes|no) \| (yes|no) \| (yes|no) \| (yes|no) \|$", text, re.M
    )
    assert {action for action, *_ in rows} == set(ACTIONS)

    def may(user: str, action: str, connection: str, production: str) -> str:
        try:
            demand_right(site, user, action, connection, "sim", [f"{production}__r1__step"])
        except SiteError:
            return "no"
        return "yes"

    for action, *cells in rows:
        asked = (
            ("sam", action, "dirac_default", "bands"),
            ("sam", action, "dirac_test", "trial_1"),
            ("ada", action, "dirac_default", "bands"),
            ("eve", action, "dirac_default", "bands"),
        )
        assert [may(*one) for one in asked] == cells, action
