"""``history import`` and ``history sweep``, on a grid in memory."""

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
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.run.registry import Member
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.dataset_lists import keep_list
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.ledger.store import Ledger, Search

DATASET = "/memory/datasets/bands"
LFNS = [f"/memory/bands/{number}" for number in range(3)]

Run = Callable[..., Result]


@pytest.fixture
def grid(request: pytest.FixtureRequest) -> Iterator[MemoryGrid]:
    """A step of ours with a frozen dataset, and two transformations of others."""
    made = memory.register(request.node.name, MemoryGrid())
    gateway = gateway_of(made)
    made.catalogue.serve_createDirectory({"/memory/bands": True})
    made.catalogue.serve_setMetadata("/memory/bands", {"production": "bands"})
    for lfn in LFNS:
        made.catalogue.register(lfn, size=100)
    ours = gateway.create_transformation(transformation("bands__r1__merge", "bands"))
    origin = annotated("", DatasetOrigin("bands", "r1", "merge"))
    query = MetaQuery.parse({"production": "bands"})
    gateway.create_dataset(DatasetSpec(name=DATASET, query=query, annotation=origin))
    assert keep_list(gateway, ours.id, gateway.describe_files(LFNS).values())
    for name in ("Prod6_a", "Prod6_b"):
        made_by_hand = gateway.create_transformation(transformation(name, "General"))
        gateway.register_production(f"dirac_{name}", "", [Member(made_by_hand.id)])
        gateway.start_transformation(made_by_hand.id)
    yield made
    memory.forget(request.node.name)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def run(prodsys: Run, grid: MemoryGrid, url: str, request: pytest.FixtureRequest) -> Run:
    """Run a subcommand of history on that grid and ledger."""
    options = ("--backend", "memory", "--config", request.node.name)
    return lambda *words: prodsys("history", "--ledger", url, *words, *options)


def gateway_of(grid: MemoryGrid) -> memory.MemoryGateway:
    return memory.MemoryGateway(grid, GatewaySettings(backend="memory"))


def transformation(name: str, group: str) -> TransformationSpec:
    body = JobSpec(name="t", job_type="Merging", commands=(Command(executable="/bin/true"),))
    about = {"description": "for a test", "type": "Merging", "body": body, "group": group}
    return TransformationSpec(name=name, **about)


def data(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def kinds(url: str) -> list[str]:
    ledger = Ledger.at(url)
    found = sorted(record.kind for record in ledger.find(Search()))
    ledger.close()
    return found


def datasets(url: str) -> list[Record]:
    ledger = Ledger.at(url)
    found = list(ledger.find(Search(("dataset",))))
    ledger.close()
    return found


def test_what_others_made_is_taken_in_once(run: Run, prodsys: Run, url: str) -> None:
    made = data(run("import", "Prod6_*", "bands", "--json"))["transformations"]
    assert [(one["name"], one["production"], one["run"]) for one in made] == [
        ("bands__r1__merge", "bands", "r1"),
        ("Prod6_a", "General", ""),
        ("Prod6_b", "General", ""),
    ]
    assert [one["records"] for one in made] == [
        ["step", "dataset", "counts"],
        ["step", "counts"],
        ["step", "counts"],
    ]
    again = run("import", "1", "2", "3")
    assert again.stdout.count("nothing new") == 3
    assert "0 of 3 transformations are new" in again.stderr
    assert kinds(url) == ["counts"] * 3 + ["dataset"] + ["step"] * 3
    rows = data(prodsys("history", "--ledger", url, "list", "--json"))["runs"]
    assert {(row["production"], row["run"], row["state"]) for row in rows} == {
        ("bands", "r1", "imported"),
        ("General", "", "imported"),
    }
    shown = data(prodsys("history", "--ledger", url, "show", "General", "--json"))
    steps = [one["step"]["step"] for one in shown["transformations"]]
    assert steps == ["Prod6_a", "Prod6_b"]
    summary = data(prodsys("summary", "--ledger", url, "--json"))["rows"]
    assert [row["dataset"] for row in summary] == [DATASET, "", ""]


def test_a_production_of_dirac_is_taken_in(run: Run) -> None:
    made = data(run("import", "--production", "dirac_Prod6_b", "--json"))["transformations"]
    assert [(one["name"], one["production"]) for one in made] == [("Prod6_b", "dirac_Prod6_b")]
    assert "there is no production other" in run("import", "--production", "other").stderr


def test_what_means_nothing_is_refused_and_nothing_is_taken_in(run: Run, url: str) -> None:
    assert run("import").exit_code == 2
    result = run("import", "bands", "Prod7_*")
    assert result.exit_code == 3
    assert "no transformation Prod7_*" in result.stderr
    assert kinds(url) == []


def test_a_sweep_finds_nothing_then_a_file_that_went_and_records_it_once(
    run: Run, prodsys: Run, grid: MemoryGrid, url: str
) -> None:
    run("import", "*")
    calm = data(run("sweep", "--json"))
    assert calm == {"drift": [], "compared": {"transformations": 3, "datasets": 1}, "notes": []}
    grid.catalogue.serve_removeFile({LFNS[1]: True})
    result = run("sweep")
    assert result.exit_code == 1
    assert f"{DATASET}: 1 file went: {LFNS[1]}" in result.stdout
    assert f"datasets verify {DATASET}" in result.stdout
    (row,) = data(prodsys("summary", "bands", "--ledger", url, "--json"))["rows"]
    assert row["files"] == [3, 2]
    before = kinds(url)
    (known,) = data(run("sweep", "--json"), 1)["drift"]
    assert (known["recorded"], known["found"], known["production"]) == (3, 2, "bands")
    assert known["since"]
    assert kinds(url) == before
    assert before.count("drift") == 1
    assert data(run("sweep", "--new", "--json"))["drift"] == []
    assert "1 file went" in prodsys("history", "--ledger", url, "show", "bands").stdout


def test_a_sweep_finds_transformations_that_were_stopped_or_deleted(
    run: Run, grid: MemoryGrid
) -> None:
    run("import", "*")
    gateway = gateway_of(grid)
    gateway.stop_transformation(2)
    gateway.delete_transformation(3)
    found = data(run("sweep", "--new", "--json"), 1)["drift"]
    assert [(one["subject"], one["what"], one["found"]) for one in found] == [
        ("Prod6_a", "status", "Stopped"),
        ("Prod6_b", "transformation", ""),
    ]
    assert "history import 2" in found[0]["to_do"]
    assert data(run("import", "2", "--json"))["transformations"][0]["records"] == ["counts"]
    assert [one["subject"] for one in data(run("sweep", "--json"), 1)["drift"]] == ["Prod6_b"]
    assert data(run("sweep", "bands", "--json"))["compared"]["transformations"] == 1


def test_a_dataset_that_the_catalogue_cannot_list_is_found(run: Run, grid: MemoryGrid) -> None:
    run("import", "bands")
    grid.catalogue.serve_releaseDataset({DATASET: True})  # by its full path, it stays frozen
    (found,) = data(run("sweep", "--json"), 1)["drift"]
    assert found["what"] == "answer"
    assert "cannot say what it holds" in found["text"]


def test_a_retired_dataset_is_not_missed_whoever_removed_it(
    run: Run, prodsys: Run, grid: MemoryGrid, url: str, request: pytest.FixtureRequest
) -> None:
    run("import", "bands")
    gateway_of(grid).remove_dataset(DATASET)
    (found,) = data(run("sweep", "--json"), 1)["drift"]
    assert found["what"] == "dataset"
    assert f"datasets retire {DATASET}" in found["to_do"]
    options = ("--ledger", url, "--backend", "memory", "--config", request.node.name)
    result = prodsys("datasets", "retire", DATASET, *options)
    assert "the ledger has it as retired" in result.stdout
    assert data(run("sweep", "--json"))["drift"] == []
    (row,) = data(prodsys("summary", "bands", "--ledger", url, "--json"))["rows"]
    assert row["status"] == "retired"


def test_retiring_a_dataset_is_recorded(
    run: Run, prodsys: Run, url: str, request: pytest.FixtureRequest
) -> None:
    run("import", "bands")
    options = ("--ledger", url, "--backend", "memory", "--config", request.node.name)
    for name in ("--preview", "--yes"):
        assert prodsys("datasets", "retire", DATASET, name, *options).exit_code == 0
        retired = [one.to_dict()["retired"] for one in datasets(url)]
        assert retired == ([False] if name == "--preview" else [False, True])
    assert data(run("sweep", "--json"))["drift"] == []


def test_without_a_grid_nothing_is_recorded(run: Run, grid: MemoryGrid, url: str) -> None:
    run("import", "bands")
    before = kinds(url)
    grid.down = True
    assert run("sweep").exit_code == 3
    assert kinds(url) == before


def test_a_sweep_makes_no_ledger(run: Run, tmp_path: Path) -> None:
    assert run("sweep").exit_code == 3
    assert list(tmp_path.iterdir()) == []
