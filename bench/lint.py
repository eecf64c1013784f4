"""What it costs to lint many files: ``python -m bench.lint [--count N]``.

Writes as many productions as asked for, each a copy of the example that is shipped under a name of
its own, and lints the folder by the command in a fresh process. Also one file alone, what many
steps add to that, and the import of the core. Prints seconds, and exits 1 if a bar is missed.

Invariant: what is measured is what a person waits for: start of the interpreter included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.equal_dags import chain

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "include" / "productions" / "mandelbrot.yaml"

#: the bars, seconds: 1,000 files, one file, the import
MANY, ONE, IMPORT = 10.0, 1.0, 0.15
#: steps of the long file: as many as a production may have
STEPS = 1000


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="files")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory(prefix="bench-lint-") as name:
        folder = Path(name)
        text = EXAMPLE.read_text("utf-8")
        many = folder / "many"
        many.mkdir()
        for number in range(count):
            copy = text.replace("name: mandelbrot", f"name: mandelbrot-{number}")
            (many / f"{number:05}.yaml").write_text(copy, encoding="utf-8")
        long = folder / "long.yaml"
        long.write_text(chain(STEPS), encoding="utf-8")
        one = _best(EXAMPLE)
        measured = [
            (f"{count} files", _lint(many), MANY * count / 1000),
            ("one file", one, ONE),
            (f"{STEPS} steps instead", _best(long) - one, ONE),
            ("import of the core", _import(), IMPORT),
        ]
    for what, seconds, bar in measured:
        print(f"{what:>24}: {seconds:6.2f} s   (bar {bar:.2f} s)")
    return int(any(seconds > bar for _, seconds, bar in measured))


def _lint(path: Path) -> float:
    return _python(f"from dirac_prodsys.cli.main import app; app(['lint', {str(path)!r}])")


def _best(path: Path) -> float:
    """Return the shortest of three times, because a shared machine has slow moments."""
    return min(_lint(path) for _ in range(3))


def _import() -> float:
    return max(0.0, _python("import dirac_prodsys.core") - _python("pass"))


def _python(code: str) -> float:
    """Return the seconds that a fresh interpreter takes for the code."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "plugins")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"it fails:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
