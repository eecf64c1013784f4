"""``dirac-prodsys schema --install`` puts the schema where editors find it, over nothing else."""

from __future__ import annotations

import json

import pytest

from dirac_prodsys.core.language.schema import json_schema


def test_a_schema_is_written_into_the_folder_of_productions_and_its_place_is_printed(
    prodsys, tmp_path
):
    result = prodsys("schema", "--install", tmp_path)
    assert result.exit_code == 0, result.output
    path = tmp_path / "production.schema.json"
    assert json.loads(path.read_text()) == json_schema()
    assert path.read_text() == prodsys("schema").stdout
    line = "# yaml-language-server: $schema=production.schema.json"
    assert result.stdout.splitlines() == [f"{path}: written", f"begin a file with: {line}"]


def test_without_a_folder_it_goes_to_the_users_data(prodsys, data_home):
    result = prodsys("schema", "--install")
    path = data_home / "dirac-prodsys" / "production.schema.json"
    assert json.loads(path.read_text()) == json_schema()
    assert f"$schema={path.as_uri()}" in result.stdout


def test_the_data_folder_is_in_the_home_unless_the_environment_names_another(
    prodsys, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "not/absolute"):
        monkeypatch.setenv("XDG_DATA_HOME", given)
        assert prodsys("schema", "--install").exit_code == 0
    assert (tmp_path / ".local/share/dirac-prodsys/production.schema.json").is_file()


def test_a_file_that_differs_is_replaced_only_by_force(prodsys, tmp_path):
    path = tmp_path / "production.schema.json"
    path.write_text("precious")
    result = prodsys("schema", "--install", tmp_path)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert path.read_text() == "precious"
    assert "replaced" in prodsys("schema", "--install", tmp_path, "--force").stdout
    assert json.loads(path.read_text()) == json_schema()
    assert "there already" in prodsys("schema", "--install", tmp_path).stdout


def test_what_cannot_be_written_is_reported(prodsys, tmp_path):
    (tmp_path / "production.schema.json").mkdir()
    result = prodsys("schema", "--install", tmp_path)
    assert result.exit_code == 2
    assert "production.schema.json" in result.stderr


def test_the_sites_schema_has_a_file_of_its_own(prodsys, tmp_path):
    assert prodsys("schema", "--install", tmp_path, "--of", "site").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["site.schema.json"]


@pytest.mark.parametrize("words", [["--force"], ["."], ["--install", "--format", "markdown"]])
def test_what_does_not_go_together_is_refused(prodsys, words, data_home):
    assert prodsys("schema", *words).exit_code == 2
    assert list(data_home.iterdir()) == []
