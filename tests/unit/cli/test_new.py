"""``dirac-prodsys new`` writes productions with nothing wrong, and never over another file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

import dirac_prodsys.cli.new as command
from dirac_prodsys.core import yaml_source
from dirac_prodsys.core.dialects import load_production

TEMPLATES = get_args(command.Template)


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_written_lints_clean_and_has_the_name_and_the_owner(prodsys, tmp_path, template):
    args = ("--template", template, "--folder", tmp_path, "--vo", "virgo")
    assert prodsys("new", "my_first", *args).exit_code == 0
    file = tmp_path / "my_first.yaml"
    assert json.loads(prodsys("lint", file, "--format", "json").stdout)["findings"] == []
    production = load_production(file.read_text(), str(file))
    assert (production.name, production.vo) == ("my_first", "virgo")
    assert "@NAME@" not in file.read_text()
    assert "@VO@" not in file.read_text()
    assert prodsys("plan", file).exit_code == 0


def test_every_template_on_file_can_be_chosen():
    folder = Path(command.__file__).parent / "templates"
    assert {file.stem for file in folder.glob("*")} == set(TEMPLATES)


def test_a_file_that_exists_is_left_as_it_is(prodsys, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("precious")
    result = prodsys("new", "mine", "--folder", tmp_path)
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert file.read_text() == "precious"


def test_a_name_that_cannot_be_one_writes_nothing(prodsys, tmp_path):
    result = prodsys("new", "../mine", "--folder", tmp_path / ".")
    assert result.exit_code == 2
    assert "cannot name a production" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_first_line_leads_editors_to_the_schema(prodsys, tmp_path):
    schema = tmp_path / "docs" / "reference" / "production.schema.json"
    folder = tmp_path / "include" / "productions"
    alone = tmp_path / "alone"
    for each in (schema.parent, folder, alone):
        each.mkdir(parents=True)
    prodsys("new", "before", "--folder", alone)
    schema.write_text("{}")
    prodsys("new", "after", "--folder", folder)
    mark = "# yaml-language-server: $schema="
    first = (folder / "after.yaml").read_text().splitlines()[0]
    assert (folder / first.removeprefix(mark)).resolve() == schema.resolve()
    assert (alone / "before.yaml").read_text().startswith(f"{mark}production.schema.json\n")
    assert yaml_source.parse((folder / "after.yaml").read_text(), "f").data["version"] == 1
