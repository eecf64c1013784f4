# ruff: noqa: E501  a document on each line
"""``job: {type: cwl}``: the process, packed and pinned, its inputs and outputs, and the worker."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dirac_prodsys.communities.cwl.document import packing
from dirac_prodsys.core.grid.specs import JobSpec
from tests.unit.communities.cwl.cwl_files import TOOLS, only, planned, reading, refused

STEP = """\
version: 1
production: {name: p, vo: sim}
common: {se: A-SE, directory: "/sim/p/${{ run }}", metadata: {run: "${{ run }}", step: "${{ step }}"}}
steps:
  s:
    type: MCSimulation
    tasks: 2
    job: ATTRIBUTES
    output: {files: ["out_@{JOB_ID}.root"]}
"""
#: writes what cwltool would write: the inputs, as the one output
RUNNER = """\
#!{python}
import json, os, sys
process, inputs = sys.argv[-2:]
assert json.load(open(process))["class"] == "CommandLineTool"
os.makedirs("cwl-outputs", exist_ok=True)
with open("cwl-outputs/made", "w") as file:
    json.dump({{"inputs": json.load(open(inputs)), "arguments": sys.argv[1:-2]}}, file)
out = {{"class": "File", "path": os.path.abspath("cwl-outputs/made")}}
print(json.dumps({{"out": OUT}}))
"""


def step(job: str, others: dict[str, str] = TOOLS) -> JobSpec:
    """The body of a good job."""
    body = planned(STEP.replace("ATTRIBUTES", job), others).step("s").transformation.body
    assert isinstance(body, JobSpec)
    return body


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("{type: cwl}", "the job has no process"),
        ("{type: cwl, file: gone.cwl}", "no readable file 'gone.cwl'"),
        ("{type: cwl, file: make.cwl, digest: 'sha256:0'}", "the digest of make.cwl is sha256:"),
        ("{type: cwl, file: make.cwl, inputs: {m: 1}}", "make.cwl has no input 'm'"),
        ("{type: cwl, file: make.cwl, inputs: {n: many}}", "input 'n' is int: 'many' is none"),
        ("{type: cwl, file: one.cwl}", "input 'file' of one.cwl gets no value"),
        ("{type: cwl, file: one.cwl, inputs: {file: a.h5}}", "input 'file' is File: 'a.h5' is"),
        ("{type: cwl, file: make.cwl, inputs: {n: 'LFN:/sim/a'}}", "it takes no file"),
        ("{type: cwl, file: make.cwl, inputs: {n: '@{InputData}'}}", "takes no files of the task"),
        (
            "{type: cwl, file: two.cwl, inputs: {signal: '@{InputData}', background: '@{InputData}'}}",
            "two inputs take the files of the task",
        ),
        ("{type: cwl, file: make.cwl, inputs: {n: {each: []}}}", "each is a list of values"),
        ("{type: cwl, file: make.cwl, inputs: {name: '@{TASK}'}}", "nobody fills in @{TASK}"),
        ("{type: cwl, file: make.cwl, outputs: {o: a}}", "make.cwl has no output 'o'"),
        ("{type: cwl, file: make.cwl, outputs: {number: a}}", "and files are uploaded"),
        ("{type: cwl, file: make.cwl, outputs: {out: [a, b]}}", "is File, and has 2 names"),
        ("{type: cwl, file: make.cwl, runner: dirac-cwl-exec}", "dirac-cwl-exec is no program"),
        ("{type: cwl, file: make.cwl, packed: xyz}", "packed holds no process"),
        ("{type: cwl, file: make.cwl, sits: [A]}", "unknown key 'sits'"),
    ],
)
def test_what_does_not_fit_the_process_is_refused_once(job: str, words: str) -> None:
    error = only(refused(STEP.replace("ATTRIBUTES", job)))
    assert words in error.reason
    assert error.line == 8


def test_a_step_inside_that_gives_nothing_to_an_input_is_a_warning() -> None:
    """``cwltool`` refuses it, other runners do not: what is inside a job is the runner's."""
    inner = """\
cwlVersion: v1.2
class: Workflow
inputs: {f: File?}
outputs: {}
steps: {a: {run: one.cwl, in: {other: f}, out: [out]}}
"""
    found = reading(
        STEP.replace("ATTRIBUTES", "{type: cwl, file: inner.cwl}"), {**TOOLS, "inner.cwl": inner}
    )
    assert found.mistakes == ()
    (remark,) = [remark for remark in found.remarks if remark.code == "cwl-unfed"]
    assert "step 'a' of inner.cwl gives nothing to its input 'file'" in remark.reason


def test_a_digest_pins_the_process_and_all_that_it_names() -> None:
    body = step("{type: cwl, file: make.cwl}")
    digest = body.commands[0].arguments.split(" ")[4]
    pinned = f"{{type: cwl, file: make.cwl, digest: '{digest}'}}"
    assert step(pinned) == body
    changed = {
        **TOOLS,
        "make.cwl": TOOLS["make.cwl"].replace("baseCommand: make", "baseCommand: m"),
    }
    assert (
        "the digest of make.cwl is"
        in only(refused(STEP.replace("ATTRIBUTES", pinned), changed)).reason
    )


def test_words_and_comments_of_the_file_change_no_digest() -> None:
    changed = {**TOOLS, "make.cwl": "# a comment\n" + TOOLS["make.cwl"]}
    job = "{type: cwl, file: make.cwl}"
    assert step(job, changed) == step(job)


def test_what_is_packed_is_bounded() -> None:
    process = {"a": "x" * (packing.MOST_BYTES + 1)}
    with pytest.raises(ValueError, match="too long"):
        packing.unpack(packing.pack(process))
    for broken in ("", "not base64!", packing.pack({"a": 1})[:-8]):
        with pytest.raises(ValueError):
            packing.unpack(broken)


def run(
    body: JobSpec, folder: Path, task: int, lfns: str = "@{InputData}", out: str = "out"
) -> subprocess.CompletedProcess[str]:
    """Run the job's command as DIRAC does, with a runner that shows what it gets."""
    runner = folder / "runner"
    runner.write_text(RUNNER.format(python=sys.executable).replace("OUT", out))
    runner.chmod(0o755)
    (command,) = body.commands
    line = command.arguments.replace("@{JOB_ID}", f"{task:08d}")
    line = line.replace("@{PRODUCTION_ID}", "00000012").replace("@{InputData}", lfns)
    return subprocess.run(
        [sys.executable if command.executable == "python3" else "bash", *shlex.split(line)],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


JOB = (
    "{type: cwl, file: make.cwl, runner: runner, inputs: {n: INPUT, name: 't@{JOB_ID}'}, "
    "outputs: {out: 'out_@{JOB_ID}.root'}}"
)


@pytest.mark.parametrize(
    ("given", "task", "number"),
    [("5", 1, 5), ("'@{JOB_ID}'", 7, 7), ("{each: [3, 4]}", 2, 4), ("{each: [3, 4]}", 3, 3)],
)
def test_the_worker_gives_each_task_its_values(
    tmp_path: Path, given: str, task: int, number: int
) -> None:
    done = run(step(JOB.replace("INPUT", given)), tmp_path, task)
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / f"out_{task:08d}.root").read_text())
    assert made["inputs"] == {"n": number, "name": f"t{task:08d}"}


@pytest.mark.parametrize("tool", ["one", "many"])
def test_the_worker_gives_the_files_of_the_task(tmp_path: Path, tool: str) -> None:
    port = {"one": "file", "many": "files"}[tool]
    text = STEP.replace("MCSimulation\n    tasks: 2", "Merging\n    input: {where: {a: b}}")
    job = f"{{type: cwl, file: {tool}.cwl, runner: runner, inputs: {{{port}: '@{{InputData}}'}}, outputs: {{out: 'out_@{{JOB_ID}}.root'}}}}"
    body = planned(text.replace("ATTRIBUTES", job)).step("s").transformation.body
    assert isinstance(body, JobSpec)
    (tmp_path / "a.h5").touch()
    done = run(body, tmp_path, 1, "/sim/x/a.h5")
    assert done.returncode == 0, done.stderr
    file = {"class": "File", "path": str(tmp_path / "a.h5")}
    made = json.loads((tmp_path / "out_00000001.root").read_text())["inputs"]
    assert made == {port: file if tool == "one" else [file]}
    gone = run(body, tmp_path, 1, "/sim/x/gone.h5")
    assert (gone.returncode, gone.stderr) == (
        1,
        "the CWL job failed: gone.h5 is not in the working directory\n",
    )


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("None", "output out is 0 files, and one is uploaded"),
        ("[out, out]", "output out is 2 files, and one is uploaded"),
        ("sys.exit(print('{no json'))", "runner named no outputs"),
        ("sys.exit(4)", "runner ended with 4"),
    ],
)
def test_a_job_that_leaves_no_file_fails_and_says_why(tmp_path: Path, out: str, words: str) -> None:
    done = run(step(JOB.replace("INPUT", "1")), tmp_path, 1, out=out)
    assert done.returncode == 1
    assert words in done.stderr


def test_the_worker_uploads_the_files_of_a_list_in_order(tmp_path: Path) -> None:
    listed = TOOLS["make.cwl"].replace("out: {type: File,", 'out: {type: "File[]",')
    job = "{type: cwl, file: make.cwl, runner: runner, outputs: {out: [a, b]}}"
    body = step(job, {**TOOLS, "make.cwl": listed})
    second = "dict(out, path=__import__('shutil').copy(out['path'], os.path.abspath('second')))"
    done = run(body, tmp_path, 1, out=f"[out, {second}]")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a").is_file()
    assert (tmp_path / "b").read_text() == (tmp_path / "a").read_text()
    few = run(body, tmp_path, 1, out="[out]")
    assert "output out is 1 files, and 2 are uploaded" in few.stderr


#: draws boxes round the outputs, as dirac-cwl-run does
BOXES = """\
#!{python}
import json, os, sys
process, inputs = sys.argv[-2:]
assert sys.argv[1:-2] == ["--outdir", "cwl-outputs", "--preserve-entire-environment"], sys.argv
assert "DockerRequirement" not in open(process).read()
open("cwl-outputs/made", "w").write("made")
out = {{"class": "File", "path": os.path.abspath("cwl-outputs/made")}}
print("╭──╮ {{starts}}", json.dumps({{"out": out}}, indent=4), "╭──╮ ✅ {{ends}}", sep="\\n")
"""


def test_the_runner_of_dirac_cwl_is_another_one(tmp_path: Path) -> None:
    image = "hints: {DockerRequirement: {dockerPull: 'debian:12'}}\ninputs:"
    others = {**TOOLS, "make.cwl": TOOLS["make.cwl"].replace("inputs:", image, 1)}
    runner = tmp_path / "dirac-cwl-run"
    runner.write_text(BOXES.format(python=sys.executable))
    runner.chmod(0o755)
    job = f"{{type: cwl, file: make.cwl, runner: {runner}, outputs: {{out: a}}}}"
    done = run(step(job, others), tmp_path, 1)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a").read_text() == "made"
    needed = others["make.cwl"].replace("hints:", "requirements:")
    done = run(step(job, {**TOOLS, "make.cwl": needed}), tmp_path, 1)
    assert "dirac-cwl-run runs no containers by apptainer" in done.stderr


def test_software_is_sourced_before_the_runner(tmp_path: Path) -> None:
    (tmp_path / "setup.sh").write_text("export GREETING=hello\n")
    job = JOB.replace("INPUT", "1").replace(
        "runner: runner", f"runner: runner, software: [{tmp_path}/setup.sh]"
    )
    body = step(job)
    assert body.commands[0].executable == "bash"
    done = run(body, tmp_path, 1)
    assert done.returncode == 0, done.stderr


def test_images_come_from_the_site() -> None:
    from dirac_prodsys.communities.cwl.job.worker import with_containers

    process = {"hints": {"DockerRequirement": {"dockerPull": "debian:12"}}}
    made, options = with_containers(process, "/cvmfs/images")
    assert made == {"hints": {"DockerRequirement": {"dockerImageId": "/cvmfs/images/debian:12"}}}
    assert options == ["--singularity", "--disable-pull"]
    assert with_containers({"hints": {"DockerRequirement": {}}}, "")[1] == ["--no-container"]
    assert with_containers({"requirements": [{"class": "DockerRequirement"}]}, "")[1] == [
        "--singularity"
    ]
