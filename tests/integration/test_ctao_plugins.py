"""The proof that the stand-ins of CTADIRAC's plugins group files as CTADIRAC's own do."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.communities.ctao.rules.task_plugins import PLUGINS
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.site_plugins import SeenFiles, tasks_of
from dirac_prodsys.gateway.memory.tables import AttachedFile, Transformation
from sandbox.configuration.environment import REPOSITORY
from tests.integration.ctadirac_versions import NEWER, python_of

TELESCOPE = {"data__division": "Monitoring", "data__association": "Telescope"}
TYPES = ("Calibration", "Pointing")


def case(number: int) -> dict[str, Any]:
    """An observation of some telescopes, chunks and parts, of which some is calibrated."""
    dice = random.Random(number)  # noqa: S311
    known: dict[str, dict[str, Any]] = {}
    own: dict[str, Any] = {"instance__obs_id": 7}
    for telescope, chunk, part in itertools.product((1, 2, 3), (1, 2), (1, 2)):
        if dice.random() < 0.6:
            lfn = f"/ctao/raw/tel{telescope}_chunk{chunk}_{part}"
            known[lfn] = {**own, "instance__ae_id": telescope, "instance__chunk_id": chunk}
            known[lfn] |= {"data__level": "DL0"}
    raw = list(known)
    for telescope, kind, release in itertools.product((1, 2, 3), TYPES, ("R1", "R2")):
        if dice.random() < 0.7:
            lfn = f"/ctao/calibration/tel{telescope}_{kind}_{release}"
            known[lfn] = {**own, **TELESCOPE, "instance__ae_id": telescope, "data__type": kind}
            known[lfn] |= {"data__level": "DL1", "curation__release": release}
    # files of calibration come back when their job has failed
    back = [lfn for lfn in known if lfn not in raw and dice.random() < 0.1]
    wanted = dice.choice([["Calibration"], ["Pointing"], ["Calibration", "Pointing"]])
    parameters = {"CalibpipeRelease": "R1", "CalibDataType": str(wanted)}
    if dice.random() < 0.1:
        del parameters[dice.choice(list(parameters))]
    plugin = dice.choice(["ByTelescopeChunk", *PLUGINS])
    return {
        "plugin": plugin,
        "parameters": parameters,
        "unused": sorted([*raw, *back]),
        "known": known,
    }


def ours(
    plugin: str, parameters: dict[str, str], unused: list[str], known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The same of the stand-in, on the catalogue in memory."""
    grid = MemoryGrid()
    for lfn, metadata in known.items():
        grid.catalogue.register(lfn, **metadata)
    row = Transformation({}, parameters=dict(parameters))
    row.files = {lfn: AttachedFile() for lfn in unused}
    tasks = tasks_of(PLUGINS[plugin], SeenFiles(row, grid.catalogue, 0.0))
    return {"tasks": tasks, "attached": sorted(row.files.keys() - set(unused))}


@pytest.mark.parametrize("version", NEWER)
def test_the_stand_ins_make_the_tasks_that_ctadirac_s_plugins_make(
    version: str, tmp_path: Path
) -> None:
    python_of(version)
    cases = [case(number) for number in range(300)]
    (tmp_path / "request.json").write_text(json.dumps(cases))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DIRAC", "X509"))}
    path = os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)])
    done = subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("plugins_side.py"),
            "request.json",
            "answer.json",
        ],
        cwd=tmp_path,
        env={**environment, "HOME": str(tmp_path), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    theirs = json.loads((tmp_path / "answer.json").read_text())
    for one, there in zip(cases, theirs, strict=True):
        assert ours(**one) == there, one
    by_plugin = dict.fromkeys(PLUGINS, 0)
    for one, there in zip(cases, theirs, strict=True):
        by_plugin[one["plugin"]] += len(there["tasks"])
    assert min(by_plugin.values()) > 20  # there was something to compare
