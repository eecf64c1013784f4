"""Stands in for CTAO's programs on an observation: ``FOLDER calibrate|events|merge …``.

What telescope and chunk a file is of, it reads off the names of its input, as CTAO's data model
writes them. Its first job on events fails; the others wait until FOLDER has a file ``late``.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

NAMED = re.compile(r"AirShower_ob(\d+)_tel(\d+)_chunk(\d+)\.fits")


def main() -> int:
    """Do what the step asks for; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("step", choices=["calibrate", "events", "merge"])
    parser.add_argument("--task")
    parser.add_argument("--telescopes", type=int, nargs="*", default=[])
    parser.add_argument("--to")
    parser.add_argument("--release")
    options = parser.parse_args()
    for telescope in options.telescopes:
        Path(f"calibration_tel{telescope:03d}_{options.task}.h5").write_text(options.task)
    if options.step == "merge":
        Path(f"events_subarray_{options.task}.h5").write_text("\n".join(sorted(beside("tel*.h5"))))
    return events(options) if options.step == "events" else 0


def events(options: argparse.Namespace) -> int:
    """Process the events of one telescope and chunk, and register what is made."""
    found = sorted(filter(None, map(NAMED.fullmatch, beside("AirShower_*.fits"))), key=str)
    if not found or not beside("calibration_*.h5"):
        return 3  # a program without events, or without their calibration
    try:
        (options.folder / "failed").touch(exist_ok=False)
    except FileExistsError:
        while not (options.folder / "late").exists():
            time.sleep(0.2)
    else:
        return 1
    observation, telescope, chunk = map(int, found[0].groups())
    made = f"tel{telescope:03d}_chunk{chunk:03d}.h5"
    Path(made).write_text("\n".join(each.group() for each in found))
    register(
        f"{options.to}/{made}",
        made,
        {
            "curation__release": options.release,
            "data__level": "DL1",
            "data__association": "Telescope",
            "data__type": "AirShower",
            "instance__obs_id": observation,
            "instance__ae_id": telescope,
            "instance__chunk_id": chunk,
        },
    )
    return 0


def beside(pattern: str) -> list[str]:
    """Names of the files beside the job."""
    return [path.name for path in Path.cwd().glob(pattern)]


def register(lfn: str, name: str, metadata: dict[str, str | int]) -> None:
    """Upload a file and set its metadata."""
    import DIRAC

    DIRAC.initialize()
    from DIRAC.DataManagementSystem.Client.DataManager import DataManager
    from DIRAC.Resources.Catalog.FileCatalog import FileCatalog

    for done in (
        DataManager().putAndRegister(lfn=lfn, fileName=name, diracSE="DISK-A-SE"),
        FileCatalog().setMetadata(lfn, metadata),
    ):
        if not done["OK"]:
            raise SystemExit(f"{lfn}: {done['Message']}")


if __name__ == "__main__":
    sys.exit(main())
