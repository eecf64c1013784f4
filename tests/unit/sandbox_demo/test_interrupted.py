"""A program that is told to end ends with its own exit code, wherever the signal finds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dirac_prodsys.cli.rehearse import _run
from sandbox.configuration.environment import REPOSITORY

#: the signal comes in code that is run from a string, as the body of a dataclass is
PROGRAM = """
import os, signal, sys
from sandbox.errors import raise_when_told_to_end
raise_when_told_to_end()
try:
    exec(f"os.kill(os.getpid(), {sys.argv[1]})\\nfor _ in range(10_000_000): pass")
except KeyboardInterrupt:
    for again in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), again)
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_exit_code_is_the_programs_own(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "interrupted_program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "interrupted_program", str(int(number))]
    paths = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=False)
    assert ended.returncode == 130


def test_a_program_that_a_signal_ended_is_reported_as_shells_do() -> None:
    ends_itself = "import os; os.kill(os.getpid(), 9)"
    assert _run([sys.executable, "-c", ends_itself], REPOSITORY) == 128 + signal.SIGKILL
