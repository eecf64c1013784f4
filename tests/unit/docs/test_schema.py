"""The JSON Schema is current, takes every good production, and every example points to it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from dirac_prodsys.cli.main import app
from dirac_prodsys.core.language.schema import json_schema
from dirac_prodsys.core.text import reader

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs" / "reference" / "production.schema.json"
GOOD = sorted((ROOT / "tests" / "productions" / "good").glob("*.yaml"))
EXAMPLES = [
    file
    for file in sorted((ROOT / "include" / "productions").rglob("*.y*ml"))
    if "ProdSteps" not in file.read_text("utf-8")
]


def data(text: str | bytes) -> dict[str, Any]:
    return reader.parse(text, "f").data


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_on_file_is_that_of_the_models() -> None:
    hint = "write it anew: dirac-prodsys schema > docs/reference/production.schema.json"
    assert json.loads(SCHEMA.read_text("utf-8")) == json_schema(), hint


def test_the_command_prints_the_schema() -> None:
    assert json.loads(CliRunner().invoke(app, ["schema"]).stdout) == json_schema()


@pytest.mark.parametrize("file", [*GOOD, *EXAMPLES], ids=lambda file: file.stem)
def test_a_good_production_is_valid(validator: jsonschema.Draft202012Validator, file: Path) -> None:
    assert [error.message for error in validator.iter_errors(data(file.read_bytes()))] == []


def test_a_production_of_cwl_needs_no_steps(validator: jsonschema.Draft202012Validator) -> None:
    text = "version: 1\nproduction: {name: p, vo: v}\ncwl: {file: p.cwl, inputs: {n: 1}}\n"
    assert list(validator.iter_errors(data(text))) == []
    for wrong in ("fiel: p.cwl", "file: p.cwl, digest: abc"):
        assert list(validator.iter_errors(data(text.replace("file: p.cwl", wrong))))


@pytest.mark.parametrize(
    "change",
    [
        ("steps:", "setps:"),
        ("group_size: 4", "group_size: four"),
        ("flush: auto", "flush: always"),
        ("executable: prodsys-mandelbrot", "executabel: prodsys-mandelbrot"),
        ("input: {from: slices}", "input: {from: {step: slices}}"),
        ("version: 1", "version: 2"),
    ],
)
def test_a_mistake_is_seen_in_the_editor(
    validator: jsonschema.Draft202012Validator, change: tuple[str, str]
) -> None:
    text = (ROOT / "include" / "productions" / "mandelbrot.yaml").read_text("utf-8")
    assert change[0] in text
    assert list(validator.iter_errors(data(text.replace(*change, 1))))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_tells_the_editor_its_schema(file: Path) -> None:
    line = re.search(r"^# yaml-language-server: \$schema=(\S+)$", file.read_text("utf-8"), re.M)
    assert line
    assert (file.parent / line[1]).resolve() == SCHEMA
