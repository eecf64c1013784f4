"""Walk many productions: ``python -m tests.walk --count 20000 --seed 1``.

Prints how many were walked and what was broken; exits 1 if anything was. ``--show SEED`` tells one
walk from its first to its last moment.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

import tests.conftest  # noqa: F401  an Airflow home of its own, before the first import
from tests.walk.shrinking import kept, shrunk, story
from tests.walk.walking import Walk

#: broken walks that are printed in full
PRINTED = 10


def walk(seed: int) -> tuple[int, list[str]]:
    """The seed and what was broken."""
    try:
        return seed, [str(one) for one in Walk(seed).run()]
    except Exception as error:  # the walk itself is broken
        return seed, [f"{type(error).__name__}: {error}"]


def main() -> int:
    """Walk them all, in as many processes as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000, help="walks")
    parser.add_argument("--seed", type=int, default=1, help="of the first walk")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--show", type=int, metavar="SEED", help="tell this walk and stop")
    options = parser.parse_args()
    if options.show is not None:
        print(story(options.show))
        return 0
    failed: list[int] = []
    console = Console(stderr=True)
    progress = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console)
    seeds = range(options.seed, options.seed + options.count)
    with multiprocessing.Pool(options.processes) as pool, progress:
        task = progress.add_task("walks", total=options.count)
        for seed, broken in pool.imap_unordered(walk, seeds, chunksize=20):
            progress.advance(task)
            if broken:
                failed.append(seed)
                if len(failed) <= PRINTED:
                    text = "\n".join([f"--- seed {seed}", *broken[:3], kept(seed, shrunk(seed))])
                    progress.console.out(text, highlight=False)
    print(f"{options.count:,} walks (seeds from {options.seed}), {len(failed):,} broken")
    if failed:
        print("seeds:", *sorted(failed))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
