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
import pytest

from sandbox.configuration.environment import REPOSITORY, VENV_BIN
from sandbox.process import MARK
from tests.integration.ctadirac_sources import productions
from tests.patience import patience

EXAMPLES = REPOSITORY / "include" / "productions" / "examples"
#: seconds for productions that are rehearsed side by side on a busy machine
PATIENCE = 1500

pytestmark = pytest.mark.timeout(PATIENCE + 300)

#: a chain with a dataset of each of its steps
CHAIN = "w09_chain"
THREE_KINDS = ("w01_simulation_and_backgrounds", "w02_two_stage_merging", "w10_data_management")
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

#: angles of which the catalogue keeps others: 24 bits do not hold 52.374
FRACTIONS = """\
version: 1
production: {name: fractions, vo: sim}
common:
  directory: /sim/fractions/${{ run }}
  se: DISK-A-SE
  metadata: {run: "${{ run }}"}
defaults: {job: {type: script, executable: simulate}}
matrix: {zenith: [20, 40, 52.374]}
steps:
  simulate:
    type: MCSimulation
    tasks: 2
    output: {metadata: {thetaP: "${{ matrix.zenith }}", step: simulate}, files: ["s_@{JOB_ID}"]}
    dataset: {name: "/sim/datasets/at_${{ matrix.zenith }}_${{ run }}"}
  all:
    type: Merging
    matrix: []
    group_size: 2
    input: {from: simulate}
    output: {metadata: {step: all}, files: ["a_@{JOB_ID}"]}
    dataset: {name: "/sim/datasets/all_${{ run }}"}
  alone:
    type: Merging
    matrix: []
    group_size: 2
    input: {from: simulate-52.374}
    output: {metadata: {step: alone}, files: ["o_@{JOB_ID}"]}
  again:
    type: Merging
    matrix: []
    group_size: 3
    input: {dataset: /sim/datasets/given_angles, where: {thetaP: [40, 52.374]}}
    output: {metadata: {step: again, thetaP: 0.1}, files: ["g_@{JOB_ID}"]}
    dataset: {name: "/sim/datasets/fractions_${{ run }}", where: {thetaP: 0.1}}
"""

#: CTAO's own job types at such an angle
STEEP = """\
version: 1
production: {name: steep, vo: ctao}
defaults:
  job: {type: "ctao:*", MCCampaign: PROD6, configuration_id: 16, base_path: /ctao/MC}
steps:
  simulate:
    tasks: 2
    job:
      type: "ctao:MCSimulation"
      version: "2024-02-05"
      site: LaPalma
      particle: gamma
      pointing_dir: North
      zenith_angle: 52.374
      n_shower: 50000
      moon: dark
  process:
    group_size: 2
    input: {from: simulate}
    job: {type: "ctao:CtapipeProcessing", version: v0.23.0, data_level: 2, output_extension: DL2.h5}
    dataset: {name: "/ctao/datasets/steep_${{ run }}"}
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
            timeout=patience(PATIENCE),
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


def agreed(report: dict[str, Any]) -> list[tuple[str, int, float | None]]:
    """Step, files and events of each dataset: the catalogue, the ledger and the event say so."""
    found = []
    for dataset in report["datasets"]:
        catalogue, ledger, event = (
            dataset["accounts"][who] for who in ("the catalogue", "the ledger", "the asset event")
        )
        assert ledger == event
        assert catalogue == {**ledger, "events": None}
        assert ledger["frozen"]
        assert ledger["bytes"] > 0
        assert len(ledger["checksum"]) == 32
        found.append((dataset["step"], ledger["files"], ledger["events"]))
    return found


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Reports of productions that were rehearsed together."""
    folder = tmp_path_factory.mktemp("productions")
    own = {"fractions": FRACTIONS, "gather": GATHER}
    for name, text in own.items():
        (folder / f"{name}.yaml").write_text(text)
    examples = [EXAMPLES / f"{name}.yaml" for name in (*THREE_KINDS, CHAIN)]
    return rehearse("--tasks", 2, "--files", 3, *examples, *(folder / f"{n}.yaml" for n in own))


@pytest.mark.soak
def test_every_file_of_an_angle_with_a_fraction_reaches_its_children_and_its_dataset(
    side_by_side: dict[str, dict[str, Any]],
) -> None:
    report = side_by_side["fractions"]
    assert sum(fed for (_, child), (fed, _of) in links(report).items() if child == "all") == 6
    assert links(report)["simulate-52.374", "alone"] == (2, 2)
    assert {name: steps(report)[name] for name in ("all", "alone", "again")} == {
        "all": (6, 6, 3),
        "alone": (2, 2, 1),
        "again": (3, 3, 1),
    }
    assert all(dataset["frozen"] for dataset in report["datasets"])
    assert {dataset["step"]: dataset["files"] for dataset in report["datasets"]} == {
        "simulate-20": 2,
        "simulate-40": 2,
        "simulate-52.374": 2,
        "all": 3,
        "again": 1,
    }


@pytest.mark.soak
def test_examples_of_three_kinds_come_to_their_end_side_by_side(
    side_by_side: dict[str, dict[str, Any]],
) -> None:
    background, merging, moving = (side_by_side[name] for name in THREE_KINDS)

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


@pytest.mark.soak
def test_datasets_of_a_chain_are_the_same_in_catalogue_ledger_and_event(
    side_by_side: dict[str, dict[str, Any]],
) -> None:
    events = 2 * 10_000
    derived = [(f"daod-{name}", 1, events) for name in ("PHYS", "PHYSLITE", "TRUTH")]
    assert agreed(side_by_side[CHAIN]) == [
        ("evnt", 2, events),
        ("hits", 2, events),
        ("aod", 1, events),
        *derived,
    ]


@pytest.mark.soak
def test_a_gather_by_axis_and_one_by_number_take_what_they_name(
    side_by_side: dict[str, dict[str, Any]],
) -> None:
    gather = side_by_side["gather"]
    assert steps(gather)["merge-gamma"] == steps(gather)["diagonal"] == (4, 4, 1)
    assert set(links(gather).values()) == {(2, 2)}
    assert gather["datasets"][0]["files"] == 1


@pytest.mark.soak
def test_ctao_s_own_production_comes_to_its_end_on_the_full_grid(tmp_path: Path) -> None:
    file = tmp_path / "full_production_config.yml"
    file.write_text(productions()[FULL])
    steep = tmp_path / "steep.yaml"
    steep.write_text(STEEP)
    reports = rehearse("--profile", "full", "--tasks", 6, file, steep)
    assert steps(reports["steep"]) == {"simulate": (0, 0, 2), "process": (2, 2, 1)}
    ((name, files, _events),) = agreed(reports["steep"])
    assert (name, files) == ("process", 1)
    report = reports["full_production_config"]
    assert steps(report) == {
        "Step1_MCSimulation": (0, 0, 6),
        "Step2_CtapipeProcessing": (6, 6, 6),
        "Step3_Merging": (6, 6, 2),
        "Step4_Merging": (2, 2, 1),
    }
    assert {fed for fed, _of in links(report).values()} == {6, 2}


@pytest.mark.soak
def test_what_a_production_names_and_a_sandbox_lacks_is_made_for_it(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.yaml"
    file.write_text(ELSEWHERE)
    report = rehearse("--files", 3, file)["elsewhere"]
    # three files in groups of two: the rest is flushed; each job leaves a file of either grade
    assert steps(report) == {"judge": (0, 0, 1), "take": (3, 3, 4), "pick": (2, 2, 1)}
    assert links(report) == {("take", "pick"): (2, 4)}
    for words in ("sites of its jobs are not rehearsed", "production models was stood in for"):
        assert any(words in note for note in report["notes"])


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
            output = rehearsal.stderr.read()
            assert rehearsal.wait(patience(120)) == 130, output
        assert "interrupted; everything is stopped" in output
        assert started_below(place) == []
