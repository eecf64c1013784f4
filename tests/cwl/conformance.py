"""Read CWL's own conformance suite as jobs: ``python -m tests.cwl.conformance FOLDER``.

``FOLDER`` is a copy of ``common-workflow-language/cwl-v1.2``. A document that a runner shall run
must be read; one that it shall refuse may be read, for most of these fail when they run. Prints
what differs; exits 1 if a good document is refused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dirac_prodsys.communities.cwl.document.validity import nobody_asked
from dirac_prodsys.core.dialects import inspect
from dirac_prodsys.errors import DefinitionErrors

JOB = """\
version: 1
production: {{name: x, vo: sim}}
steps: {{s: {{type: MCSimulation, tasks: 1, job: {{type: cwl, file: "{file}"}}}}}}
"""
#: names that we do not read: files of a production have letters, digits and ``_ . + -``
NOT_READ = {"colon:test.cwl"}


def documents(folder: Path) -> dict[str, bool]:
    """Each document of the suite, from its folder of tests, and whether it shall run."""
    found: dict[str, bool] = {}
    for file, entry in _entries(folder / "conformance_tests.yaml"):
        tool, _, name = entry["tool"].partition("#")
        path = os.path.relpath((file.parent / tool).resolve(), (folder / "tests").resolve())
        key = f"{path}#{name}" if name else path
        found[key] = found.get(key, False) or not entry.get("should_fail", False)
    return found


def _entries(file: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for entry in yaml.safe_load(file.read_text("utf-8")):
        if "$import" in entry:
            yield from _entries(file.parent / entry["$import"])
        else:
            yield file, entry


def reasons(folder: Path, name: str) -> list[str]:
    """Why a document is refused; empty: it is read."""

    def read(other: str) -> str | None:
        file = folder / other
        return file.read_text("utf-8") if file.is_file() else None

    try:
        with nobody_asked():
            found = inspect(JOB.format(file=name), "x.yaml", read_sibling=read).mistakes
    except DefinitionErrors as errors:
        found = errors.errors
    # the job gives no values to its inputs
    return [str(error) for error in found if "gets no value" not in error.reason]


def main(folder: Path) -> int:
    """Read them all."""
    wanted = {name: good for name, good in documents(folder).items() if name not in NOT_READ}
    found = {name: reasons(folder / "tests", name) for name in wanted}
    bad = [name for name, good in wanted.items() if good and found[name]]
    for name in bad:
        print(f"{name} is refused:\n{found[name][0]}")
    good = sum(wanted.values())
    early = sum(bool(found[name]) for name, good in wanted.items() if not good)
    print(f"{good - len(bad)} of {good} documents that run are read")
    print(f"{early} of {len(wanted) - good} that shall fail are refused before they run")
    return int(bool(bad))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
