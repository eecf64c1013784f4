"""Computes the payload of the example production: a picture of the Mandelbrot set.

Three programs in one: ``slice`` computes one horizontal band, ``merge`` joins the bands it finds
in its working directory, ``stitch`` colours all of them into one PNG. As on a real grid, a program
knows nothing but its arguments and the files in its working directory.

Invariant: same arguments, same bytes, so that a task that is tried again makes the same file; and a
picture exists only when every band is there exactly once.

Needs numpy and pillow, nothing of this project: it stands for a community's own software.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: exit code of an attempt that was ordered to fail
FAILED_ON_PURPOSE = 3
#: |z|² beyond which a point has escaped; far above 4, so that the smoothed count has no steps
_ESCAPE = 1e4


class PayloadError(Exception):
    """The program cannot do its work; the text says why."""


@dataclass(frozen=True)
class View:
    """The part of the plane to draw, and its size. The default is in the Seahorse Valley.

    :param centre: real and imaginary part of the middle of the picture.
    :param span: width of the picture in the plane.
    :param width: pixels; :param height: pixels.
    :param iterations: a point that has not escaped by then counts as inside.
    """

    centre: tuple[float, float] = (-0.74385, 0.13170)
    span: float = 0.005
    width: int = 1120
    height: int = 784
    iterations: int = 1500

    def rows(self, band: int, of: int) -> range:
        """Return the pixel rows of one band, numbered from 1 at the top: no gap, no overlap."""
        return range(self.height * (band - 1) // of, self.height * band // of)

    def points(self, rows: range) -> NDArray[np.complex128]:
        """Return the points of the plane under the pixels of these rows."""
        scale = self.span / self.width
        real = self.centre[0] + (np.arange(self.width) - (self.width - 1) / 2) * scale
        imaginary = (
            self.centre[1] - (np.arange(rows.start, rows.stop) - (self.height - 1) / 2) * scale
        )
        return real[np.newaxis, :] + 1j * imaginary[:, np.newaxis]


def escape_times(points: NDArray[np.complex128], iterations: int) -> NDArray[np.float32]:
    """Return the smoothed number of iterations until each point escapes; NaN if it stays inside."""
    times = np.full(points.size, np.nan, dtype=np.float32)
    place = np.arange(points.size)
    c = points.ravel()
    z = np.zeros_like(c)
    for iteration in range(iterations):
        z = z * z + c
        size = z.real**2 + z.imag**2
        gone = size > _ESCAPE
        if gone.any():
            times[place[gone]] = iteration + 2 - np.log2(np.log(size[gone]) / (2 * np.log(2)))
            place, c, z = place[~gone], c[~gone], z[~gone]
            if not place.size:
                break
    return times.reshape(points.shape)


def colour(times: NDArray[np.float32]) -> Image.Image:
    """Return the whole picture: a cyclic palette over the escape times, lit from the upper left."""
    inside = np.isnan(times)
    if inside.all():
        return Image.new("RGB", times.shape[::-1])
    filled = np.where(inside, np.nanmax(times), times).astype(np.float64)
    depth = np.sqrt(filled - filled.min())
    phase = np.array([0.55, 0.65, 0.77])
    palette = 0.5 + 0.5 * np.cos(2 * np.pi * (0.11 * depth[..., np.newaxis] + phase))
    down, right = np.gradient(60 * np.log(filled + 1))
    light = np.clip(1 - right - down, 0, None) / np.sqrt(1 + right**2 + down**2)
    picture = palette * (0.55 + 0.45 * np.clip(light, 0, 1.3))[..., np.newaxis]
    picture[inside] = (0.02, 0.02, 0.06)
    return Image.fromarray((255 * picture.clip(0, 1)).astype(np.uint8))


def write_bands(path: Path, of: int, bands: dict[int, NDArray[np.float32]]) -> None:
    """Write bands in order of their number: equal content gives equal bytes."""
    arrays = {f"band_{number:06d}": bands[number] for number in sorted(bands)}
    np.savez_compressed(path, of=np.array(of), **arrays)


def read_bands(paths: Sequence[Path]) -> tuple[int, dict[int, NDArray[np.float32]]]:
    """Return all bands of the files, and how many the picture has.

    :raises PayloadError: no file, two pictures mixed, or the same band twice.
    """
    if not paths:
        raise PayloadError("no input file in the working directory")
    bands: dict[int, NDArray[np.float32]] = {}
    home: dict[int, str] = {}
    total = 0
    for path in sorted(paths):
        with np.load(path) as content:
            of = int(content["of"])
            if total and of != total:
                raise PayloadError(f"{path.name} is of a picture of {of} bands, not {total}")
            total = of
            for key in content.files:
                if key == "of":
                    continue
                number = int(key.removeprefix("band_"))
                if number in bands:
                    raise PayloadError(f"band {number} is in {home[number]} and in {path.name}")
                bands[number], home[number] = content[key], path.name
    return total, bands


def make_slice(task: str, of: int, view: View) -> Path:
    """Compute the band that has the task's number."""
    number = int(task)
    if not 1 <= number <= of:
        raise PayloadError(f"there is no band {number} of {of}")
    path = Path(f"slice_{task}.npz")
    points = view.points(view.rows(number, of))
    write_bands(path, of, {number: escape_times(points, view.iterations)})
    return path


def merge(task: str) -> Path:
    """Join all slices of the working directory."""
    of, bands = read_bands(sorted(Path().glob("slice_*.npz")))
    path = Path(f"merged_{task}.npz")
    write_bands(path, of, bands)
    return path


def stitch(task: str) -> Path:
    """Join all merged files into the picture.

    :raises PayloadError: a band is missing; the text names it.
    """
    of, bands = read_bands(sorted(Path().glob("merged_*.npz")))
    missing = sorted(set(range(1, of + 1)) - set(bands))
    if missing:
        raise PayloadError(f"bands missing of {of}: {', '.join(map(str, missing))}")
    path = Path(f"mandelbrot_{task}.png")
    colour(np.concatenate([bands[number] for number in sorted(bands)])).save(path, optimize=True)
    return path


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("prodsys-mandelbrot", description=__doc__.splitlines()[0])
    parser.add_argument("program", choices=("slice", "merge", "stitch"))
    parser.add_argument("--task", required=True, help="task ID, as DIRAC writes it for @{JOB_ID}")
    parser.add_argument("--of", type=int, default=0, help="number of bands (slice)")
    parser.add_argument("--width", type=int, default=View.width, help="pixels (slice)")
    parser.add_argument("--height", type=int, default=View.height, help="pixels (slice)")
    parser.add_argument(
        "--fail-on-task",
        type=int,
        default=0,
        metavar="N",
        help="fail when this is task N, to show how the files of a failed task are taken up again",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one program in the current directory; return its exit code."""
    arguments = _arguments(argv)
    if int(arguments.task) == arguments.fail_on_task:
        print(f"task {arguments.task} fails on purpose (--fail-on-task)", file=sys.stderr)
        return FAILED_ON_PURPOSE
    try:
        if arguments.program == "slice":
            view = View(width=arguments.width, height=arguments.height)
            path = make_slice(arguments.task, arguments.of, view)
        else:
            path = (merge if arguments.program == "merge" else stitch)(arguments.task)
    except PayloadError as error:
        print(f"prodsys-mandelbrot {arguments.program}: {error}", file=sys.stderr)
        return 1
    print(f"wrote {path} ({path.stat().st_size} bytes)")
    return 0
