"""``dirac-prodsys init`` lays out a project, and changes nothing that is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import dirac_prodsys.cli.init as command
from dirac_prodsys import __version__
from dirac_prodsys.core.language.schema import json_schema

REPOSITORY = Path(__file__).parents[3]
PACKAGED = Path(command.__file__).parent / "project"


@pytest.fixture
def project(prodsys, tmp_path):
    """A project that has just been laid out."""
    folder = tmp_path / "project"
    done = prodsys("init", folder, "--vo", "virgo")
    assert done.exit_code == 0, done.output
    return folder


def content_of(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by their places."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_it_has_all_that_is_deployed(project):
    for place in ("dags", "plugins", "include/productions"):
        assert (project / place).is_dir()
    for place in ("Dockerfile", "requirements.txt", "compose.yaml", ".pre-commit-config.yaml"):
        assert (project / place).is_file()


def test_every_file_of_the_package_gets_into_the_project(project):
    packaged = [path for path in PACKAGED.rglob("*") if path.is_file()]
    made = {"production.schema.json", "first.yaml"}
    laid_out = [Path(p).name for p in content_of(project) if not p.startswith("secrets/")]
    assert sorted(name.lstrip(".") for name in laid_out if name not in made) == sorted(
        path.name.removesuffix(".template") for path in packaged
    )


def test_its_dags_are_those_of_this_repository(project):
    ours = {path.name: path.read_bytes() for path in (REPOSITORY / "dags").glob("*.py")}
    assert ours
    assert {path.name: path.read_bytes() for path in (project / "dags").glob("*.py")} == ours


def test_its_first_production_lints_clean(prodsys, project):
    done = prodsys("lint", project / "include" / "productions", "--format", "json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["findings"] == []
    first = (project / "include/productions/first.yaml").read_text()
    assert yaml.safe_load(first)["production"]["vo"] == "virgo"


def test_editors_find_the_schema(project):
    settings = json.loads((project / ".vscode/settings.json").read_text())
    (named,) = settings["yaml.schemas"]
    assert json.loads((project / named).read_text()) == json_schema()
    first = (project / "include/productions/first.yaml").read_text()
    assert first.startswith(f"# yaml-language-server: $schema={Path(named).name}\n")


def test_its_hook_lints_the_productions(project):
    (repository,) = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repository["hooks"]
    assert hook["entry"] == "dirac-prodsys lint include/productions"


def test_its_requirements_name_this_version_and_the_wheel_that_lies_beside_them(project):
    lines = (project / "requirements.txt").read_text().splitlines()
    assert f"dirac-prodsys[airflow,deploy,dirac]=={__version__}" in lines
    assert "--find-links wheels" in lines
    assert [path.name for path in (project / "wheels").glob("gfal2_python-*.whl")]


def test_the_second_time_nothing_is_changed(prodsys, project):
    before = content_of(project)
    done = prodsys("init", project, "--vo", "virgo")
    assert done.exit_code == 0
    assert content_of(project) == before
    assert "written" not in done.stdout


def test_what_differs_is_left_and_said(prodsys, project):
    changed = {project / "compose.yaml": "mine", project / "include/productions/first.yaml": ""}
    for path, text in changed.items():
        path.write_text(text)
    (project / "Dockerfile").unlink()
    (project / "Dockerfile").mkdir()
    done = prodsys("init", project, "--vo", "virgo")
    assert done.exit_code == 0
    for path, text in changed.items():
        assert f"{path}: left as it is: it differs" in done.stdout
        assert path.read_text() == text
    assert f"{project / 'Dockerfile'}: left as it is" in done.stdout


def test_a_file_that_is_missing_is_written_again(prodsys, project):
    whole = content_of(project)
    (project / "compose.yaml").unlink()
    assert f"{project / 'compose.yaml'}: written" in prodsys("init", project).stdout
    assert content_of(project) == whole


def test_two_at_once_make_one_project(tmp_path):
    folder = tmp_path / "project"
    start = [sys.executable, "-c", "from dirac_prodsys.cli.main import app; app()", "init", folder]
    path = os.pathsep.join(sys.path)
    both = [
        subprocess.Popen(start, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [one.communicate()[0].decode().splitlines() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    written = [line for lines in outputs for line in lines if line.endswith(": written")]
    assert len(written) == len(set(written)) == len(content_of(folder))
    assert not [line for lines in outputs for line in lines if "differs" in line]


def test_secrets_are_drawn_for_each_project_and_shown_nowhere(prodsys, tmp_path):
    drawn = []
    for name in ("a", "b"):
        done = prodsys("init", tmp_path / name)
        folder = tmp_path / name / "secrets"
        assert folder.stat().st_mode & 0o077 == 0
        values = {path.name: path.read_text() for path in folder.iterdir()}
        assert not [value for value in values.values() if value in done.output or len(value) < 32]
        drawn.append(values)
    assert set(drawn[0]) == set(drawn[1])
    assert not set(drawn[0].values()) & set(drawn[1].values())


def test_neither_git_nor_the_image_takes_secrets_or_proxies(project):
    subprocess.run(["git", "init", "-q", project], check=True)
    (project / "grid" / "proxy.pem").write_text("")
    status = ["git", "-C", project, "status", "--porcelain", "--untracked-files=all"]
    seen = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    assert "grid/README.md" in seen
    assert "secrets" not in seen
    assert "proxy.pem" not in seen
    rules = (project / ".dockerignore").read_text().splitlines()
    assert "*" in rules
    assert not {"!secrets", "!grid"} & set(rules)


def test_a_folder_that_cannot_be_made_is_an_error_with_its_place(prodsys, tmp_path):
    (tmp_path / "file").write_text("")
    done = prodsys("init", tmp_path / "file" / "project")
    assert done.exit_code == 2
    assert f"{tmp_path / 'file' / 'project'}: Not a directory" in done.stderr


def test_a_wrong_organisation_writes_nothing(prodsys, tmp_path):
    assert prodsys("init", tmp_path / "p", "--vo", "../x").exit_code == 2
    assert list(tmp_path.iterdir()) == []
