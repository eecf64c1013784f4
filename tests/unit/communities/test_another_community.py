"""The door for communities of other packages: one is installed, and nothing of ours is changed.

``tests/community_of_dice`` is such a package; it is installed into a folder as pip does it, and
fresh interpreters see it there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PACKAGE = REPOSITORY / "tests" / "community_of_dice"

CLI = "from dirac_prodsys.cli.main import app; app()"

#: plans a file and runs it in memory, where stand-ins leave the files
RUN = """
import json, sys
from pathlib import Path
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.rehearsal.fields import fields_of
from dirac_prodsys.core.rehearsal.stand_in import stand_in
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.gateway.bodies import render
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid

grid = MemoryGrid()
gateway = MemoryGateway(grid)
plan = compile(load_production(Path(sys.argv[1]).read_text(), sys.argv[1]), run="r1")
of_directories, of_files = fields_of([plan])
grid.catalogue.directory_fields |= of_directories
grid.catalogue.file_fields |= of_files
made_by = {}
for step in plan.steps:
    spec = step.transformation
    assert TransformationSpec.model_validate_json(spec.model_dump_json()) == spec
    made = gateway.create_transformation(stand_in(spec, "DISK-A-SE"))
    gateway.prepare_directories([directory.of(made.id) for directory in spec.directories])
    if spec.tasks:
        gateway.ensure_tasks(made.id, spec.tasks)
    gateway.start_transformation(made.id)
    made_by[step.name] = {"id": made.id, "body": render(spec.body)}
grid.advance(600)
for one in made_by.values():
    snapshot = gateway.snapshot([one.pop("id")])
    (state,) = snapshot.values()
    one |= {"tasks": dict(state.tasks), "files": dict(state.files)}
print(json.dumps(made_by))
"""

#: what a production of the native form loads of communities
LOADED = """
import json, sys
from dirac_prodsys.core.dialects import load_production
load_production(open(sys.argv[1]).read(), sys.argv[1])
from dirac_prodsys.core.community import _entry_points
read = _entry_points.cache_info().currsize
print(json.dumps([read, sorted(name for name in sys.modules if "dice" in name)]))
"""

NATIVE = """\
version: 1
production: {name: plain, vo: sim}
steps:
  simulate:
    type: MCSimulation
    tasks: 3
    job: {type: script, executable: simulate}
    output:
      directory: "/sim/${{ run }}/plain"
      se: DISK-A-SE
      metadata: {run: "${{ run }}"}
      files: ["a_@{JOB_ID}"]
"""

Program = Callable[..., subprocess.CompletedProcess[str]]


def program(site: Path) -> Program:
    """What runs code with arguments where the packages of a folder are installed, too."""

    def run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={"PYTHONPATH": f"{REPOSITORY / 'plugins'}:{site}", "HOME": str(site)},
            cwd=site,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def dice(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Runs code where the package is installed."""
    folder = tmp_path_factory.mktemp("dice")
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    pip += ["--no-build-isolation", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--target", str(folder / "site"), str(folder / "source")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return program(folder / "site")


def offered(site: Path, points: str) -> Program:
    """Runs code where a package is installed that offers communities so."""
    info = site / "bad_luck-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-luck\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[dirac_prodsys.communities]\n{points}\n")
    return program(site)


def findings(run: Program, file: Path) -> list[tuple[str, str]]:
    found = json.loads(run(CLI, "lint", file, "--format", "json").stdout)["findings"]
    return [(one["code"], one["message"]) for one in found]


def test_its_template_lints_clean_is_planned_runs_and_is_rendered(
    dice: Program, tmp_path: Path
) -> None:
    done = dice(CLI, "new", "luck", "--template", "dice", "--vo", "sim", "--folder", tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "luck.yaml"
    assert findings(dice, file) == []
    plan = dice(CLI, "plan", file).stdout
    assert "Dice's Throw" in plan
    assert "version = v1, sides = 6" in plan
    done = dice(RUN, file)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert json.loads(found["throw"]["body"]) == {
        "program": "dice-throw",
        "version": "v1",
        "sides": 6,
    }
    assert json.loads(found["count"]["body"])["outputs"] == "counts_@{JOB_ID}.json"
    assert found["throw"]["tasks"] == {"Done": 10}
    assert found["count"]["files"] == {"Processed": 10}
    assert found["count"]["tasks"] == {"Done": 2}


def test_its_form_is_read_and_mistakes_have_their_place(dice: Program, tmp_path: Path) -> None:
    file = tmp_path / "dice.yaml"
    file.write_text("dice:\n  name: luck\n  vo: sim\n  throws: 4\n  version: v2\n")
    assert findings(dice, file) == []
    assert json.loads(dice(RUN, file).stdout)["throw"]["tasks"] == {"Done": 4}
    file.write_text(file.read_text().replace("throws: 4", "throws: 0"))
    assert f"{file}:4:11" in dice(CLI, "lint", file).stdout


def test_what_only_its_rules_find_has_a_code_of_its_own(dice: Program, tmp_path: Path) -> None:
    dice(CLI, "new", "luck", "--template", "dice", "--vo", "sim", "--folder", tmp_path)
    file = tmp_path / "luck.yaml"
    text = file.read_text()
    file.write_text(text.replace("version: v1}  #", "version: v1, sides: 7}  #"))
    assert findings(dice, file) == [("dice-not-fair", "no fair die has 7 sides")]
    rules = json.loads(dice(CLI, "lint", file, "--format", "sarif").stdout)
    assert "dice-not-fair" in [one["id"] for one in rules["runs"][0]["tool"]["driver"]["rules"]]
    file.write_text(text.replace("dice:Count", "dice:Cuont"))
    assert findings(dice, file) == [("unknown-word", "unknown job type 'dice:Cuont'")]


def test_a_job_type_names_the_type_of_its_steps(dice: Program, tmp_path: Path) -> None:
    dice(CLI, "new", "luck", "--template", "dice", "--vo", "sim", "--folder", tmp_path)
    file = tmp_path / "luck.yaml"
    file.write_text(file.read_text().replace("    type: Merging\n", ""))
    assert findings(dice, file) == []
    assert json.loads(dice(RUN, file).stdout)["count"]["tasks"] == {"Done": 2}


def test_jobs_of_two_communities_that_derive_must_stand_apart(
    dice: Program, tmp_path: Path
) -> None:
    file = tmp_path / "both.yaml"
    file.write_text(
        "version: 1\nproduction: {name: both, vo: sim}\nsteps:\n"
        '  throw: {tasks: 1, job: {type: "dice:Throw", version: v1}}\n'
        '  merge: {input: {from: throw}, job: {type: "ctao:Merging", version: v1}}\n'
    )
    assert findings(dice, file) == [
        ("step-shape", "jobs of dice and of ctao cannot stand in one production: each derives")
    ]


def diagnoses(run: Program, *arguments: str | Path) -> dict[str, str]:
    """What doctor finds on the in-memory grid, by the code of the check."""
    done = run(CLI, "doctor", *arguments, "--backend", "memory", "--only", "grid", "--json")
    faults = json.loads(done.stdout)["diagnoses"]
    return {one["code"]: one["what"] for one in faults if one["outcome"] == "found"}


def test_doctor_makes_its_checks_and_knows_the_type_of_its_jobs(
    dice: Program, tmp_path: Path
) -> None:
    dice(CLI, "new", "luck", "--template", "dice", "--vo", "sim", "--folder", tmp_path)
    faults = diagnoses(dice, tmp_path / "luck.yaml")
    assert faults["dice-table"] == "there is no storage element TABLE-SE to throw dice on"
    assert "jobs of type DiceThrow (luck/throw) are refused" in faults["job-types"]


def test_checks_that_fail_are_reported_and_the_others_are_made(tmp_path: Path) -> None:
    site = tmp_path / "site"
    run = offered(site, "luck = bad_luck:COMMUNITY")
    (site / "bad_luck.py").write_text(
        "from dirac_prodsys.core.community import Community\n"
        "COMMUNITY = Community('luck', grid_checks='bad_luck:NOTHING')\n"
    )
    faults = diagnoses(run)
    assert "community luck offers bad_luck:NOTHING, which fails" in faults["luck-checks"]
    assert "gather-field" in faults


def test_the_schema_and_the_reference_of_keys_know_its_jobs(dice: Program) -> None:
    definitions = json.loads(dice(CLI, "schema").stdout)["$defs"]
    assert {"job_dice_Throw", "job_dice_Count"} <= definitions.keys()
    text = dice(CLI, "schema", "--format", "markdown").stdout
    assert "## job: dice:Throw" in text
    assert "Throws a die." in text


def test_a_production_without_it_neither_loads_nor_looks_for_it(
    dice: Program, tmp_path: Path
) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text(NATIVE)
    assert json.loads(dice(LOADED, file).stdout) == [0, []]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("luck = no_such_module:COMMUNITY", "package bad-luck offers the community 'luck', which"),
        ("luck = json:dumps", "and json:dumps is no community of that name"),
    ],
)
def test_one_that_fails_is_reported_where_it_is_needed_and_nowhere_else(
    tmp_path: Path, points: str, reason: str
) -> None:
    run = offered(tmp_path / "site", points)
    file = tmp_path / "plain.yaml"
    file.write_text(NATIVE)
    assert findings(run, file) == []
    assert run(CLI, "schema").returncode == 0
    file.write_text(NATIVE.replace("type: script, executable: simulate", 'type: "luck:Throw"'))
    done = run(CLI, "lint", file)
    assert done.returncode == 2
    assert f"{file}:7:17" in done.stdout
    assert "unknown job type 'luck:Throw'" in done.stdout
    assert reason in done.stdout


def test_a_form_whose_module_fails_is_a_mistake_of_its_file_alone(tmp_path: Path) -> None:
    site = tmp_path / "site"
    run = offered(site, "luck = bad_luck:COMMUNITY")
    (site / "bad_luck.py").write_text(
        "from dirac_prodsys.core.community import Community\n"
        "COMMUNITY = Community('luck', form_keys=('luck',), dialect='bad_luck:Form')\n"
    )
    (tmp_path / "luck.yaml").write_text("luck: {}\n")
    (tmp_path / "plain.yaml").write_text(NATIVE.replace("tasks", "tusks"))
    output = run(CLI, "lint", tmp_path / "luck.yaml", tmp_path / "plain.yaml").stdout
    assert "luck.yaml:1:1: error: community luck offers bad_luck:Form, which fails" in output
    assert "plain.yaml:6:5: error: unknown key 'tusks'" in output


def test_nobody_takes_the_place_of_a_community_that_is_built_in(tmp_path: Path) -> None:
    site = tmp_path / "site"
    run = offered(site, "ctao = bad_luck:COMMUNITY")
    (site / "bad_luck.py").write_text("raise SystemExit('loaded')")
    file = tmp_path / "mine.yaml"
    file.write_text(NATIVE.replace("type: script, executable: simulate", 'type: "ctao:Merging"'))
    done = run(CLI, "lint", file)
    assert "loaded" not in done.stdout + done.stderr
    assert "unknown job type" not in done.stdout
    assert "a Merging makes directories and metadata by itself" in done.stdout
