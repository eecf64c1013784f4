"""The documents are true: their YAML loads, their links lead somewhere, their tables are whole."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import typer.main
import yaml
from pydantic import BaseModel

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.task_plugins import PLUGINS
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.job_types import job_types
from dirac_prodsys.core.job_types.request import Request
from dirac_prodsys.core.job_types.script import Script
from dirac_prodsys.core.language.model import Common, Defaults, NativeFile, NativeStep
from dirac_prodsys.core.production.loops import LoopModel
from dirac_prodsys.core.production.notify import Notify
from dirac_prodsys.core.production.parameters import Parameter
from dirac_prodsys.core.production.policy import (
    Approval,
    ErrorRuleModel,
    Extension,
    OnCancel,
    Policy,
    Recovery,
)
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.schedule import NewFiles, Schedule
from dirac_prodsys.core.production.step import (
    DatasetModel,
    InputSpec,
    OutputSpec,
    RunNumbers,
    TypeModel,
)
from dirac_prodsys.gateway.records import GatewaySettings

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
RECORDS = sorted(ROOT.glob("docs/adr/[0-9]*.md"))
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def yaml_blocks() -> list[tuple[str, str]]:
    """Document and text of every YAML block."""
    return [
        (named(document), match[3])
        for document in DOCUMENTS
        for match in BLOCK.finditer(document.read_text())
        if match[2] in ("yaml", "yml")
    ]


@pytest.mark.parametrize(("document", "text"), yaml_blocks())
def test_every_yaml_in_a_document_is_a_production_that_loads(document, text):
    assert load_production(text, document).steps


def test_readme_tutorial_and_reference_show_yaml():
    assert {"README.md", "docs/tutorial.md", "docs/reference/production-yaml.md"} <= {
        document for document, _ in yaml_blocks()
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_relative_links_lead_to_something_in_the_repository(document):
    text = BLOCK.sub("", document.read_text())
    targets = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]
    missing = [target for target in targets if target and not (document.parent / target).exists()]
    assert not missing


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", document.read_text()), re.MULTILINE)
    words = (re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in words}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_into_a_document_lead_to_a_heading(document):
    links = LINK.findall(BLOCK.sub("", document.read_text()))
    missing = []
    for link in links:
        target, _, anchor = link.partition("#")
        path = document.parent / target if target else document
        if anchor and "://" not in link and path.suffix == ".md" and anchor not in anchors(path):
            missing.append(link)
    assert missing == []


def test_the_readme_is_short_and_shows_both_pictures_and_both_commands():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", text)
    assert len(pictures) == 2
    for picture in pictures:
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
    assert re.search(r"^make demo\b", text, re.MULTILINE)
    assert re.search(r"^make test\b", text, re.MULTILINE)


def test_files_named_in_the_readme_table_of_wishes_exist():
    text = (ROOT / "README.md").read_text().partition("## I want to…")[2].partition("\n## ")[0]
    places = re.findall(r"`([^`]+)`", text)
    assert len(places) >= 10
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_ten_first_decisions_are_recorded_and_numbers_have_no_gap():
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 10


@pytest.mark.parametrize("record", RECORDS, ids=named)
def test_a_decision_says_what_violates_it_and_what_was_rejected(record):
    text = record.read_text()
    assert text.startswith(f"# {int(record.name[:4])}. ")
    sections = dict(re.findall(r"^## (.+?)\n+(.+?)(?=\n## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(sections) == ["Context", "Decision", "A change violates this when", "Rejected"]
    assert sections["A change violates this when"].startswith("- ")
    assert record.name in (record.parent / "README.md").read_text()


def table_keys(document: str, section: str) -> set[str]:
    """First column of the table below a heading."""
    text = (ROOT / document).read_text()
    body = re.search(
        rf"^#+ {re.escape(section)}\n(.+?)(?=^##+ |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert body, f"{document} has no section {section}"
    keys = re.findall(r"^\| `([^`]+)` \|", body[1], re.MULTILINE)
    assert keys, f"{section} has no table"
    return set(keys)


@pytest.mark.parametrize(
    ("section", "model", "not_written", "renamed"),
    [
        # steps stand beside the production; the rest is filled in by the reader of the file
        ("Top level", NativeFile, set(), {}),
        (
            "production",
            Production,
            {"steps", "loops", "parameters", "schedule", "types", "dialect", "source", "file"},
            {},
        ),
        ("step", NativeStep, set(), {}),
        ("extend", Extension, set(), {}),
        ("recovery", Recovery, set(), {}),
        ("errors", ErrorRuleModel, set(), {}),
        ("approval", Approval, set(), {}),
        ("loops", LoopModel, set(), {}),
        ("schedule", Schedule, set(), {}),
        ("files", NewFiles, set(), {}),
        ("on_cancel", OnCancel, set(), {}),
        ("notify", Notify, set(), {}),
        ("run_numbers", RunNumbers, set(), {}),
        ("types", TypeModel, set(), {}),
        ("parameters", Parameter, set(), {}),
        ("common", Common, set(), {}),
        ("defaults", Defaults, set(), {}),
        ("input", InputSpec, set(), {"steps": "from"}),
        ("output", OutputSpec, set(), {}),
        ("dataset", DatasetModel, set(), {}),
        ("policy", Policy, set(), {}),
        ("job, type script", Script, set(), {}),
        ("job, type request", Request, set(), {}),
    ],
)
def test_the_yaml_reference_lists_the_fields_of_the_model(
    section: str, model: type[BaseModel], not_written: set[str], renamed: dict[str, str]
):
    fields = {renamed.get(name, name) for name in model.model_fields} - not_written
    assert table_keys("docs/reference/production-yaml.md", section) == fields


def test_the_yaml_reference_lists_every_transformation_type_and_job_type():
    document = "docs/reference/production-yaml.md"
    assert table_keys(document, "Transformation types") == set(TRANSFORMATION_TYPES)
    sections = re.findall(r"^## job, type (\w+)$", (ROOT / document).read_text(), re.MULTILINE)
    assert set(sections) == {name.partition(":")[0] for name in job_types()}
    named = set(re.findall(r"`(ctao:\w+)`", (ROOT / document).read_text()))
    assert named == {name for name in job_types() if ":" in name}


def test_the_yaml_reference_lists_every_plugin_and_all_their_parameters():
    document = "docs/reference/production-yaml.md"
    assert table_keys(document, "Plugins") == set(PLUGINS)
    rows = (ROOT / document).read_text()
    for plugin in PLUGINS.values():
        row = re.search(rf"^\| `{plugin.name}` \| .*$", rows, re.MULTILINE)
        assert row
        assert set(plugin.parameters.model_fields) <= set(re.findall(r"`(\w+)`", row[0]))


def test_the_connection_reference_lists_the_settings_of_the_gateway():
    fields = {field.name for field in dataclasses.fields(GatewaySettings)}
    document = "docs/reference/connection.md"
    assert table_keys(document, "The connection type `dirac`") == fields


def test_the_command_line_reference_lists_every_command():
    text = (ROOT / "docs/reference/cli.md").read_text()
    documented = set(re.findall(r"^\| `dirac-prodsys ([a-z][a-z-]*)", text, re.MULTILINE))
    assert documented == set(typer.main.get_command(app).commands)


def test_pre_commit_runs_local_hooks_only():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
