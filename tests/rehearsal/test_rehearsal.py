"""Rehearsals from the command line: real Airflow, real DIRAC, jobs that only write small files."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psutil

from sandbox.environment import REPOSITORY, VENV_BIN
from sandbox.process import MARK
from tests.integration.ctadirac_sources import productions

EXAMPLES = REPOSITORY / "include" / "productions" / "examples"
FULL = "ctadirac-3.1.0/tests/system/config/full_production_config.yml"

#: a virtual organisation, a storage element, a type, fields and a dataset that no sandbox has
ELSEWHERE = """\
version: 1
production: {name: elsewhere, vo: far.org, connection: far_grid}
types: {Special: {}}
defaults: {job: {type: script, executable: reconstruct, sites: [LCG.Far.org]}}
common:
  directory: /far.org/made/${{ run }}
  se: FAR-SE
  metadata: {run: "${{ run }}", farLevel: 1.5}
steps:
  judge:
    type: MCSimulation
    tasks: 1
    output: {metadata: {step: judge}, files: [score.json]}
  take:
    type: Special
    group_size: 2
    wait_for:
      - {file: /far.org/given/table.txt}
      - {value: {file: "/far.org/made/${{ run }}/judge/score.json", when: test.auc >= 0.8}}
      - {production: models, step: train}
    input: {dataset: /far.org/datasets/given, where: {quality: {">=": 3.5}}}
    output: {metadata: {step: take}, file_metadata: {grade: [a, b]}}
  pick:
    type: Merging
    start: on_complete
    group_size: 100
    input: {from: take, where: {grade: b}}
    output: {metadata: {step: pick}, files: ["picked_@{JOB_ID}"]}
"""

#: a gather of one axis, and one that no metadata tell from the branches that it leaves out
GATHER = """\
version: 1
production: {name: gather, vo: sim}
common: {directory: "/sim/gather/${{ run }}", se: DISK-A-SE, metadata: {run: "${{ run }}"}}
defaults: {group_size: 100, start: on_complete, job: {type: script, executable: merge}}
matrix: {particle: [gamma, proton], zenith: [20, 40]}
steps:
  simulate:
    type: MCSimulation
    start: streaming
    tasks: 2
    output:
      metadata: {particle: "${{ matrix.particle }}", zenith: "${{ matrix.zenith }}", level: 0}
      files: ["sim_@{JOB_ID}"]
  merge:
    type: Merging
    matrix: [particle]
    input: {from: simulate}
    output:
      metadata: {particle: "${{ matrix.particle }}", zenith: 0, level: 1}
      files: ["merged_@{JOB_ID}"]
  diagonal:
    type: Merging
    matrix: []
    input: {from: [simulate-gamma-20, simulate-proton-40]}
    output: {metadata: {level: 2}, files: ["diagonal_@{JOB_ID}"]}
    dataset: {name: "/sim/datasets/gather_${{ run }}"}
"""


def rehearse(*arguments: object) -> dict[str, dict[str, Any]]:
    """Reports by production; the rehearsal must come to a good end and leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="r-") as place:
        done = subprocess.run(
            [str(VENV_BIN / "dirac-prodsys"), "rehearse", "--json", *map(str, arguments)],
            env={**os.environ, "TMPDIR": place},
            cwd=place,
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert started_below(place) == []
        assert [path for path in os.listdir(place) if path.startswith("dirac-")] == []
    return {one["production"]: one for one in json.loads(done.stdout)["rehearsals"]}


def started_below(place: str) -> list[int]:
    """Processes that belong to a grid or an Airflow in that folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(place):
                found.append(process.pid)
    return found


def links(report: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    return {(k["parent"], k["child"]): (k["files"], k["of"]) for k in report["links"]}


def steps(report: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Step → files in, processed, and out; all must have completed."""
    assert {line["status"] for line in report["steps"]} == {"Completed"}
    return {
        line["step"]: (line["files_in"], line["processed"], line["files_out"])
        for line in report["steps"]
    }


def test_examples_of_three_kinds_and_a_gather_come_to_their_end_side_by_side(
    tmp_path: Path,
) -> None:
    (tmp_path / "gather.yaml").write_text(GATHER)
    names = ("w01_simulation_and_backgrounds", "w02_two_stage_merging", "w10_data_management")
    files = [EXAMPLES / f"{name}.yaml" for name in names]
    reports = rehearse("--tasks", 2, "--files", 3, *files, tmp_path / "gather.yaml")
    background, merging, moving = (reports[name] for name in names)

    # each reprocessing takes the files of its background, and no others
    assert links(background) == {
        ("simulate", "process-1"): (2, 4),
        ("simulate", "process-5"): (2, 4),
    }
    assert steps(background)["process-1"] == (2, 2, 1)

    assert steps(merging) == {"merge": (3, 3, 1), "merge_all": (1, 1, 1)}
    assert links(merging) == {("merge", "merge_all"): (1, 1)}
    (dataset,) = merging["datasets"]
    assert (dataset["files"], dataset["frozen"]) == (1, True)

    replicas = {line["step"]: line["replicas"] for line in moving["steps"]}
    assert replicas == {
        "replicate": {"DISK-A-SE": 3, "DISK-B-SE": 3},
        "to_tape": {"DISK-B-SE": 3},
        "to_tape.remove": {"DISK-B-SE": 3},
        "remove": {},
    }
    assert any("Remove these files for ever?" in note for note in moving["notes"])

    gather = reports["gather"]
    assert steps(gather)["merge-gamma"] == steps(gather)["diagonal"] == (4, 4, 1)
    assert set(links(gather).values()) == {(2, 2)}
    assert gather["datasets"][0]["files"] == 1


def test_ctao_s_own_production_comes_to_its_end_on_the_full_grid(tmp_path: Path) -> None:
    file = tmp_path / "full_production_config.yml"
    file.write_text(productions()[FULL])
    report = rehearse("--profile", "full", "--tasks", 6, file)["full_production_config"]
    assert steps(report) == {
        "Step1_MCSimulation": (0, 0, 6),
        "Step2_CtapipeProcessing": (6, 6, 6),
        "Step3_Merging": (6, 6, 2),
        "Step4_Merging": (2, 2, 1),
    }
    assert {fed for fed, _of in links(report).values()} == {6, 2}


def test_what_a_production_names_and_a_sandbox_lacks_is_made_for_it(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.yaml"
    file.write_text(ELSEWHERE)
    report = rehearse("--files", 3, file)["elsewhere"]
    # three files in groups of two: the rest is flushed; each job leaves a file of either grade
    assert steps(report) == {"judge": (0, 0, 1), "take": (3, 3, 4), "pick": (2, 2, 1)}
    assert links(report) == {("take", "pick"): (2, 4)}
    for told in ("sites of its jobs are not rehearsed", "production models was stood in for"):
        assert any(told in note for note in report["notes"])


def test_nothing_is_left_of_a_rehearsal_that_is_interrupted() -> None:
    file = EXAMPLES / "w01_simulation_and_backgrounds.yaml"
    with tempfile.TemporaryDirectory(prefix="r-") as place:
        command = [str(VENV_BIN / "dirac-prodsys"), "rehearse", str(file)]
        environment = {**os.environ, "TMPDIR": place}
        with subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True
        ) as rehearsal:
            assert rehearsal.stderr is not None
            next(line for line in rehearsal.stderr if "services" in line)
            assert started_below(place)
            rehearsal.terminate()
            told = rehearsal.stderr.read()
            assert rehearsal.wait(120) == 130, told
        assert "interrupted; everything is stopped" in told
        assert started_below(place) == []
