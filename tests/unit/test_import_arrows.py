"""Imports point one way: errors <- core <- gateway, ledger <- provider, cli.

Communities are rooms of their own on top of core and of what the gateway promises; nobody imports
them, and nobody says their names.

Read from the source, so that an import inside a function counts too; and proved in a fresh
interpreter for the rooms that must load without Airflow and DIRAC.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dirac_prodsys.core.community import BUILT_IN, built_in
from tests.unit.imports import imported

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "dirac_prodsys"
FILES = sorted((PLUGINS / PACKAGE).rglob("*.py"))

#: package → packages that it may import; a file at the top is a room of its own
ROOMS = {
    "errors": set(),
    "": set(),
    "core": {"errors", "core"},
    "gateway": {"errors", "core", "gateway"},
    "ledger": {"errors", "core", "ledger"},
    "provider": {"", "errors", "core", "gateway", "ledger", "provider"},
    "cli": {"", "errors", "core", "gateway", "ledger", "cli"},
    "communities": {"errors", "core", "gateway", "communities"},
}
#: the rooms as they are imported
PACKAGES = {f"{PACKAGE}.{room}" for room in ROOMS}
#: package → the files that may import it, as beginnings of their path in the package
GUARDED = {
    "airflow": ("provider/",),
    "DIRAC": ("gateway/dirac", "gateway/bodies/"),
    "CTADIRAC": ("communities/ctao/",),
    # in the provider, those that ask Airflow's own database
    "sqlalchemy": (
        "ledger/",
        "provider/bundle/database.py",
        "provider/page/acting.py",
        "provider/page/broken_files.py",
        "provider/page/from_airflow.py",
        "provider/page/notes.py",
    ),
    "alembic": ("ledger/",),
}
#: modules of the gateway by which a community reaches DIRAC's classes, and its verbs
CONTRACT = re.compile(rf"{PACKAGE}\.gateway\.(dirac_import|protocol|\w+_protocol)")
#: where the table of built-in communities stands
TABLE = "core/community.py"
#: all that core may import besides our packages
CORE_LIBRARIES = {
    "__future__",
    "collections",
    "contextlib",
    "contextvars",
    "dataclasses",
    "datetime",
    "bisect",
    "difflib",
    "enum",
    "fnmatch",
    "functools",
    "graphlib",
    "hashlib",
    "heapq",
    "html",
    "importlib",
    "itertools",
    "json",
    "math",
    "operator",
    "networkx",
    "pkgutil",
    "pydantic",
    "pydantic_core",
    "re",
    "re2",
    "shlex",
    "struct",
    "types",
    "typing",
    "unicodedata",
    "yaml",
    "abc",
    "warnings",
    "xml",
}
#: and modules of libraries of which it may import no others
CORE_MODULES = {"urllib.parse"}
#: builtins by which core could reach the world
WORLD = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}


def violations(source: str, file: str) -> list[str]:
    """What a file's imports break.

    :param file: path of the file in the package.
    """
    room = file.split("/")[0] if "/" in file else Path(file).stem.replace("__init__", "")
    tree = ast.parse(source)
    found = []
    for name in sorted(imported(tree, PACKAGES)):
        top = name.partition(".")[0]
        if name.startswith("."):
            found.append(f"{file}: relative import {name}")
        elif top == PACKAGE and not _fits(name, room, file):
            found.append(f"{file}: {room or PACKAGE} imports {name}")
        elif top in GUARDED and not file.startswith(GUARDED[top]):
            found.append(f"{file}: imports {name}")
        elif (
            room == "core"
            and top not in {PACKAGE, *CORE_LIBRARIES}
            and not any(name == one or name.startswith(f"{one}.") for one in CORE_MODULES)
        ):
            found.append(f"{file}: core imports {name}")
    if room == "core":
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        called = {func.id for func in calls if isinstance(func, ast.Name)}
        found += [f"{file}: core calls {name}()" for name in sorted(called & WORLD)]
    return found


def _fits(name: str, room: str, file: str) -> bool:
    """Whether a file of a package may import a module of another."""
    other, *rest = [*name.split(".")[1:], ""]
    if room == "communities" and other == "gateway":
        return CONTRACT.fullmatch(name) is not None
    if room == "communities" == other:
        return rest[0] == file.split("/")[1]  # none of another community
    return other in ROOMS[room]


def test_every_room_is_known() -> None:
    assert len(FILES) > 20
    tops = {path.relative_to(PLUGINS / PACKAGE).parts[0] for path in FILES}
    assert {top.removesuffix(".py").replace("__init__", "") for top in tops} <= set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLUGINS / PACKAGE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    file = path.relative_to(PLUGINS / PACKAGE).as_posix()
    assert violations(path.read_text("utf-8"), file) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/a.py", "import airflow"),
        ("core/a.py", "def f():\n    from DIRAC import gLogger"),
        ("core/a.py", "from dirac_prodsys.gateway import protocol"),
        ("core/a.py", "from dirac_prodsys import gateway"),
        ("core/a.py", "import os"),
        ("core/a.py", "import time"),
        ("core/a.py", "open('x')"),
        ("core/deep/a.py", "from dirac_prodsys.cli.main import app"),
        ("gateway/a.py", "from dirac_prodsys.provider.hook import DiracHook"),
        ("gateway/memory.py", "import DIRAC"),
        ("gateway/dirac.py", "import airflow.models"),
        ("gateway/bodies/job.py", "import CTADIRAC"),
        ("ledger/a.py", "from dirac_prodsys.gateway import protocol"),
        ("ledger/a.py", "import airflow"),
        ("provider/a.py", "import DIRAC"),
        ("provider/a.py", "import sqlalchemy"),
        ("cli/a.py", "import sqlalchemy"),
        ("provider/a.py", "import dirac_prodsys.cli"),
        ("cli/a.py", "import airflow"),
        ("cli/a.py", "import dirac_prodsys.provider.hook"),
        ("errors.py", "import dirac_prodsys.core"),
        ("core/a.py", "from dirac_prodsys.communities.ctao import COMMUNITY"),
        ("gateway/a.py", "def f():\n    import dirac_prodsys.communities.ctao.body"),
        ("provider/a.py", "from dirac_prodsys.communities import ctao"),
        ("communities/ctao/a.py", "from dirac_prodsys.communities.ilc import COMMUNITY"),
        ("communities/ctao/a.py", "from dirac_prodsys.gateway.dirac import DiracGateway"),
        ("communities/ctao/a.py", "import airflow"),
        ("communities/ilc/a.py", "import CTADIRAC"),
        ("__init__.py", "from dirac_prodsys import core"),
        ("core/a.py", "from . import b"),
    ],
)
def test_a_wrong_arrow_is_seen(file: str, source: str) -> None:
    assert violations(source, file)


def test_nobody_else_says_the_name_of_a_community() -> None:
    names = [community.name for community in built_in()]
    assert "ctao" in names
    software = [name for name, where in GUARDED.items() if where[0].startswith("communities/")]
    word = re.compile("|".join([*names, *software]), re.IGNORECASE)
    found = []
    for room in sorted({"core", "gateway", "ledger", "provider", "cli"}):
        for path in sorted((PLUGINS / PACKAGE / room).rglob("*")):
            if path.is_file() and path.suffix in (".py", ".yaml", ".html", ".js", ".css", ".md"):
                lines = path.read_text("utf-8").split("\n")
                place = path.relative_to(PLUGINS / PACKAGE).as_posix()
                found += [f"{place}: {line.strip()}" for line in lines if word.search(line)]
    assert len(found) == len(BUILT_IN), found
    assert all(line.startswith(f"{TABLE}: ") for line in found)


@pytest.mark.parametrize("room", ["errors", "core", "gateway.protocol"])
def test_a_room_loads_neither_airflow_nor_dirac(room: str) -> None:
    code = f"""
import importlib, pkgutil, sys
module = importlib.import_module("{PACKAGE}.{room}")
for found in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
    importlib.import_module(found.name)
heavy = {{name.partition(".")[0] for name in sys.modules}} & {{"airflow", "DIRAC", "CTADIRAC"}}
print(sorted(heavy), len([name for name in sys.modules if name.startswith(module.__name__)]))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PLUGINS)},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy, _, loaded = run.stdout.strip().rpartition(" ")
    assert heavy == "[]"
    assert int(loaded) >= (20 if room == "core" else 1)


def is_package(name: str) -> bool:
    """Whether a module is a folder: it costs nothing, and says where its files are."""
    return (PLUGINS / name.replace(".", "/")).is_dir()


@pytest.mark.parametrize(
    ("module", "own", "foreign"),
    [
        ("core", 0, set()),
        ("core.dialects", 66, {"pydantic", "yaml"}),
    ],
)
def test_what_reads_a_production_starts_light(module: str, own: int, foreign: set[str]) -> None:
    code = f"""
import sys
before = set(sys.modules)
import {PACKAGE}.{module}
print(*sorted(set(sys.modules) - before))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PLUGINS)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = run.stdout.split()
    assert f"{PACKAGE}.{module}" in loaded
    files = [name for name in loaded if name.startswith(PACKAGE) and not is_package(name)]
    assert len(files) <= own
    tops = {name.partition(".")[0] for name in loaded}
    assert tops & {"pydantic", "yaml", "networkx", "rich", "typer", "requests", "httpx"} == foreign
    assert not tops & {"airflow", "DIRAC", "CTADIRAC", "sqlalchemy", "asyncio", "numpy"}


def test_the_plugin_file_beside_the_package_imports_the_plugin_only() -> None:
    shim = (PLUGINS / "dirac_prodsys_plugin.py").read_text("utf-8")
    allowed = {"__future__", "importlib.metadata", f"{PACKAGE}.provider.plugin"}
    assert imported(ast.parse(shim), PACKAGES) <= allowed
