"""``lint --live`` on a real DIRAC, and the algebra of queries against the real file catalogue."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery
from sandbox import Grid
from tests.contract.systems import OnDirac, unique
from tests.patience import patience

ROOT = Path(__file__).parents[2]
PRODUCTION = """\
version: 1
production: {name: NAME, vo: sim}
steps:
  simulate:
    type: MCSimulation
    tasks: 4
    job: {type: script, executable: simulate, sites: [SIM.SiteA.org]}
    output:
      directory: /sim/lint/NAME/${{ run }}/simulate
      se: DISK-A-SE
      metadata: {production: NAME, run: "${{ run }}", step: simulate, data_level: 0}
      files: ["events_@{JOB_ID}.dat"]
  merge:
    type: Merging
    group_size: 2
    input: {from: simulate, where: {nsb: {"<": 5}}}
    job: {type: script, executable: merge}
    output:
      directory: /sim/lint/NAME/${{ run }}/merge
      se: DISK-B-SE
      metadata: {production: NAME, run: "${{ run }}", step: merge, data_level: 1}
      files: ["merged_@{JOB_ID}.dat"]
    dataset: {name: "/sim/datasets/NAME_${{ run }}"}
"""


def lint(grid: Grid, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, with the environment of a production manager."""
    code = "from dirac_prodsys.cli.main import app; app()"
    return subprocess.run(
        [sys.executable, "-c", code, "lint", "--live", "--format", "json", *options, str(file)],
        env={**grid.env(group="sim_prod"), "PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "production.yaml"
    path.write_text(PRODUCTION.replace("NAME", unique("lint")))
    return path


def diff(grid: Grid, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What a run of the file meets on the grid."""
    code = "from dirac_prodsys.cli.main import app; app()"
    return subprocess.run(
        [sys.executable, "-c", code, "diff", str(file), "--live", "--run", "r1", *options],
        env={**grid.env(group="sim_prod"), "PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )


def found(run: subprocess.CompletedProcess[str]) -> list[tuple[str, int]]:
    """Code and line of each finding."""
    return [(f["code"], f["line"]) for f in json.loads(run.stdout)["findings"]]


def test_a_production_that_the_grid_can_take_has_no_error(light_grid: Grid, file: Path) -> None:
    run = lint(light_grid, file)
    assert run.returncode == 0, run.stdout + run.stderr
    assert found(run) == [("undeclared-field", 16)]  # which jobs set on each file


def test_what_the_grid_lacks_is_reported_at_its_place(light_grid: Grid, file: Path) -> None:
    text = file.read_text().replace("se: DISK-B-SE", "se: DISK-C-SE")
    text = text.replace("SIM.SiteA.org", "SIM.SiteC.org").replace("data_level: 1", "data_level: x")
    file.write_text(text.replace("step: simulate", "step: simulate, colour: red"))
    run = lint(light_grid, file)
    assert run.returncode == 2, run.stdout + run.stderr
    assert {code: line for code, line in found(run) if code != "undeclared-field"} == {
        "unknown-site": 7,
        "unknown-field": 11,
        "mixed-types": 21,
        "field-type": 21,
        "unknown-se": 20,
    }


def test_a_grid_that_does_not_answer_is_reported(
    light_grid: Grid, file: Path, tmp_path: Path
) -> None:
    config = tmp_path / "dead.cfg"
    config.write_text(
        "Systems\n{\n  DataManagement\n  {\n    URLs\n    {\n"
        "      FileCatalog = dips://localhost:9/DataManagement/FileCatalog\n    }\n  }\n}\n"
    )
    ca_dir = light_grid.env(group="sim_prod").get("X509_CERT_DIR", "")
    assert ca_dir
    run = lint(light_grid, file, "--config", str(config), "--timeout", "10")
    assert run.returncode == 3, run.stdout + run.stderr
    assert [code for code, _ in found(run)] == ["undeclared-field"]
    assert "the grid could not be asked: DataManagement/FileCatalog.getMetadataFields" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_run_meets_what_its_first_try_made_and_what_differs_by_now(
    light_grid: Grid, file: Path
) -> None:
    gateway = OnDirac(light_grid).gateway()
    file.write_text(file.read_text().replace(', where: {nsb: {"<": 5}}', ""))
    plan = compile(load_production(file.read_text(), file.name), run="r1")
    before = diff(light_grid, file)
    assert before.returncode == 1, before.stdout + before.stderr
    assert [line[0] for line in before.stdout.splitlines()] == ["+", "+", "+"]
    ids = [gateway.create_transformation(step.transformation).id for step in plan.steps]
    gateway.start_transformation(ids[0])
    file.write_text(file.read_text().replace("group_size: 2", "group_size: 3"))
    after = diff(light_grid, file)
    lines = after.stdout.splitlines()
    assert f"= simulate: transformation there already, and adopted: ID {ids[0]}, Active" in lines[0]
    assert lines[1:3] == [
        f"! merge: transformation there already, and another: ID {ids[1]}, New",
        "    group size: asked 3, found 2",
    ]
    assert [line[0] for line in lines[3:]] == ["+"]
    meetings = json.loads(diff(light_grid, file, "--json").stdout)["meetings"]
    assert [one["state"] for one in meetings] == ["equal", "conflict", "new"]
    assert found(lint(light_grid, file, "--run", "r1")) == [
        ("name-taken", 4),
        ("name-conflict", 13),
    ]


#: values that files have: all that conditions name, one between each two, one beyond each end; the
#: database keeps another number than 52.374, and equates text of other case and accents
NUMBERS: list[Any] = [None, -1.0, 0.0, 0.5, 52.374, 60.0]
TEXTS: list[Any] = [None, "!", "A", "ab", "É", "f"]


def conditions(low: Any, high: Any) -> list[Any]:
    """Conditions of every kind that name two values."""
    return [
        low,
        [low, high],
        {"!=": low},
        {"nin": [low, high]},
        {"<": low},
        {"<=": low},
        {">": low},
        {">=": high},
        {">": low, "<": high},
        {">=": low, "<=": high},
        {">": low, "!=": high},
        "Any",
        "Missing",
    ]


def test_the_algebra_says_what_the_catalogue_answers(light_grid: Grid) -> None:
    system = OnDirac(light_grid)
    gateway = system.gateway()
    mark = unique()
    directories = []
    for (i, theta), (j, particle) in product(enumerate(NUMBERS), enumerate(TEXTS)):
        own = {"thetaP": theta, "particle": particle}
        metadata = {"run": mark, **{name: v for name, v in own.items() if v is not None}}
        directories.append(DirectorySpec(path=f"/sim/algebra/{mark}/{i}{j}", metadata=metadata))
    gateway.prepare_directories(directories)
    for directory in directories:
        system.register(f"{directory.path}/file", {})

    def answer(query: MetaQuery) -> set[str]:
        return set(gateway.find_files(query))

    on_theta, on_particle = conditions(0, 52.374), conditions("a", "e")
    chance = random.Random(20)  # noqa: S311  the same pairs every time
    singles = [{"thetaP": form} for form in on_theta] + [{"particle": f} for f in on_particle]
    mixed = [
        {"thetaP": chance.choice(on_theta), "particle": chance.choice(on_particle)}
        for _ in range(14)
    ]
    queries = [MetaQuery.parse({"run": mark, **form}) for form in (*singles, *mixed)]
    answers = {query: answer(query) for query in queries}
    for query, files in answers.items():
        expected = {f"{d.path}/file" for d in directories if query.matches(d.metadata)}
        assert files == expected, query
    for a, b in product(queries, repeat=2):
        assert a.intersects(b) == bool(answers[a] & answers[b]), (a, b)
        assert a.subsumes(b) == (answers[a] >= answers[b]), (a, b)
    for a, b in chance.sample(list(product(queries, repeat=2)), 60):
        try:
            both = a.refine(b)
        except EmptyIntersection:
            continue
        assert answer(both) == answers[a] & answers[b], (a, b)
