"""A site-packages folder with a few distributions and what they need, and an interpreter on it."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]


def closure(roots: Iterable[str]) -> dict[str, importlib.metadata.Distribution]:
    """The distributions that are needed, without extras.

    :param roots: requirements, of which the names count.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    queue = [Requirement(root).name for root in roots]
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        for line in found[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                queue.append(requirement.name)
    return found


def lay_out(site: Path, roots: Iterable[str]) -> Path:
    """Make the folder, of links; return it."""
    site.mkdir()
    for distribution in closure(roots).values():
        for file in distribution.files or []:
            top = file.parts[0]
            target = Path(str(distribution.locate_file(top)))
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(target)
    return site


def run(
    site: Path, *arguments: str | Path, path: Iterable[Path] = (), cwd: Path = REPOSITORY
) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter that sees the standard library, the site and ``path`` only."""
    places = [str(place) for place in (*path, site)]
    return subprocess.run(
        [sys.executable, "-S", "-B", *map(str, arguments)],
        cwd=cwd,
        env={"PYTHONPATH": ":".join(places), "PATH": "/usr/bin:/bin", "HOME": str(site.parent)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
