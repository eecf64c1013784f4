"""``dirac-prodsys new`` writes productions with nothing wrong, and never over another file."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import dirac_prodsys.cli.new as command
from dirac_prodsys.core.community import built_in
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.language.schema import json_schema
from dirac_prodsys.core.text import reader

TEMPLATES = (*command.TEMPLATES, *(one.name for one in built_in() if one.template))


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
    assert {file.stem for file in folder.glob("*")} == set(command.TEMPLATES)


def test_an_unknown_template_is_refused_with_the_nearest_name_and_nothing_is_written(
    prodsys, tmp_path
):
    done = prodsys("new", "mine", "--template", "cain", "--folder", tmp_path)
    assert done.exit_code == 2
    assert "there is no template 'cain'\n  hint: did you mean 'chain'?" in done.output
    assert list(tmp_path.iterdir()) == []


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


MARK = "# yaml-language-server: $schema="


def led_to(file: Path) -> Path:
    """The schema that an editor finds for this file."""
    first = file.read_text().splitlines()[0]
    assert first.startswith(MARK)
    reference = first.removeprefix(MARK)
    parts = urlsplit(reference)
    return Path(unquote(parts.path)) if parts.scheme == "file" else file.parent / reference


def test_the_first_line_leads_editors_to_the_schema_wherever_the_file_stands(
    prodsys, tmp_path, data_home
):
    result = prodsys("new", "alone", "--folder", tmp_path)
    found = led_to(tmp_path / "alone.yaml")
    assert found == data_home / "dirac-prodsys" / "production.schema.json"
    assert json.loads(found.read_text()) == json_schema()
    assert f"{found}: written" in result.stderr
    assert reader.parse((tmp_path / "alone.yaml").read_text(), "f").data["version"] == 1
    assert "written" not in prodsys("new", "again", "--folder", tmp_path).stderr
    assert led_to(tmp_path / "again.yaml") == found


@pytest.mark.parametrize("place", [".", "docs/reference", "include/productions"])
def test_the_schema_of_a_project_comes_first(prodsys, tmp_path, data_home, place):
    folder = tmp_path / "include" / "productions"
    for each in (folder, tmp_path / place):
        each.mkdir(parents=True, exist_ok=True)
    assert prodsys("schema", "--install", tmp_path / place).exit_code == 0
    result = prodsys("new", "mine", "--folder", folder)
    assert result.stderr == ""
    schema = tmp_path / place / "production.schema.json"
    assert led_to(folder / "mine.yaml").resolve() == schema.resolve()
    assert list(data_home.iterdir()) == []


def test_a_schema_of_another_version_is_reported_and_left_as_it_is(prodsys, tmp_path):
    schema = tmp_path / "production.schema.json"
    schema.write_text("{}")
    result = prodsys("new", "mine", "--folder", tmp_path)
    assert result.exit_code == 0
    assert f"dirac-prodsys schema --install {tmp_path} --force" in result.stderr
    assert schema.read_text() == "{}"


def test_where_no_schema_can_be_written_no_line_leads_to_one(prodsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    result = prodsys("new", "mine", "--folder", tmp_path)
    assert result.exit_code == 0
    assert "without a schema for editors" in result.stderr
    assert MARK not in (tmp_path / "mine.yaml").read_text()
