"""The example payload as the jobs run it: by its name on PATH, in a directory of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SOFTWARE = Path(__file__).resolve().parents[3] / "sandbox" / "software" / "bin"
BANDS = 5
SIZE = ["--width", "40", "--height", "33"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the payload in the test's directory with the PATH of a worker node."""
    search = [str(SOFTWARE), str(Path(sys.executable).parent), os.environ["PATH"]]

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["prodsys-mandelbrot", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PATH": os.pathsep.join(search)},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def slices(run: Run) -> None:
    for task in range(1, BANDS + 1):
        assert run("slice", "--task", f"{task:08d}", "--of", str(BANDS), *SIZE).returncode == 0


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def keep(folder: Path, *names: str) -> None:
    """Leave only these slices in the working directory, as a job's download does."""
    for path in folder.glob("slice_*.npz"):
        if path.name not in names:
            path.unlink()


def test_a_slice_is_named_after_its_task_and_is_the_same_every_time(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "slice_00000003.npz"
    digests = set()
    for _attempt in range(2):
        assert run("slice", "--task", "00000003", "--of", "5", *SIZE).returncode == 0
        digests.add(digest(path))
        path.unlink()
    assert len(digests) == 1


@pytest.mark.usefixtures("slices")
def test_slices_cover_every_row_once(tmp_path: Path) -> None:
    rows = 0
    for path in sorted(tmp_path.glob("slice_*.npz")):
        with np.load(path) as content:
            (band,) = (content[name] for name in content.files if name != "of")
            assert band.shape[1] == 40
            rows += band.shape[0]
    assert rows == 33


def test_a_slice_outside_the_picture_is_refused(run: Run, tmp_path: Path) -> None:
    answer = run("slice", "--task", "00000006", "--of", "5", *SIZE)
    assert answer.returncode == 1
    assert "there is no band 6 of 5" in answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("slices")
def test_merge_joins_whatever_slices_it_finds(run: Run, tmp_path: Path) -> None:
    keep(tmp_path, "slice_00000002.npz", "slice_00000005.npz")
    assert run("merge", "--task", "00000007").returncode == 0
    with np.load(tmp_path / "merged_00000007.npz") as content:
        assert set(content.files) == {"of", "band_000002", "band_000005"}


@pytest.mark.usefixtures("slices")
def test_merge_refuses_a_band_that_comes_twice(run: Run, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "slice_00000002.npz", tmp_path / "slice_00000099.npz")
    answer = run("merge", "--task", "00000001")
    assert answer.returncode == 1
    assert "band 2 is in slice_00000002.npz and in slice_00000099.npz" in answer.stderr
    assert not (tmp_path / "merged_00000001.npz").exists()


def test_merge_without_input_says_so(run: Run) -> None:
    answer = run("merge", "--task", "00000001")
    assert answer.returncode == 1
    assert "no input file" in answer.stderr


@pytest.mark.usefixtures("slices")
def test_only_the_task_that_is_made_to_fail_fails_and_it_leaves_no_file(
    run: Run, tmp_path: Path
) -> None:
    failed = run("merge", "--task", "00000001", "--fail-on-task", "1")
    assert failed.returncode == 3
    assert not (tmp_path / "merged_00000001.npz").exists()
    assert run("merge", "--task", "00000002", "--fail-on-task", "1").returncode == 0
    assert (tmp_path / "merged_00000002.npz").exists()


@pytest.mark.usefixtures("slices")
def test_the_picture_does_not_depend_on_how_the_slices_were_merged(
    run: Run, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    for path in tmp_path.glob("slice_*.npz"):
        shutil.move(path, store)
    pictures = []
    for groups in ([[1, 2, 3, 4], [5]], [[5, 1], [3], [4, 2]]):
        for task, group in enumerate(groups, start=1):
            for band in group:
                shutil.copy(store / f"slice_{band:08d}.npz", tmp_path)
            assert run("merge", "--task", f"{task:08d}").returncode == 0
            keep(tmp_path)
        assert run("stitch", "--task", "00000001").returncode == 0
        picture = tmp_path / "mandelbrot_00000001.png"
        pictures.append(digest(picture))
        with Image.open(picture) as image:
            assert image.size == (40, 33)
            assert len(image.getcolors(maxcolors=100_000)) > 100
        for path in (*tmp_path.glob("merged_*.npz"), picture):
            path.unlink()
    assert pictures[0] == pictures[1]


@pytest.mark.usefixtures("slices")
def test_stitch_names_the_missing_bands_and_makes_no_picture(run: Run, tmp_path: Path) -> None:
    keep(tmp_path, "slice_00000001.npz", "slice_00000003.npz", "slice_00000004.npz")
    assert run("merge", "--task", "00000001").returncode == 0
    answer = run("stitch", "--task", "00000001")
    assert answer.returncode == 1
    assert "bands missing of 5: 2, 5" in answer.stderr
    assert not list(tmp_path.glob("*.png"))
