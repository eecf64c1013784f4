"""The command answers from a file alone: what it loads, seen from fresh interpreters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dirac_prodsys import __version__

PLUGINS = Path(__file__).parents[3] / "plugins"
PROBE = """
import sys
from dirac_prodsys.cli.main import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded_by(*arguments: str | Path) -> set[str]:
    """The top-level modules that a run of the command leaves loaded."""
    run = subprocess.run(
        [sys.executable, "-c", PROBE, *map(str, arguments)],
        env={"PYTHONPATH": str(PLUGINS), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", ["lint", "plan", "graph"])
def test_commands_on_a_file_load_neither_airflow_nor_dirac(command, good):
    loaded = loaded_by(command, good)
    assert "yaml" in loaded
    assert not loaded & {"airflow", "DIRAC", "CTADIRAC"}


def test_starting_up_loads_nothing_heavy():
    loaded = loaded_by("--version")
    assert "typer" in loaded
    assert not loaded & {"airflow", "DIRAC", "pydantic", "networkx", "yaml"}


def test_the_version_is_the_package_version(prodsys):
    assert prodsys("--version").stdout == f"dirac-prodsys {__version__}\n"


def test_help_names_the_exit_codes(prodsys):
    text = " ".join(prodsys("--help").stdout.split())
    assert "2 a production file" in text
    assert "3 the grid" in text
