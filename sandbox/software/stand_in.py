"""Runs in place of a job's program in a rehearsal: it writes the files that its arguments name.

Each file says who wrote it and which files lay beside the job, so that one can follow where
something came from; and the numbers that ``~/stand-in-numbers.json`` has for a file of its name,
as a stand-in cannot compute them. The standard library is enough: a worker has nothing else for
certain.

Invariant: files of two tasks differ, and those of one task that runs again do not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files into the working directory; 0 is success."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="the number of the task")
    parser.add_argument("names", nargs="*", help="files to write")
    options = parser.parse_args(arguments)
    found = sorted(path.name for path in Path.cwd().iterdir() if path.is_file())
    found_files = [name for name in found if not name.endswith((".log", ".xml", ".out", ".err"))]
    known = Path.home() / "stand-in-numbers.json"
    numbers = json.loads(known.read_text()) if known.exists() else {}
    for name in options.names:
        content = {"stand_in": name, "task": options.task, "beside": found_files}
        content |= numbers.get(name, {})
        Path(name).write_text(json.dumps(content, indent=1) + "\n")
    print(f"{len(options.names)} files written, {len(found_files)} files found")
    return 0
