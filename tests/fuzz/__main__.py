"""Read many broken files: ``python -m tests.fuzz --count 100000 --seed 1``.

Prints how many were read and what failed; exits 1 if one did. ``--show NUMBER`` prints that file.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from tests.fuzz.cases import case
from tests.fuzz.checking import SECONDS, complaint, warm_up

#: complaints that are printed in full
PRINTED = 20


def check(seed: int, seconds: float, folder: str, number: int) -> tuple[int, str]:
    """The number and what is wrong with how its file is read."""
    return number, complaint(case(seed, number, folder), seconds)


def main() -> int:
    """Read them all, in as many processes as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of CPU time for each file")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print this file and stop")
    parser.add_argument("--folder", default="", help="break the files of this folder alone")
    options = parser.parse_args()
    if options.show is not None:
        sys.stdout.buffer.write(case(options.seed, options.show, options.folder).text)
        return 0
    failed: list[tuple[int, str]] = []
    console = Console(stderr=True)
    progress = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console)
    with multiprocessing.Pool(options.processes, warm_up) as pool, progress:
        task = progress.add_task("broken files", total=options.count)
        work = functools.partial(check, options.seed, options.seconds, options.folder)
        for number, wrong in pool.imap_unordered(work, range(options.count), chunksize=50):
            progress.advance(task)
            if wrong:
                failed.append((number, wrong))
                if len(failed) <= PRINTED:
                    progress.console.print(f"--- {number}\n{wrong}", markup=False, highlight=False)
    print(f"{options.count:,} broken files read (seed {options.seed}), {len(failed):,} complaints")
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
