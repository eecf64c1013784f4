"""``dirac-prodsys rehearse`` before it starts anything; what it starts is in the e2e tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

import dirac_prodsys


def test_a_wrong_file_is_reported_and_nothing_starts(
    prodsys: Callable[..., Result], good: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(good.read_text().replace("tasks: 3", "tusks: 3"))
    done = prodsys("rehearse", good, wrong)
    assert done.exit_code == 2
    assert "wrong.yaml:6:5" in done.output


def test_an_installation_without_the_repository_names_the_way_out(
    good: Path, tmp_path: Path
) -> None:
    package = Path(dirac_prodsys.__file__).parent
    shutil.copytree(package, tmp_path / "lib" / "deep" / "dirac_prodsys")
    done = subprocess.run(
        [sys.executable, "-c", "from dirac_prodsys.cli.main import app; app()", "rehearse", good],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib" / "deep")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "this installation has no sandbox" in done.stderr
    assert "make setup" in done.stderr
