"""A second scheduler, and a worker with the package of before."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sandbox.airflow.machines.stack import SECOND_SCHEDULER, WORKERS
from sandbox.configuration.environment import REPOSITORY
from tests.e2e.machines.runs import MachinesSite
from tests.patience import until

#: seconds for one accident; the first also waits for all machines
pytestmark = pytest.mark.timeout(1800)

#: the commit whose wheel one worker runs; it must know a store, as these workers share no disk
BEFORE = os.environ.get("MACHINES_FROM", "HEAD~1")


def test_a_second_scheduler_that_is_left_alone(site: MachinesSite) -> None:
    site.produce("schedulers")
    runs = [f"run-{number}" for number in range(3)]
    site.stack.start(SECOND_SCHEDULER)
    until("two schedulers", 120, lambda: len(site.rest.jobs("SchedulerJob")) == 2, each=1)
    for run in runs:
        site.begin("schedulers", run)
    site.waiting("schedulers", runs[0], "make.wait_for_completion", seconds=240)
    site.stack.stop("scheduler")
    for run in runs:
        site.open_gate("schedulers", run)
    for run in runs:
        site.ends_well("schedulers", run, seconds=300)
    site.stack.start("scheduler")
    until("two schedulers", 120, lambda: len(site.rest.jobs("SchedulerJob")) == 2, each=1)
    site.stack.stop(SECOND_SCHEDULER)


def wheel(commit: str, place: Path) -> Path:
    """The folder into which the package of a commit is installed, from a wheel."""
    source, package = place / "source", place / "package"
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit], cwd=REPOSITORY, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(source, filter="data")
    uv = [str(Path(sys.executable).with_name("uv"))]
    build = ["build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*uv, *build, "--out-dir", str(place), str(source)], check=True)
    (built,) = place.glob("*.whl")
    install = ["pip", "install", "--quiet", "--no-deps", "--target", str(package), str(built)]
    subprocess.run([*uv, *install, "--python", sys.executable], check=True)
    return package


def imported_from(package: Path) -> bool:
    """Whether a process has used the package there: Python keeps what it compiled beside it."""
    return any((package / "dirac_prodsys" / "provider").glob("__pycache__/operators.*.pyc"))


def test_a_worker_with_the_package_of_before(site: MachinesSite, tmp_path: Path) -> None:
    old, new = WORKERS[0], WORKERS[1]
    package = wheel(BEFORE, tmp_path)
    bundle = (package / "dirac_prodsys" / "provider" / "bundle" / "bundle.py").read_text()
    assert "store: str | None" in bundle, f"{BEFORE} knows no store: set MACHINES_FROM"
    site.produce("upgraded")
    site.at_work("upgraded", "across")
    site.stack.stop(old)
    assert not imported_from(package)
    site.stack.start(old, package=package)
    # the other worker stands still, so that the old package begins a run and takes one over
    site.stack.stop(new)
    site.open_gate("upgraded", "across")
    site.at_work("upgraded", "old")
    assert site.workers("upgraded", "old") == {old}
    assert imported_from(package)
    site.stack.start(new)
    site.stack.stop(old)
    site.stack.start(old)
    site.open_gate("upgraded", "old")
    for run in ("across", "old"):
        site.ends_well("upgraded", run, seconds=300)
    assert new in site.workers("upgraded", "across") | site.workers("upgraded", "old")
