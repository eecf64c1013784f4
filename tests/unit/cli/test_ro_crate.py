"""``dirac-prodsys history provenance --format ro-crate`` is by the profiles of runs."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rocrate.rocrate import ROCrate

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    CountsRecord,
    DatasetRecord,
    DefinitionRecord,
    PlanRecord,
    RunRecord,
    StepRecord,
)
from dirac_prodsys.ledger.store import Ledger
from tests.unit.ledger.example_records import BEGIN

RUN: dict[str, Any] = {"vo": "sim", "production": "bands", "run": "r1"}
DATASET = "/sim/datasets/bands r1"
YAML = "version: 1\nproduction: {name: bands, vo: sim}\n"
LATER = BEGIN + timedelta(hours=5)


def place(step: str, number: int) -> dict[str, Any]:
    return {**RUN, "step": step, "transformation": number, "name": f"bands__r1__{step}"}


def body(program: str, step: str) -> dict[str, Any]:
    output = {"name": f"{step}_@{{JOB_ID}}.npz", "directory": f"/sim/{step}/@{{PRODUCTION_ID}}"}
    command = {"executable": program, "arguments": "--task @{JOB_ID}"}
    return {"kind": "job", "commands": [command], "outputs": [output]}


def records() -> list[Record]:
    """A run of two steps, of which the second makes a dataset."""
    given: dict[str, Any] = {"definition": "d1", "plan": "p1", "parameters": {"tasks": 3}}
    merge = {"type": "Merging", "parents": ("sim",), "dataset": DATASET}
    return [
        DefinitionRecord(
            at=BEGIN, vo="sim", production="bands", digest="d1", text=YAML, commit="c0ffee"
        ),
        RunRecord(at=BEGIN, state="began", by="ana", **given, **RUN),
        PlanRecord(at=BEGIN, digest="p1", definition="d1", plan={"steps": ["sim"]}, **RUN),
        StepRecord(
            at=BEGIN, type="MCSimulation", software=body("compute", "sim"), **place("sim", 1)
        ),
        StepRecord(at=BEGIN, software=body("join", "merge"), **merge, **place("merge", 2)),
        CountsRecord(at=LATER, status="Active", tasks={"Done": 2}, final=True, **place("merge", 2)),
        DatasetRecord(at=LATER, dataset=DATASET, files=2, bytes=9, **place("merge", 2)),
        ActionRecord(
            at=LATER, action="flush", by="bob", phase="after", reason="late", **place("merge", 2)
        ),
        RunRecord(at=LATER, state="completed", **RUN),
    ]


def written_list(folder: Path, count: int, dataset: str = DATASET) -> Path:
    file = folder / "list.json"
    names = [f"/sim/merge/00000002/merge_{task:08d}.npz" for task in range(1, count + 1)]
    found = [{"lfn": lfn, "size": 7, "checksum": "ab12", "places": ["A"]} for lfn in names]
    file.write_text(json.dumps({"name": dataset, "list": found}))
    return file


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    monkeypatch.setenv("DIRAC_PRODSYS_LEDGER", url)
    book = Ledger.at(url)
    book.write(records())
    book.close()


@pytest.fixture
def crate(prodsys, ledger: None, tmp_path: Path) -> ROCrate:
    folder = tmp_path / "crate"
    line = ["--format", "ro-crate", "--output", folder, "--files", written_list(tmp_path, 2)]
    done = prodsys("history", "provenance", "bands", *line)
    assert done.exit_code == 0, done.output
    return ROCrate(folder)


def ids(value: Any) -> set[str]:
    return {one.id for one in (value if isinstance(value, list) else [value])}


def test_it_has_what_ro_crate_and_its_profiles_of_runs_require(crate: ROCrate) -> None:
    root = crate.root_dataset
    assert all(root[name] for name in ("name", "description", "datePublished", "license"))
    profiles = {one for one in ids(root["conformsTo"]) if one.startswith("https://w3id.org/ro/wf")}
    assert {one.rpartition("wfrun/")[2] for one in profiles} == {
        "process/0.5",
        "workflow/0.5",
        "provenance/0.5",
    }
    assert all(crate.get(one)["version"] == "0.5" for one in profiles)
    held = crate.metadata.properties()["conformsTo"]
    assert {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"} in held
    context = json.loads((crate.source / "ro-crate-metadata.json").read_text())["@context"]
    assert "https://w3id.org/ro/terms/workflow-run/context" in context
    workflow = crate.mainEntity
    needed = {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"}
    assert needed == set(workflow.type)
    assert workflow["programmingLanguage"].type == "ComputerLanguage"
    for one in [*workflow["input"], *workflow["output"]]:
        assert one.type == "FormalParameter"
        assert one["additionalType"]
    mentioned = ids(root["mentions"])
    actions = crate.get_by_type("CreateAction")
    for action in actions:
        assert action["instrument"].type in ("SoftwareApplication", workflow.type)
        assert action["name"]
    assert [one.id for one in actions if one["instrument"] == workflow] == ["#run/bands/r1"]
    assert {"#run/bands/r1", "#organise/run/bands/r1"} <= mentioned
    for step in workflow["step"]:
        assert step.type == "HowToStep"
        assert step["workExample"] in workflow["hasPart"]
    controls = crate.get_by_type("ControlAction")
    assert {one["instrument"].type for one in controls} == {"HowToStep"}
    assert {each.type for one in controls for each in one["object"]} == {"CreateAction"}
    (organised,) = crate.get_by_type("OrganizeAction")
    assert organised["instrument"].type == "SoftwareApplication"
    assert ids(organised["object"]) == {one.id for one in controls}
    assert organised["result"].id == "#run/bands/r1"


def test_no_reference_leads_nowhere(crate: ROCrate) -> None:
    graph = json.loads((crate.source / "ro-crate-metadata.json").read_text())["@graph"]
    known = [one["@id"] for one in graph]
    assert len(known) == len(set(known))

    def named(value: Any) -> set[str]:
        if isinstance(value, list):
            return {name for one in value for name in named(one)}
        return {value["@id"]} if isinstance(value, dict) else set()

    outside = {
        name for one in graph for key, value in one.items() if key != "@id" for name in named(value)
    } - set(known)
    assert all(one.startswith(("http://schema.org/", "https://")) for one in outside), outside


def test_the_way_leads_from_a_file_over_job_step_and_software_to_the_commit(crate: ROCrate) -> None:
    file = crate.get("lfn:/sim/merge/00000002/merge_00000002.npz")
    assert (file.type, file["contentSize"], file["identifier"]) == ("File", "7", "adler32:ab12")
    (job,) = [one for one in crate.get_by_type("CreateAction") if file in one.get("result", [])]
    assert job.id == "#transformation/bands__r1__merge/task/2"
    software = job["instrument"]
    assert (software["name"], software["description"]) == ("join", "join --task @{JOB_ID}")
    (control,) = [one for one in crate.get_by_type("ControlAction") if job in one["object"]]
    assert control["instrument"]["name"] == "merge"
    transformation = crate.get("#transformation/bands__r1__merge")
    assert transformation in control["object"]
    assert ids(transformation["object"]) == {"#files/bands/r1/sim"}
    assert {one["name"]: one["value"] for one in transformation["additionalProperty"]}[
        "tasks.Done"
    ] == 2
    workflow = crate.mainEntity
    assert control["instrument"] in workflow["step"]
    assert (workflow["version"], workflow["identifier"]) == ("c0ffee", "sha256:d1")
    dataset = crate.get("lfn:/sim/datasets/bands%20r1")
    assert dataset.type == "Collection"
    assert file in dataset["hasPart"]
    assert dataset in crate.get("#run/bands/r1")["result"]


def test_a_run_says_who_when_how_and_with_what(crate: ROCrate) -> None:
    run = crate.get("#run/bands/r1")
    assert run["agent"]["name"] == "ana"
    assert (run["startTime"], run["endTime"]) == (BEGIN.isoformat(), LATER.isoformat())
    assert crate.get("#run/bands/r1").properties()["actionStatus"] == {
        "@id": "http://schema.org/CompletedActionStatus"
    }
    (value,) = [one for one in run["object"] if one.type == "PropertyValue"]
    assert (value["name"], value["value"]) == ("tasks", 3)
    assert value["exampleOfWork"]["additionalType"] == "Integer"
    (action,) = crate.get_by_type("UpdateAction")
    assert (action["agent"]["name"], action["description"]) == ("bob", "late")
    assert ids(action["object"]) == {"#transformation/bands__r1__merge"}


def test_what_was_run_and_what_came_of_it_are_inside(crate: ROCrate) -> None:
    folder = crate.source
    assert (folder / "production.yaml").read_text() == YAML
    assert json.loads((folder / "plan.json").read_text()) == {"steps": ["sim"]}
    assert DATASET in (folder / "summary.md").read_text()
    assert json.loads((folder / "summary.json").read_text())["rows"][0]["dataset"] == DATASET
    assert "entity" in json.loads((folder / "provenance.json").read_text())
    inside = {"production.yaml", "plan.json", "summary.md", "summary.json", "provenance.json"}
    assert inside < {one.id for one in crate.data_entities}
    assert {one.name for one in folder.iterdir()} == {*inside, "ro-crate-metadata.json"}


def test_the_same_records_give_the_same_crate(prodsys, ledger: None, tmp_path: Path) -> None:
    texts = set()
    for _ in range(2):
        folder = tmp_path / "again"
        line = ["--format", "ro-crate", "--output", folder]
        assert prodsys("history", "provenance", "bands", *line).exit_code == 0
        texts.add((folder / "ro-crate-metadata.json").read_text())
    assert len(texts) == 1


def test_a_folder_of_somebody_else_and_a_wrong_list_are_refused(
    prodsys, ledger: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*line: Any) -> tuple[int, str]:
        done = prodsys("history", "provenance", "bands", "--format", "ro-crate", *line)
        return done.exit_code, " ".join(done.stderr.split())

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("…")
    code, words = refused("--output", tmp_path / "mine")
    assert (code, "name a new folder" in words) == (2, True)
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["thesis.tex"]
    assert refused()[0] == 2
    other = written_list(tmp_path, 1, "/sim/datasets/other")
    code, words = refused("--output", tmp_path / "new", "--files", other)
    assert (code, "did not make" in words) == (2, True)
    other.write_text('{"name": "x"}')
    code, words = refused("--output", tmp_path / "new", "--files", other)
    assert (code, "is no list of files" in words) == (2, True)
    monkeypatch.setattr("dirac_prodsys.cli.history.crate.MOST_FILES", 2)
    code, words = refused("--output", tmp_path / "new", "--files", written_list(tmp_path, 3))
    assert (code, "3 files, and a crate names 2" in words) == (2, True)
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    code, words = refused("--output", tmp_path / "new")
    assert (code, "dirac-prodsys[provenance]" in words) == (3, True)
    assert not (tmp_path / "new").exists()
