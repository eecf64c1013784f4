"""Folders import one way, and none of them is a drawer.

A *box* is a folder or a file that stands directly in a room; a *floor* is how far above the ground
a box stands when each stands on those that it imports. Imports inside functions and for types only
count. The numbers are printed: ``pytest -s tests/unit/test_rooms.py``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit.imports import imported

REPOSITORY = Path(__file__).parents[2]
PACKAGE = "dirac_prodsys"


class Room(NamedTuple):
    """How many boxes and floors a room may have; 0 floors: any number.

    It has more modules than ``modules``: the test looks where they are.
    """

    folder: str
    boxes: int
    floors: int = 0
    modules: int = 20


ROOMS = (
    Room("plugins/dirac_prodsys/core", 25, 10),
    Room("plugins/dirac_prodsys/gateway", 10),
    Room("plugins/dirac_prodsys/communities/ctao", 5),
    Room("plugins/dirac_prodsys/communities/cwl", 3),
    Room("plugins/dirac_prodsys/ledger", 12, 8, modules=10),
    Room("plugins/dirac_prodsys/provider", 16),
    Room("plugins/dirac_prodsys/cli", 28),
    Room("sandbox", 14),
)


def modules_of(folder: Path) -> dict[str, Path]:
    """The modules of a room by the name under which they are imported."""
    root = REPOSITORY / "plugins" if "plugins" in folder.parts else REPOSITORY
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(folder: Path) -> dict[str, set[str]]:
    """What each module of a room imports of it."""
    modules = modules_of(folder)
    found = {}
    for name, path in modules.items():
        tree = ast.parse(path.read_text("utf-8"))
        found[name] = imported(tree, modules) & modules.keys() - {name}
    return found


def boxes(folder: Path) -> dict[str, set[str]]:
    """What each box of a room imports of the others."""
    within = arrows(folder)
    room = min(within, key=len)  # the room's own name begins those of all others
    box = {name: name.removeprefix(f"{room}.").split(".")[0] for name in within if name != room}
    found: dict[str, set[str]] = {name: set() for name in box.values()}
    for name, others in within.items():
        if name in box:
            found[box[name]] |= {box[other] for other in others if other in box} - {box[name]}
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Names each of which leads to the next, and the last to the first; empty: there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def floors(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """The floor on which each box stands, from 1."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        found[name] = 1 + max((found[below] for below in graph[name]), default=0)
    return found


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.folder.rpartition("/")[2])
def test_boxes_are_few_and_stand_on_each_other(room: Room) -> None:
    graph = boxes(REPOSITORY / room.folder)
    assert circle(graph) == []
    standing = floors(graph)
    highest = max(standing.values())
    count = sum(map(len, graph.values()))
    print(f"\n{room.folder}: {len(graph)} boxes, {highest} floors, {count} arrows")
    for floor in range(highest, 0, -1):
        print(f"  {floor:2} {' '.join(sorted(n for n, at in standing.items() if at == floor))}")
    assert len(graph) <= room.boxes
    assert not room.floors or highest <= room.floors


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.folder.rpartition("/")[2])
def test_no_module_reaches_itself(room: Room) -> None:
    within = arrows(REPOSITORY / room.folder)
    assert len(within) > room.modules
    assert circle(within) == []


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert floors({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": 3, "b": 2, "c": 1}


def test_an_import_in_a_function_and_for_types_only_is_seen() -> None:
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from room.a import A\n"
        "def f():\n    from room import b\n"
    )
    assert imported(ast.parse(source), {"room.a", "room.b"}) >= {"room.a", "room.b"}
