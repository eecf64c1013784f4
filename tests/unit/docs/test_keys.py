"""The reference of every key is made of the models, whole and current; CTAO's keys have a row."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.communities.ctao.form.form import CtaoFile, CtaoStep, Extras, StepExtras
from dirac_prodsys.communities.ctao.types.configs import JobConfig
from dirac_prodsys.communities.ctao.types.job_types import TYPES
from dirac_prodsys.communities.ctao.types.vocabulary import WRITTEN_AS
from dirac_prodsys.core.job_types import job_types
from dirac_prodsys.core.language.reference import markdown
from dirac_prodsys.core.language.schema import described

DOCS = Path(__file__).parents[3] / "docs"
KEYS = DOCS / "reference" / "keys.md"
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| (.*) \|$", re.MULTILINE)


def sections() -> dict[str, dict[str, tuple[str, str, str]]]:
    """Heading → key → type, default, meaning."""
    parts = re.split(r"^## (.+)$", markdown(), flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {title: {m[1]: (m[2], m[3], m[4]) for m in ROW.finditer(text)} for title, text in pairs}


def test_the_reference_on_file_is_that_of_the_models() -> None:
    hint = "write it anew: dirac-prodsys schema --format markdown > docs/reference/keys.md"
    assert KEYS.read_text("utf-8") == markdown(), hint


def test_the_command_prints_it() -> None:
    assert CliRunner().invoke(app, ["schema", "--format", "markdown"]).stdout == markdown()


def test_every_key_of_every_model_has_a_meaning() -> None:
    bare = [(s, key) for s, rows in sections().items() for key, row in rows.items() if not row[2]]
    assert bare == []


def test_every_key_of_the_schema_has_a_row() -> None:
    schema, definitions = described()
    found = sections()
    assert set(found["Top level"]) == set(schema["properties"])
    rows = [set(rows) for rows in found.values()]
    for name, definition in definitions.items():
        wanted = set(definition.get("properties", ()))
        if name.startswith("job_ctao_"):
            wanted -= set(JobConfig.model_fields)
        assert not wanted or any(wanted <= keys for keys in rows), name


def test_every_job_type_has_a_section_and_what_it_must_say() -> None:
    found = sections()
    assert {f"job: {name}" for name in job_types()} < set(found)
    must = {key for key, row in found["job: ctao:Merging"].items() if row[1] == "required"}
    assert must == {"type", "output_extension"}
    assert found["steps"]["tasks"][0] == "whole number; at least 1, at most 2147483647"
    assert found["job: script"]["cpu_time"][1] == "`86400`"


def test_links_within_the_page_lead_to_its_sections() -> None:
    text = markdown()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
    assert set(re.findall(r"\(#([^)]+)\)", text)) <= anchors


def test_every_key_of_ctao_s_form_has_a_row_beside_ours() -> None:
    text = (DOCS / "how-to" / "coming-from-cta-prod-submit.md").read_text("utf-8")
    cells = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    documented = set(re.findall(r"`(?:Common|job_config)?\.?(\w+)[`:]", cells))
    models = (CtaoFile, CtaoStep, Extras, StepExtras, *(kind.config for kind in TYPES))
    keys = {key for model in models for key in model.model_fields}
    keys |= {*WRITTEN_AS.values(), "parentID", *(kind.name for kind in TYPES)}
    assert keys - {"prodsys"} - documented == set()
