"""``lint --live``: what a grid says to a file, on the grid in memory; outages, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.cli.linting.live import Live
from dirac_prodsys.cli.linting.many_files import check_file
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid

GRID = "lint-live"
REPROCESS = """\
version: 1
production: {name: again, vo: sim}
steps:
  a:
    type: DataReprocessing
    group_size: 4
    input: {where: {production: old, data_level: 0}}
    job: {type: script, executable: x}
    output:
      directory: /sim/again/${{ run }}/a
      se: DISK-A-SE
      metadata: {production: again, run: "${{ run }}", step: a}
      files: ["a_@{JOB_ID}"]
"""


@pytest.fixture
def grid() -> Iterator[MemoryGrid]:
    yield memory.register(GRID, MemoryGrid())
    memory.forget(GRID)


@pytest.fixture
def live(prodsys, grid):
    """Lint this file against the grid; its findings."""

    def run(file: Path, *options: str) -> list[dict[str, Any]]:
        asked = ("--live", "--backend", "memory", "--config", GRID, "--format", "json")
        result = prodsys("lint", *asked, *options, file)
        findings: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
        errors = any(finding["severity"] == "error" for finding in findings)
        assert result.exit_code == (2 if errors else 0)
        return findings

    return run


def codes(findings: list[dict[str, Any]]) -> list[str]:
    return [finding["code"] for finding in findings]


def written(folder: Path, text: str) -> Path:
    file = folder / "file.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_grid_that_has_everything_adds_nothing(live, good):
    assert live(good) == []


def test_a_field_that_the_catalogue_does_not_define_is_reported_at_its_key(live, good):
    text = good.read_text().replace("step: merge}", "step: merge, colour: red}")
    findings = live(written(good.parent, text))
    assert codes(findings) == ["unknown-field"]
    line = text.splitlines()[findings[0]["line"] - 1]
    assert line[findings[0]["column"] - 1 :].startswith("colour: red")


def test_storage_elements_and_sites_are_those_of_the_grid(live, good):
    text = good.read_text().replace("se: DISK-A-SE", "se: DISK-A", 1)
    text = text.replace("executable: merge}", "executable: merge, sites: [SIM.SiteA.com]}")
    found = {f["code"]: f["hint"] for f in live(written(good.parent, text))}
    assert found["unknown-se"].startswith("did you mean 'DISK-A-SE'?")
    assert found["unknown-site"].startswith("did you mean 'SIM.SiteA.org'?")


def test_files_of_a_query_are_counted_and_none_is_a_warning(live, grid, tmp_path, prodsys):
    file = written(tmp_path, REPROCESS)
    assert codes(live(file)) == ["nothing-selected"]
    for number in range(2):
        grid.catalogue.register(f"/sim/old/{number}", production="old", data_level=0)
    (short,) = live(file)
    assert short["code"] == "group-short"
    assert "at most 2" in short["message"]
    for number in range(2, 10):
        grid.catalogue.register(f"/sim/old/{number}", production="old", data_level=0)
    assert live(file) == []
    text = prodsys("lint", "--live", "--backend", "memory", "--config", GRID, "-v", file).stdout
    assert "step a: 10 files in, 3 or more jobs" in text


def test_what_the_type_of_a_field_makes_of_a_number_is_known_live(live, grid, good, prodsys):
    def linted(field: str, *values: object) -> list[dict[str, Any]]:
        text = original
        for step, value in zip(("simulate", "merge"), values, strict=False):
            text = text.replace(f"step: {step}}}", f"step: {step}, {field}: {value}}}")
        return live(written(good.parent, text))

    original = good.read_text()
    file = written(good.parent, original.replace("step: merge}", "step: merge, thetaP: 52.374}"))
    assert "[inexact-number]" in prodsys("lint", file).stdout
    assert linted("thetaP", 20, 52.374) == []
    (lost,) = linted("data_level", 1, 52.374)
    assert (lost["code"], lost["severity"]) == ("field-type", "error")
    assert "no whole number" in lost["message"]
    assert codes(linted("site", 20, 52.374)) == ["number-as-text", "number-as-text"]
    (one,) = linted("thetaP", 52.374, 52.3740001)
    assert (one["code"], one["severity"]) == ("same-value", "error")
    assert "as float in the catalogue both are 52.374000549316406" in one["message"]


def test_a_condition_that_its_field_cannot_fulfil_is_reported_and_the_check_goes_on(live, tmp_path):
    for condition in ("1.5", "none", '{"!=": 1.5}'):
        text = REPROCESS.replace("data_level: 0", f"data_level: {condition}")
        assert text != REPROCESS
        assert codes(live(written(tmp_path, text))) == ["field-type"]
    text = REPROCESS.replace("data_level: 0", 'data_level: {">": 0.5}')
    assert codes(live(written(tmp_path, text))) == ["nothing-selected"]


def test_names_of_a_run_that_exist_are_reported(live, grid, good):
    from dirac_prodsys.cli.files import read_production

    plan = compile(read_production(good), run="r1")
    MemoryGateway(grid).create_transformation(plan.step("merge").transformation)
    assert live(good) == []
    assert live(good, "--run", "r2") == []
    (taken,) = live(good, "--run", "r1")
    assert (taken["code"], taken["severity"]) == ("name-taken", "warning")
    assert "good__r1__merge exists: ID 1, New" in taken["message"]
    good.write_text(good.read_text().replace("group_size: 2", "group_size: 3"))
    (other,) = live(good, "--run", "r1")
    assert (other["code"], other["severity"]) == ("name-conflict", "error")
    assert other["message"].endswith("and differs: group size: asked 3, found 2")


def test_run_numbers_that_another_transformation_uses_are_reported(live, grid, good):
    from dirac_prodsys.cli.files import read_production

    text = good.read_text().replace("    tasks: 3", "    tasks: 3\n    run_numbers: RANGE")
    good.write_text(text.replace("RANGE", "{campaign: MC, first: 1}"))
    plan = compile(read_production(good), run="r1")
    MemoryGateway(grid).create_transformation(plan.step("simulate").transformation)
    assert codes(live(good, "--run", "r1")) == ["name-taken", "run-numbers-repeat"]
    used = next(f for f in live(good, "--run", "r2") if f["code"] == "run-numbers-used")
    assert used["message"] == "run numbers 1 to 3 of MC: good__r1__simulate uses 1 to 3"
    good.write_text(text.replace("RANGE", "{campaign: MC, first: 4}"))
    assert codes(live(good, "--run", "r2")) == ["run-numbers-repeat"]


def test_datasets_that_exist_are_reported_with_their_files(live, grid, good):
    from dirac_prodsys.cli.files import read_production

    gateway = MemoryGateway(grid)
    dataset = compile(read_production(good), run="r1").step("index").dataset
    assert dataset is not None
    grid.catalogue.register("/sim/x/1", production="good", run="r1", step="index")
    gateway.create_dataset(dataset)
    assert codes(live(good, "--run", "r1")) == ["dataset-exists"]
    other = DatasetSpec(name="/sim/datasets/good_r2", query=MetaQuery.parse({"run": "r1"}))
    gateway.create_dataset(other)
    (other,) = live(good, "--run", "r2")
    assert other["code"] == "dataset-taken"
    assert "with another query (" in other["message"]
    assert "run: asked r2, found " in other["message"]
    elsewhere = DatasetSpec(name="/sim/elsewhere/good_r3", query=MetaQuery.parse({"run": "r1"}))
    gateway.create_dataset(elsewhere)
    (taken,) = live(good, "--run", "r3")
    assert "in another directory" in taken["message"]


def test_a_dataset_as_input_is_looked_up_and_its_query_proved(live, grid, tmp_path):
    text = REPROCESS.replace(
        "{where: {production: old, data_level: 0}}", "{dataset: /sim/datasets/raw}"
    )
    file = written(tmp_path, text)
    (missing,) = live(file)
    assert (missing["code"], missing["line"], missing["column"]) == ("unknown-dataset", 7, 22)
    for number in range(8):
        grid.catalogue.register(f"/sim/old/{number}", production="old", data_level=0)
    MemoryGateway(grid).create_dataset(
        DatasetSpec(name="/sim/datasets/raw", query=MetaQuery.parse({"production": "old"}))
    )
    assert live(file) == []
    narrowed = text.replace("raw}", "raw, where: {production: new}}")
    assert codes(live(written(tmp_path, narrowed))) == ["empty-link"]


def test_an_outage_is_reported_with_all_that_was_found_before(prodsys, grid, good, tmp_path):
    broken = tmp_path / "a_broken.yaml"
    broken.write_text("version: 2\n")
    grid.down = True
    result = prodsys("lint", "--live", "--backend", "memory", "--config", GRID, tmp_path)
    assert result.exit_code == 3
    assert "a_broken.yaml:1:" in result.stdout
    assert "the grid could not be asked: " in result.stderr
    assert "hint: " in result.stderr


def test_an_outage_halfway_is_reported_too(prodsys, grid, good, tmp_path):
    file = written(tmp_path, REPROCESS)
    grid.fault("lost", "findFilesByMetadataWeb")
    result = prodsys("lint", "--live", "--backend", "memory", "--config", GRID, file)
    assert result.exit_code == 3
    assert "Peer closed connection" in result.stderr


def test_a_backend_that_does_not_exist_is_refused(prodsys, good):
    result = prodsys("lint", "--live", "--backend", "nothing", good)
    assert result.exit_code == 3
    assert "unknown backend 'nothing'" in result.stderr


def test_what_a_step_waits_for_is_noted_with_what_is_there_now(grid, tmp_path) -> None:
    gates = """\
    wait_for:
      - {file: /sim/model.h5, within: 2}
      - {value: {file: /sim/quality.json, when: auc >= 0.8}}
      - {dataset: /sim/datasets/none}
      - {dataset: "/sim/datasets/of_${{ run }}"}
      - {production: other, step: train}
"""
    text = REPROCESS.replace("    group_size: 4\n", "    group_size: 4\n" + gates)
    grid.catalogue.register("/sim/model.h5")
    grid.catalogue.register("/sim/quality.json", content=b"auc = 0.7")
    report, reading = check_file(written(tmp_path, text))
    assert reading is not None
    found = Live(MemoryGateway(grid)).examine(report, reading).findings
    notes = [finding for finding in found if finding.code == "gate"]
    messages = [note.message for note in notes]
    assert [note.line for note in notes] == [8, 9, 10, 11, 12]
    assert "now: file /sim/model.h5 exists" in messages[0]
    assert "now: auc >= 0.8 does not hold in /sim/quality.json: auc = 0.7" in messages[1]
    assert "now: dataset /sim/datasets/none does not exist yet" in messages[2]
    assert "now" not in messages[3] + messages[4]
    assert notes[0].hint == "it fails after 2 h"
