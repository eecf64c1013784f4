"""Many files checked at once, on all processors, in the order given.

Invariant: the same findings in the same order, however many processes there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from dirac_prodsys.cli.files import beside, read_bytes
from dirac_prodsys.errors import DefinitionErrors

if TYPE_CHECKING:
    from dirac_prodsys.core.dialects import Reading
    from dirac_prodsys.core.proof import Report

#: fewer files than this are checked before a second process has begun
ALONE = 50


def check_file(path: Path) -> tuple[Report, Reading | None]:
    """What is found in one file, and the reading itself if it is a production."""
    from dirac_prodsys.core.findings import Finding
    from dirac_prodsys.core.proof import Report, read

    try:
        source = read_bytes(path)
    except DefinitionErrors as errors:
        return Report(str(path), tuple(Finding.of(error) for error in errors.errors)), None
    return read(source, str(path), beside=beside(path))


def check_files(files: Sequence[Path]) -> Iterator[Report]:
    """What is found in each file by itself."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if len(files) < ALONE or processors < 2:
        yield from map(_report, files)
        return
    with ProcessPoolExecutor(processors) as pool:
        yield from pool.map(_report, files, chunksize=10)


def _report(path: Path) -> Report:
    return check_file(path)[0]
