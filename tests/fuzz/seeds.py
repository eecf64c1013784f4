"""The files that are broken: all productions of the repository, good and bad, of all forms."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "include/productions",
    "include/productions/examples",
    "tests/cwl/seeds",
    "tests/integration/ctao",
    "tests/productions/bad",
    "tests/productions/good",
)
#: levels after which data are not changed further: PyYAML writes them by recursion
DEEPEST = 100


@dataclass(frozen=True)
class Seed:
    """A file as it is kept.

    :param data: what PyYAML reads in it; None if that is nothing to take parts of.
    :param others: what lies in its folder, by name.
    """

    name: str
    text: bytes
    data: Any
    others: dict[str, str]


@functools.cache
def seeds() -> tuple[Seed, ...]:
    """All of them, in an order that is the same everywhere."""
    return tuple(seed for folder in FOLDERS for seed in seeds_of(folder))


@functools.cache
def seeds_of(folder: str) -> tuple[Seed, ...]:
    """Those of one folder."""
    found: list[Seed] = []
    if folder:
        files = [path for path in sorted((ROOT / folder).iterdir()) if path.is_file()]
        near = [path for path in (ROOT / folder).glob("other_files/*") if path.is_file()]
        others = {p.name: p.read_bytes().decode("utf-8", "replace") for p in (*files, *near)}
        for path in files:
            if path.suffix in (".yaml", ".yml", ".cwl"):
                text = path.read_bytes()
                found.append(Seed(path.name, text, _data(text), others))
    return tuple(found)


def _data(text: bytes) -> Any:
    if b"&" in text:
        return None  # what an alias means grows without bound
    try:
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and depth(data) <= DEEPEST else None


def depth(data: Any) -> int:
    """How many mappings and lists are inside each other."""
    level, deep = [data], 0
    while level:
        inside = [d for d in level if isinstance(d, dict | list)]
        level = [v for d in inside for v in (d.values() if isinstance(d, dict) else d)]
        deep += bool(inside)
    return deep
