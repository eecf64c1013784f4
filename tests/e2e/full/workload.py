"""What the jobs do: write down what they read; fail by a throw of dice that is always the same.

``workload.py STEP TASK SHARE [BAD_SITE]`` leaves ``STEP_TASK.txt`` with a line for each file it
found: for a step that reads nothing, its own name.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def fails(step: str, task: str, share: float) -> bool:
    """Whether the dice are against this task."""
    return hashlib.sha256(f"{step} {task}".encode()).digest()[0] < share * 256


def main(step: str, task: str, share: str, bad_site: str = "") -> None:
    if os.environ.get("DIRACSITE") == bad_site:
        sys.exit(f"no software at {bad_site}")
    if fails(step, task, float(share)):
        sys.exit("the dice are against it")
    own = Path(f"{step}_{task}.txt")
    read = sorted(path for path in Path.cwd().glob("*_????????.txt") if path != own)
    lines = [f"{path.name}: {path.read_text().strip()}" for path in read]
    own.write_text("\n".join(lines or [own.name]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
