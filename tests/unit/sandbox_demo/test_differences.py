"""What the sandbox runs is what DIRAC runs by default, but for one table."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from diraccfg import CFG

import sandbox.drivers
from sandbox.configuration import files
from sandbox.configuration.components import dirac_folder
from sandbox.configuration.differences import CHANGES, DIFFERENCES
from sandbox.configuration.needs import Needs
from sandbox.configuration.profiles import PROFILES
from sandbox.state import State

#: of the sections below ``Systems``, those that say how something runs
KINDS = ("Services", "Agents", "Executors", "JobWrapper")

Options = dict[str, str]


def flat(section: Mapping[str, Any], *path: str) -> Iterator[tuple[str, str]]:
    for name, value in section.items():
        if isinstance(value, dict):
            yield from flat(value, *path, name)
        else:
            yield "/".join((*path, name)), ",".join(part.strip() for part in str(value).split(","))


def written(profile: str, folder: Path) -> Options:
    """What a grid of that profile reads, from the file that is written for it."""
    state = State(folder)
    state.create()
    size = PROFILES[profile]
    ports = {name: 20000 + number for number, name in enumerate(size.ports())}
    files.write_all(state, size, ports, "secret", Needs(types=("Calibration",)))
    built = CFG()
    built.loadFromFile(str(state.dirac / "etc" / "Sandbox.cfg"))
    found: Options = {}
    for system, sections in built.getAsDict()["Systems"].items():
        for kind in KINDS:
            found |= dict(flat(sections.get(kind, {}), system, kind))
    return found


def defaults(options: Options) -> Options:
    """What DIRAC's templates say of the components that there are; of the job wrapper, nothing."""
    found: Options = {}
    for system, kind, name in {tuple(path.split("/")[:3]) for path in options}:
        template = CFG()
        template.loadFromFile(str(dirac_folder() / f"{system}System" / "ConfigTemplate.cfg"))
        if kind != "JobWrapper":
            section = template.getAsDict()[kind][name]
            found |= dict(flat(section, system, kind, name))
    return found


def places(path: str) -> set[str]:
    """The rows of the table that are about an option."""
    parts = path.split("/")
    return {
        row.place
        for row in DIFFERENCES
        if len(row.place.split("/")) == len(parts)
        and all(a in ("*", b) for a, b in zip(row.place.split("/"), parts, strict=True))
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_differs_from_diracs_templates_stands_in_the_table(
    profile: str, tmp_path: Path
) -> None:
    here = written(profile, tmp_path)
    there = defaults(here)
    assert there.keys() <= here.keys()
    differing = {path for path, value in here.items() if there.get(path) != value}
    assert {path for path in differing if not places(path)} == set()


def test_whatever_stands_in_the_table_differs_and_has_its_reason(tmp_path: Path) -> None:
    here = written("full", tmp_path)
    there = defaults(here)
    used = {
        place for path, value in here.items() if there.get(path) != value for place in places(path)
    }
    assert [row.place for row in DIFFERENCES if row.place not in used] == []
    assert len({row.place for row in DIFFERENCES}) == len(DIFFERENCES)
    for row in (*DIFFERENCES, *CHANGES):
        assert len(row.reason.split()) >= 3


def test_what_an_agent_does_is_diracs_default(tmp_path: Path) -> None:
    """The options that decide what is done, and not how soon or with how much memory."""
    here = written("full", tmp_path)
    agents = "Transformation/Agents"
    cleaning = f"{agents}/TransformationCleaningAgent"
    assert here[f"{cleaning}/DirectoryLocations"] == "TransformationDB,MetadataCatalog"
    assert here[f"{cleaning}/EnableFlag"] == "True"
    assert here[f"{agents}/WorkflowTaskAgent/BulkSubmission"] == "false"
    assert here[f"{agents}/WorkflowTaskAgent/CheckReserved"] == ""


def patching(module: str) -> set[str]:
    """Functions of a driver that put something of theirs in DIRAC's place."""
    path = Path(sandbox.drivers.__file__).with_name(f"{module}.py")
    found = set()
    for function in ast.parse(path.read_text()).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        foreign = {
            (name.asname or name.name).split(".")[0]
            for node in ast.walk(function)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("DIRAC")
            for name in node.names
        }
        for node in ast.walk(function):
            for target in node.targets if isinstance(node, ast.Assign) else ():
                holder = target
                while isinstance(holder, ast.Attribute | ast.Subscript):
                    holder = holder.value
                if holder is not target and isinstance(holder, ast.Name) and holder.id in foreign:
                    found.add(f"drivers.{module}.{function.name}")
    return found


def test_what_is_changed_in_diracs_code_stands_in_the_table() -> None:
    found = {place for module in ("agents", "services", "runtime") for place in patching(module)}
    assert found == {change.by for change in CHANGES}
