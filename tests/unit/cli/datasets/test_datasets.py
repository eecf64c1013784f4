"""The subcommands about datasets, on a grid in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dirac_prodsys.core.grid.dataset_origin import DatasetOrigin, annotated
from dirac_prodsys.core.grid.specs import Command, DatasetSpec, JobSpec, TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.dataset_lists import keep_list
from dirac_prodsys.gateway.records import GatewaySettings
from tests.unit.cli.conftest import GOOD, write

NAME = "/memory/datasets/bands"
QUERY = MetaQuery.parse({"production": "bands"})
LFNS = [f"/memory/bands/{number}" for number in range(10)]

Run = Callable[..., Result]


@pytest.fixture
def grid(request: pytest.FixtureRequest) -> Iterator[MemoryGrid]:
    """Ten files of ten runs, one missing between them, in a frozen dataset of a production."""
    made = memory.register(request.node.name, MemoryGrid())
    gateway = gateway_of(made)
    made.catalogue.serve_createDirectory({"/memory/bands": True})
    made.catalogue.serve_setMetadata("/memory/bands", {"production": "bands"})
    for number, lfn in enumerate(LFNS):
        se = "DISK-A-SE" if number % 2 else "DISK-B-SE"
        run = number if number < 5 else number + 1
        made.catalogue.register(lfn, se=se, size=100, runNumber=str(run))
    record = gateway.create_transformation(transformation("bands__r1__merge"))
    origin = DatasetOrigin("bands", "r1", "merge", "0123", "abc")
    gateway.create_dataset(DatasetSpec(name=NAME, query=QUERY, annotation=annotated("", origin)))
    assert keep_list(gateway, record.id, gateway.describe_files(LFNS).values())
    yield made
    memory.forget(request.node.name)


@pytest.fixture
def run(prodsys: Run, grid: MemoryGrid, request: pytest.FixtureRequest) -> Run:
    """Run a subcommand on that grid."""
    options = ("--backend", "memory", "--config", request.node.name)
    return lambda *words: prodsys("datasets", *words, *options)


def gateway_of(grid: MemoryGrid) -> memory.MemoryGateway:
    return memory.MemoryGateway(grid, GatewaySettings(backend="memory"))


def transformation(name: str, query: MetaQuery | None = None) -> TransformationSpec:
    body = JobSpec(name="t", job_type="Merging", commands=(Command(executable="/bin/true"),))
    return TransformationSpec(
        name=name, description="for a test", type="Merging", body=body, input_query=query
    )


def data(result: Result) -> Any:
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def test_a_folder_is_listed_with_totals(run: Run, grid: MemoryGrid) -> None:
    other = DatasetSpec(name="/memory/datasets/other", query=QUERY, freeze=False)
    gateway_of(grid).create_dataset(other)
    lines = run("list").stdout.splitlines()
    assert lines[1].split()[:4] == [NAME, "10", "1.0", "kB"]
    assert lines[-1].split()[:4] == ["Total", "20", "2.0", "kB"]
    (found,) = data(run("list", "oth*", "--json"))["datasets"]
    assert (found["name"], found["files"], found["frozen"]) == (other.name, 10, False)
    assert "no such dataset" in run("list", "nothing").stderr


def test_show_says_what_is_where_and_which_runs_are_missing(run: Run, grid: MemoryGrid) -> None:
    text = run("show", "bands").stdout
    assert "files       10, 1.0 kB" in text
    assert "gaps        runNumber 5" in text
    assert "DISK-A-SE  5      500 B" in text
    assert "0-4        5      500 B" in text
    made = data(run("show", NAME, "--files", "--json"))
    assert made["places"] == [
        {"what": "DISK-A-SE", "files": 5, "size": 500},
        {"what": "DISK-B-SE", "files": 5, "size": 500},
    ]
    assert [row["lfn"] for row in made["list"]] == LFNS
    assert made["query"] == {"production": {"=": "bands"}}


def test_show_counts_what_a_frozen_dataset_lost_and_files_without_replica(
    run: Run, grid: MemoryGrid
) -> None:
    grid.catalogue.remove(LFNS[0])
    grid.catalogue.files[LFNS[1]].replicas.clear()
    text = run("show", NAME).stdout
    assert "missing     1 file of 10" in text
    assert f"no replica  {LFNS[1]}" in text
    assert data(run("show", NAME, "--json"))["missing"] == 1


def test_verify_names_what_went_and_what_changed(run: Run, grid: MemoryGrid) -> None:
    assert run("verify", NAME).exit_code == 0
    grid.catalogue.remove(LFNS[3])
    grid.catalogue.files[LFNS[4]].size = 7
    result = run("verify", "bands")
    assert result.exit_code == 1
    assert f"  gone: {LFNS[3]}" in result.stdout
    assert f"  changed: {LFNS[4]}: 100 bytes, now 7" in result.stdout
    (made,) = data(run("verify", NAME, "--json"))["datasets"]
    assert (made["gone"], made["holds"]) == ([LFNS[3]], False)


def test_verify_takes_a_list_of_another_day(run: Run, grid: MemoryGrid, tmp_path: Path) -> None:
    """A dataset that was made by hand has no list of its own."""
    by_hand = DatasetSpec(name="/memory/datasets/by_hand", query=QUERY)
    gateway_of(grid).create_dataset(by_hand)
    kept = tmp_path / "kept.json"
    kept.write_text(run("show", "by_hand", "--files", "--json").stdout)
    grid.catalogue.remove(LFNS[3])
    assert "1 file whose names nobody kept" in run("verify", "by_hand").stdout
    assert f"gone: {LFNS[3]}" in run("verify", "by_hand", "--list", str(kept)).stdout
    kept.write_text("[]")
    assert run("verify", "by_hand", "--list", str(kept)).exit_code == 2


def test_an_unknown_dataset_is_exit_code_3(run: Run) -> None:
    for command in ("show", "verify", "retire"):
        result = run(command, "nothing")
        assert result.exit_code == 3
        assert "there is no dataset /memory/datasets/nothing" in result.stderr


def test_split_shows_first_and_makes_the_same_subsets_again(run: Run, grid: MemoryGrid) -> None:
    words = ("split", NAME, "train=6", "test=4")
    preview = data(run(*words, "--preview", "--json"))
    sizes = {row["subset"]: row["files"] for row in preview["subsets"]}
    assert sum(sizes.values()) == 10
    assert not preview["made"]
    assert gateway_of(grid).find_dataset(f"{NAME}_train") is None
    assert run(*words).exit_code == 2  # nobody agreed
    for _ in range(2):
        assert data(run(*words, "--yes", "--json"))["made"]
        for subset, size in sizes.items():
            record = gateway_of(grid).find_dataset(f"{NAME}_{subset}")
            assert record is not None
            assert (record.files, record.frozen) == (size, True)
            assert record.annotation == f"{subset} of {NAME}"
    train, test = (gateway_of(grid).dataset_files(f"{NAME}_{one}") for one in sizes)
    assert sorted([*train, *test]) == LFNS
    again = run("split", NAME, "train=3", "test=7", "--yes")
    assert again.exit_code == 3
    assert "another split" in again.stderr


def test_split_by_a_field_keeps_its_values_together_and_needs_one(
    run: Run, grid: MemoryGrid
) -> None:
    for lfn in LFNS:
        grid.catalogue.files[lfn].metadata["runNumber"] = str(LFNS.index(lfn) // 2)
    assert run("split", NAME, "a=1", "b=1", "--by", "runNumber", "--yes").exit_code == 0
    found = {lfn: grid.catalogue.files[lfn].metadata["split"] for lfn in LFNS}
    assert all(found[LFNS[2 * n]] == found[LFNS[2 * n + 1]] for n in range(5))
    del grid.catalogue.files[LFNS[0]].metadata["runNumber"]
    result = run("split", NAME, "a=1", "b=1", "--by", "runNumber", "--preview")
    assert "1 files of" in result.stderr


def test_split_refuses_an_empty_subset(run: Run) -> None:
    result = run("split", NAME, "all=100000", "none=1", "--preview")
    assert result.exit_code == 3
    assert "none would have no file" in result.stderr


def test_retire_refuses_what_a_transformation_takes_until_it_is_over(
    run: Run, grid: MemoryGrid
) -> None:
    gateway = gateway_of(grid)
    reader = transformation("x__r1__reader", QUERY.refine(MetaQuery.parse({"step": "merge"})))
    number = gateway.create_transformation(reader).id
    result = run("retire", NAME, "--yes")
    assert result.exit_code == 3
    assert "x__r1__reader (New)" in result.stderr
    gateway.start_transformation(number)
    gateway.complete_transformation(number)
    assert data(run("retire", NAME, "--preview", "--json"))["removed"] is False
    assert gateway.find_dataset(NAME) is not None
    assert run("retire", NAME).exit_code == 2  # nobody agreed
    assert data(run("retire", NAME, "--yes", "--json")) == {
        "dataset": NAME,
        "files": 10,
        "removed": True,
    }
    assert gateway.find_dataset(NAME) is None
    assert len(gateway.selected_files(QUERY)) == 10


TAKES = """\
version: 1
production: {name: reader, vo: memory}
steps:
  read:
    type: Merging
    group_size: 2
    input: {dataset: DATASET}
    job: {type: script, executable: read}
"""


@pytest.mark.parametrize(
    "text",
    [
        TAKES.replace("DATASET", NAME),
        TAKES.replace("DATASET", "bands"),
        TAKES.replace("input: {dataset: DATASET}", "input: {where: {step: x}}")
        + f"    wait_for: [{{dataset: {NAME}}}]\n",
        "version: 1\nsteps: {",
    ],
    ids=["full path", "last part", "waits", "unreadable"],
)
def test_retire_refuses_what_a_production_of_the_folder_reads(
    run: Run, tmp_path: Path, text: str
) -> None:
    write(tmp_path / "reader.yaml", text)
    result = run("retire", NAME, "--folder", str(tmp_path), "--yes")
    assert result.exit_code == 3, result.output
    assert "reader" in result.stderr


def test_retire_finds_readers_of_a_dataset_with_the_run_in_its_name(
    run: Run, grid: MemoryGrid, tmp_path: Path
) -> None:
    name = "/memory/datasets/bands_night-7"
    gateway_of(grid).create_dataset(DatasetSpec(name=name, query=QUERY))
    text = TAKES.replace("DATASET", '"/memory/datasets/bands_${{ run }}"')
    write(tmp_path / "reader.yaml", text)
    assert "step read of reader" in run("retire", name, "--folder", str(tmp_path)).stderr


def test_retire_passes_over_productions_that_read_something_else(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "good.yaml", GOOD.replace("NAME", "good"))
    assert run("retire", NAME, "--folder", str(tmp_path), "--yes").exit_code == 0


def test_split_marks_no_file_if_a_subset_could_not_be_made(run: Run, grid: MemoryGrid) -> None:
    other = DatasetSpec(name=f"{NAME}_train", query=QUERY, freeze=False)
    gateway_of(grid).create_dataset(other)
    taken = run("split", NAME, "train=6", "test=4", "--yes")
    assert taken.exit_code == 3
    assert "split: asked train, found no condition" in taken.stderr
    long = DatasetSpec(name=f"/memory/datasets/{'x' * 120}", query=QUERY)
    gateway_of(grid).create_dataset(long)
    too_long = run("split", long.name, f"{'t' * 20}=6", "test=4", "--yes")
    assert "141 characters, more than the 128" in too_long.stderr
    assert all("split" not in grid.catalogue.files[lfn].metadata for lfn in LFNS)


def test_a_subset_that_the_dataset_excludes_is_refused(run: Run, grid: MemoryGrid) -> None:
    for lfn in LFNS:
        grid.catalogue.files[lfn].metadata["split"] = "train"
    train = DatasetSpec(
        name="/memory/datasets/narrow", query=QUERY.refine(MetaQuery.parse({"split": "train"}))
    )
    gateway_of(grid).create_dataset(train)
    result = run("split", "narrow", "train=6", "test=4", "--preview")
    assert result.exit_code == 2
    assert "no file can match: split" in result.stderr
