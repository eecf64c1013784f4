"""What ``pyproject.toml`` declares is what the code imports and holds, and what pip can install."""

from __future__ import annotations

import ast
import fnmatch
import importlib.metadata
import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from dirac_prodsys import __version__
from dirac_prodsys.provider.deployment.provider_info import get_provider_info
from tests.unit.imports import imported

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "dirac_prodsys"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BASE = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
EXTRAS = {
    extra: [Requirement(line) for line in lines]
    for extra, lines in PROJECT["project"]["optional-dependencies"].items()
}
WHEELS = PACKAGE / "cli" / "project" / "wheels"

#: top-level module -> distribution, where the names differ
DISTRIBUTIONS = {
    "yaml": "PyYAML",
    "re2": "google-re2",
    "pydantic_core": "pydantic",
    "cwl_utils": "cwl-utils",
}
#: folder -> the extra that it needs besides the base, and the modules that this brings
BROUGHT = {
    "provider": ("airflow", {"airflow", "asgiref", "fastapi", "sqlalchemy"}),
    "gateway": ("dirac", {"DIRAC", "diraccfg"}),
    "ledger": ("ledger", {"pyarrow"}),  # of the extra parquet
    "cli": ("provenance", set()),
    "communities": ("cwl", {"schema_salad"}),  # cwl-utils reads by schema_salad
}


def modules_of(folder: Path) -> set[str]:
    """The top-level modules that are imported below a folder, ours and Python's own left out."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        found |= {name.partition(".")[0] for name in imported(ast.parse(file.read_text()), ())}
    return found - set(sys.stdlib_module_names) - {"dirac_prodsys"}


def names(requirements: list[Requirement]) -> set[str]:
    return {one.name.lower() for one in requirements}


def is_range(requirement: Requirement) -> bool:
    return not {one.operator for one in requirement.specifier} & {"==", "===", "~="}


@pytest.mark.parametrize("folder", ["core", "gateway", "cli", "communities", "ledger", "provider"])
def test_what_is_imported_is_declared(folder: str) -> None:
    extra, brought = BROUGHT.get(folder, ("", set()))
    needed = {DISTRIBUTIONS.get(name, name).lower() for name in modules_of(PACKAGE / folder)}
    assert needed - {name.lower() for name in brought} <= names(BASE) | names(EXTRAS.get(extra, []))


def test_nothing_is_declared_that_is_not_imported() -> None:
    needed = {DISTRIBUTIONS.get(name, name).lower() for name in modules_of(PACKAGE)}
    assert names(EXTRAS["ledger"]) <= needed
    assert names(BASE) <= needed


def test_dependencies_are_ranges() -> None:
    everything = [*BASE, *(one for group in EXTRAS.values() for one in group)]
    assert [str(one) for one in everything if not is_range(one)] == []


def test_the_base_brings_neither_airflow_nor_dirac() -> None:
    assert not names(BASE) & {"apache-airflow", "apache-airflow-core", "dirac", "ctadirac"}
    known = {"airflow", "dirac", "ledger", "parquet", "provenance", "ctao", "deploy"}
    known |= {"cwl", "sandbox", "dev"}
    assert known == set(EXTRAS)


def test_every_python_that_is_promised_is_allowed_and_no_other() -> None:
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    promised = {
        line.rpartition(" ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)
    }
    assert promised == {f"3.{minor}" for minor in range(9, 20) if f"3.{minor}.1" in allowed}


def test_it_is_found_among_airflows_providers() -> None:
    assert "Framework :: Apache Airflow :: Provider" in PROJECT["project"]["classifiers"]
    assert get_provider_info()["package-name"] == PROJECT["project"]["name"]


def test_one_version_is_said_everywhere() -> None:
    assert PROJECT["project"]["version"] == __version__
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"ARG VERSION={__version__}\n" in dockerfile


def test_every_entry_point_leads_to_something() -> None:
    points = PROJECT["project"]["entry-points"]
    assert set(points) == {"airflow.plugins", "apache_airflow_provider"}
    for group, table in points.items():
        for name, value in table.items():
            assert importlib.metadata.EntryPoint(name, value, group).load()


def test_every_file_of_the_package_gets_into_the_wheel() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["dirac_prodsys"]
    files = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert files
    assert [f for f in files if not any(fnmatch.fnmatch(f, one) for one in patterns)] == []
    assert [f for f in files if any(part.startswith(".") for part in Path(f).parts)] == []


def test_the_page_of_the_package_leads_nowhere_into_the_repository() -> None:
    text = (ROOT / PROJECT["project"]["readme"]).read_text()
    assert "![" not in text
    assert re.findall(r"\]\((?!https://)[^)]*\)", text) == []


def test_the_empty_gfal2_is_built_from_its_source_and_has_no_module() -> None:
    source = tomllib.loads((ROOT / "scripts/gfal2-python/pyproject.toml").read_text())["project"]
    (wheel,) = WHEELS.glob("*.whl")
    assert wheel.name == f"gfal2_python-{source['version']}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {
            f"gfal2_python-{source['version']}.dist-info"
        }
        metadata = archive.read(f"gfal2_python-{source['version']}.dist-info/METADATA").decode()
    readme = (ROOT / "scripts/gfal2-python/README.md").read_text()
    assert metadata.partition("\n\n")[2].strip() == readme.strip()


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_a_lock_finds_the_empty_gfal2_by_itself(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    (places,) = [line for line in lines if line.startswith("--find-links")]
    assert ROOT / places.partition(" ")[2] == WHEELS
    assert "gfal2-python==0+empty \\" in lines
    pins = [line for line in lines if re.match(r"[a-z0-9]", line)]
    assert [line for line in pins if "==" not in line] == []


def test_the_lock_of_developers_has_what_every_extra_names() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    pins = (line.removesuffix(" \\").split("==") for line in lines if re.match(r"[a-z0-9]", line))
    locked = {canonicalize_name(name): version for name, version in pins}
    for one in [*BASE, *(one for group in EXTRAS.values() for one in group)]:
        version = locked.get(canonicalize_name(one.name), "")
        assert version in one.specifier, f"{one}: {version or 'not in the lock: make lock'}"


def test_a_host_of_airflow_gets_no_services_of_dirac() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    for name in ("apache-airflow", "apache-airflow-providers-celery", "dirac", "psycopg2-binary"):
        assert f"\n{name}==" in lock
    for name in ("mysqlclient", "opensearch-py", "pytest", "ctadirac"):
        assert f"\n{name}==" not in lock
