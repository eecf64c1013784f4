"""``dirac-prodsys status`` shows what the grid says; here the in-memory grid."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dirac_prodsys.cli.status import look
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.reports.ledger.records import CountsRecord, StepRecord
from dirac_prodsys.core.reports.meant import Filters
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.ledger.store import Ledger

STEPS = ("simulate", "merge", "index")
FOREIGN = {
    "name": "somebody-elses",
    "type": "Merging",
    "group": "General",
    "description": "theirs",
    "body": JobSpec(name="x", job_type="User", commands=(Command(executable="merge"),)),
}


def fill(grid, file, run_id, state=""):
    """Make what the DAG's run of this ID makes."""
    gateway = MemoryGateway(grid)
    production = load_production(file.read_text(), str(file))
    for step in compile_plan(production, run=run_tag(run_id)).steps:
        record = gateway.create_transformation(step.transformation)
        if state:
            grid.transformations[record.id].row["Status"] = state


@pytest.fixture
def grid(good, tmp_path):
    """A grid that holds run r1 of the good production."""
    name = f"status-{tmp_path.name}"
    grid = memory.register(name, MemoryGrid())
    fill(grid, good, "r1")
    yield grid
    memory.forget(name)


@pytest.fixture
def options(grid, tmp_path):
    return ["--backend", "memory", "--config", f"status-{tmp_path.name}"]


def test_a_run_of_a_file_shows_all_its_transformations_in_order(prodsys, good, options):
    result = prodsys("status", "--file", good, "--run", "r1", "--json", *options)
    assert result.exit_code == 0
    rows = json.loads(result.stdout)["transformations"]
    assert [row["name"] for row in rows] == [
        "good__r1__simulate",
        "good__r1__merge",
        "good__r1__index",
    ]
    assert {row["status"] for row in rows} == {"New"}


def test_a_name_is_shown_as_a_table(prodsys, options):
    result = prodsys("status", "good__r1__merge", *options)
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["production", "good,", "run", "r1"],
        ["Step", "ID", "Type", "Status", "Tasks", "Files"],
        ["merge", "2", "Merging", "New", "-", "-"],
    ]


def test_an_unknown_name_is_exit_code_3_and_shows_nothing(prodsys, options):
    result = prodsys("status", "good__r1__merge", "good__r2__merge", *options)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "good__r2__merge" in result.stderr


def test_a_gateway_that_does_not_exist_is_exit_code_3(prodsys):
    result = prodsys("status", "any", "--backend", "nosuch")
    assert result.exit_code == 3
    assert "nosuch" in result.stderr


def test_a_production_shows_its_runs_that_are_not_over(prodsys, good, grid, options):
    fill(grid, good, "r2", "Completed")
    shown = prodsys("status", "good", *options)
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [
        "production",
        "Step",
        "simulate",
        "merge",
        "index",
    ]
    assert "production good, run r1" in shown.stdout
    assert "1 runs that are over are not shown: --run '*' shows all" in shown.stderr
    every = prodsys("status", "good", "--run", "*", *options)
    assert every.stdout.splitlines()[:2][0] == "production good"
    assert every.stdout.splitlines()[1].split()[:3] == ["Step", "Run", "ID"]
    assert [line.split()[1] for line in every.stdout.splitlines()[2:]] == ["r2"] * 3 + ["r1"] * 3


def test_several_productions_are_distinguished(prodsys, good, grid, options):
    other = good.parent / "other.yaml"
    other.write_text(good.read_text().replace("name: good", "name: other"))
    fill(grid, other, "r1")
    shown = prodsys("status", "*o*", "--step", "m*", *options).stdout.splitlines()
    assert [line.split()[:3] for line in shown] == [
        ["Step", "Run", "Production"],
        ["merge", "r1", "good"],
        ["merge", "r1", "other"],
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["good__*__merge"],
        ["good/merge"],
        ["good", "--step", "merge"],
        ["good__r1/merge"],
        ["good__r1__merge", "--run", "r1"],
    ],
)
def test_a_step_is_named_in_many_ways(prodsys, options, words):
    rows = json.loads(prodsys("status", *words, "--json", *options).stdout)["transformations"]
    assert [(row["production"], row["run"], row["step"]) for row in rows] == [
        ("good", "r1", "merge")
    ]


def test_nothing_is_cut_however_long(prodsys, good, grid, options):
    step = f"simulate-{'x' * 90}"
    long = good.parent / "long.yaml"
    long.write_text(good.read_text().replace("simulate", step).replace("name: good", "name: long"))
    fill(grid, long, "manual__2026-11-29T10:00:00.123456+00:00")
    assert step in prodsys("status", "long", *options).stdout


def test_what_we_did_not_create_is_shown_by_its_full_name(prodsys, grid, options):
    gateway = MemoryGateway(grid)
    gateway.create_transformation(TransformationSpec(**FOREIGN))
    shown = prodsys("status", "somebody-elses", "good/merge", *options)
    assert [line.split()[:3] for line in shown.stdout.splitlines()] == [
        ["Step", "Run", "Production"],
        ["somebody-elses", "-", "-"],
        ["merge", "r1", "good"],
    ]


def test_steps_of_a_file_that_are_not_created_yet_are_reported(prodsys, good, grid, options):
    MemoryGateway(grid).delete_transformation(3)
    shown = prodsys("status", "--file", good, "--run", "r1", *options)
    assert shown.exit_code == 0
    assert "not made: index" in shown.stderr
    assert prodsys("status", "--file", good, "--run", "r9", *options).exit_code == 3


def test_an_unknown_name_is_refused_with_a_hint(prodsys, options):
    for words in (["goof"], ["good", "--run", "r9"], ["good/none"], ["goof*"], ["goof__*"]):
        result = prodsys("status", *words, *options)
        assert (result.exit_code, result.stdout) == (3, ""), words
        assert "hint:" in result.stderr


def test_the_number_of_calls_does_not_grow_with_the_names(good, grid):
    for number in range(2, 12):
        fill(grid, good, f"r{number}")
    gateway = MemoryGateway(grid)
    seen = look(gateway, ["good", "good__*__merge", "good/index"], None, Filters())
    assert len(seen.rows) == 33
    assert gateway.services.calls.total() == 4


def test_a_file_needs_a_run(prodsys, good):
    result = prodsys("status", "--file", good)
    assert result.exit_code == 2
    assert "--run" in result.stderr


def test_without_a_name_all_productions_are_shown_a_line_a_run(prodsys, good, grid, options):
    other = good.parent / "other.yaml"
    other.write_text(good.read_text().replace("name: good", "name: other"))
    fill(grid, other, "r5")
    MemoryGateway(grid).ensure_tasks(1, 3)
    grid.transformations[4].row["Status"] = "Completed"
    shown = prodsys("status", *options)
    assert shown.exit_code == 0, shown.output
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["Production", "Run", "State", "Steps", "Tasks", "Files"],
        ["good", "r1", "Active", "0/3", "Created", "3", "-"],
        ["other", "r5", "Active", "1/3", "-", "-"],
    ]
    data = json.loads(prodsys("status", "--json", *options).stdout)
    assert [(run["production"], run["done"], run["steps"]) for run in data["runs"]] == [
        ("good", 0, 3),
        ("other", 1, 3),
    ]
    assert data["runs"][0]["progress"]["tasks"] == {"done": 0, "total": 3}
    assert len(data["transformations"]) == 6


def test_a_grid_without_productions_says_so(prodsys, tmp_path):
    memory.register(f"empty-{tmp_path.name}", MemoryGrid())
    shown = prodsys("status", "--backend", "memory", "--config", f"empty-{tmp_path.name}")
    memory.forget(f"empty-{tmp_path.name}")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "no run of any production" in shown.stderr


@pytest.fixture
def ledger(good, grid, tmp_path):
    """A ledger that saw ten tasks an hour done, of the first step of run r1; 100 are wanted."""
    grid.transformations[1].row["Status"] = "Active"
    url = f"sqlite:///{tmp_path}/ledger.db"
    book, begin = Ledger.at(url), datetime.now(UTC) - timedelta(hours=4)
    place = {"vo": "sim", "production": "good", "run": "r1", "step": "simulate"}
    place |= {"transformation": 1, "name": "good__r1__simulate"}
    hours = [begin + timedelta(hours=hour) for hour in range(4)]
    book.write([StepRecord(at=begin, tasks=100, events_per_file=50, **place)])
    for hour, at in enumerate(hours):
        book.write([CountsRecord(at=at, status="Active", tasks={"Done": 10 * hour}, **place)])
    book.close()
    snapshot = MemoryGateway.snapshot

    def forty_done(self, ids, **given):
        found = snapshot(self, ids, **given)
        return {n: replace(one, tasks={"Done": 40}) if n == 1 else one for n, one in found.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryGateway, "snapshot", forty_done)
        yield url


def test_where_there_is_a_ledger_it_says_when_each_is_done(prodsys, options, ledger):
    shown = prodsys("status", "good", "--ledger", ledger, *options)
    assert shown.exit_code == 0, shown.output
    head, first, second, _ = [line.split() for line in shown.stdout.splitlines()[1:]]
    assert head[-3:] == ["Per", "hour", "Done"]
    assert first[-9:-5] == ["10", "in", "6", "h"]  # 60 are left
    assert " ".join(second).endswith("not known: how much there is to do is not known")
    runs = prodsys("status", "--ledger", ledger, *options).stdout
    assert "not before " in runs
    assert "merge: how much there is to do is not known" in runs
    data = json.loads(prodsys("status", "good", "--ledger", ledger, "--json", *options).stdout)
    progress = data["transformations"][0]["progress"]
    assert progress["tasks"] == {"done": 40, "total": 100}
    assert progress["events"] == {"done": 2000, "total": 5000}
    assert progress["fraction"] == 0.4
    left = datetime.fromisoformat(progress["forecast"]["expected"]) - datetime.now(UTC)
    assert timedelta(hours=5.9) < left < timedelta(hours=6.1)
    assert progress["forecast"]["earliest"] < progress["forecast"]["latest"]


def test_a_ledger_that_cannot_be_read_is_no_reason_to_show_nothing(prodsys, options, tmp_path):
    shown = prodsys("status", "good", "--ledger", f"sqlite:///{tmp_path}/none.db", *options)
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) == 5
    assert "without estimates from the ledger: there is no ledger at" in shown.stderr


def kept_in_ledger(data_home, grid) -> str:
    """A ledger that saw run r1 of the good production: two files each, and completed."""
    (data_home / "dirac_prodsys").mkdir()
    url = f"sqlite:///{data_home}/dirac_prodsys/ledger.db"
    ledger = Ledger.at(url)
    for number, one in grid.transformations.items():
        name = one.row["TransformationName"]
        production, run, step = name.split("__")
        place = {"vo": "sim", "production": production, "run": run, "step": step}
        place |= {"transformation": number, "name": name}
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number)
        counts = {"files": {"Processed": 2}, "tasks": {"Done": 2}}
        ledger.write(
            [
                StepRecord(at=at, type=one.row["Type"], **place),
                CountsRecord(at=at, status="Active", final=True, **counts, **place),
            ]
        )
    ledger.close()
    return url


def test_counts_of_what_is_archived_come_from_the_ledger(prodsys, data_home, grid, options):
    kept_in_ledger(data_home, grid)
    for one in grid.transformations.values():
        one.row["Status"] = "Archived"
    shown = prodsys("status", "good", "--json", *options)
    rows = json.loads(shown.stdout)["transformations"]
    assert {row["status"] for row in rows} == {"Archived"}
    assert [row["files"] for row in rows] == [{"Processed": 2}] * 3
    assert "counts of 3 that are Archived are those of the ledger" in shown.stderr


def test_what_the_grid_no_longer_has_comes_from_the_ledger(prodsys, data_home, grid, options):
    url = kept_in_ledger(data_home, grid)
    grid.transformations.clear()
    for words in (["good"], ["good/merge", "good__r1__index", "good__*__simulate"]):
        shown = prodsys("status", *words, "--json", *options)
        assert shown.exit_code == 0, shown.stderr
        rows = json.loads(shown.stdout)["transformations"]
        assert {row["name"] for row in rows} == {f"good__r1__{s}" for s in STEPS}
        assert {(row["status"], row["tasks"]["Done"]) for row in rows} == {("Completed", 2)}
        assert "the grid has forgotten it" in shown.stderr
    refused = prodsys("status", "good", "other", *options)
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert prodsys("status", "good", "--ledger", f"{url}.none", *options).exit_code == 3
