"""Bodies: the same bytes everywhere, and what DIRAC's own workflow makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dirac_prodsys.core.grid.specs import (
    Command,
    JobSpec,
    OutputFile,
    RequestOperation,
    RequestSpec,
)
from dirac_prodsys.core.job_types import JobContext
from dirac_prodsys.core.job_types.script import Script
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.bodies import render
from tests.unit.gateway.bodies.running import run

REPOSITORY = Path(__file__).resolve().parents[4]
FULL = JobSpec(
    name="full",
    job_type="Merging",
    commands=(
        Command(executable="merge", arguments="--task @{JOB_ID} --format %n 'a b'"),
        Command(executable="/opt/check.py"),
    ),
    outputs=(OutputFile(name="out_@{JOB_ID}.npz", directory="/sim/a/", se="DISK-A-SE"),),
    environment={"B": "2", "A": "x y"},
    input_data_policy="Protocol",
    cpu_time=600,
    processors=2,
    priority=3,
    sites=("SIM.B.org", "SIM.A.org"),
    tags=("GPU", "Big"),
    platform="x86_64",
)


def parameters(xml: str) -> dict[str, str]:
    """Workflow parameters, read by DIRAC's own reader."""
    from DIRAC.Core.Workflow.Workflow import fromXMLString

    return {p.getName(): p.getValue() for p in fromXMLString(xml).parameters}


def test_every_resource_reaches_the_workflow() -> None:
    found = parameters(render(FULL))
    for name, value in {
        "JobName": "full",
        "JobType": "Merging",
        "CPUTime": "600",
        "Priority": "3",
        "NumberOfProcessors": "2",
        "Site": "SIM.A.org;SIM.B.org",
        "Tags": "Big;GPU",
        "Platform": "x86_64",
        "ExecutionEnvironment": "A=x%20y;B=2",
        "InputDataPolicy": "DIRAC.WorkloadManagementSystem.Client.InputDataByProtocol",
        "JobGroup": "",
    }.items():
        assert str(found[name]) == value, name


def test_what_is_not_asked_for_is_not_there() -> None:
    plain = JobSpec(name="x", job_type="y", commands=(Command(executable="z"),))
    found = parameters(render(plain))
    assert not {"Site", "Tags", "Platform", "ExecutionEnvironment"} & set(found)


def test_the_same_spec_gives_the_same_bytes_in_another_process_and_folder(tmp_path: Path) -> None:
    code = """
        import sys
        from dirac_prodsys.core.grid.specs import JobSpec
        from dirac_prodsys.gateway.bodies import render
        sys.stdout.write(render(JobSpec.model_validate_json(sys.stdin.read())))
    """
    (tmp_path / "merge").write_text("a file of that name here must not get into the sandbox")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        input=FULL.model_dump_json(),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY / "plugins"),
            "PYTHONHASHSEED": "12345",
            "TZ": "Asia/Tokyo",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == render(FULL)


def test_task_and_production_numbers_are_filled_in_and_percent_signs_survive(
    tmp_path: Path,
) -> None:
    body = JobSpec(
        name="x",
        job_type="y",
        commands=(
            Command(
                executable="/bin/sh",
                arguments="-c 'echo @{PRODUCTION_ID} %n 100% > made_@{JOB_ID}.txt'",
            ),
        ),
    )
    done = run(body, tmp_path)
    assert "RESULT True" in done.stdout, done.stdout
    assert (tmp_path / "made_00000007.txt").read_text() == "00000003 %n 100%\n"


def test_software_is_set_up_before_the_program_which_gets_its_arguments_as_they_are(
    tmp_path: Path,
) -> None:
    for name, word in (("one", "first"), ("two", "$WORD second")):
        (tmp_path / f"{name}.sh").write_text(f'export WORD="{word}"\n')
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$WORD" "$#" "$@" > made\n')
    program.chmod(0o755)
    script = Script(
        type="script",
        executable="program",
        arguments="--task @{JOB_ID} 'two words' --cost 5$ %n",
        software=(f"{tmp_path}/one.sh", f"{tmp_path}/two.sh"),
    )
    body = script.body(JobContext("x", "y", ()))
    done = run(body, tmp_path)
    assert "RESULT True" in done.stdout, done.stdout
    words = "first second 6 --task 00000007 two words --cost 5$ %n\n"
    assert (tmp_path / "made").read_text() == words


def test_a_setup_that_fails_fails_the_job(tmp_path: Path) -> None:
    script = Script(type="script", executable="true", software=("/no/such/setup.sh",))
    done = run(script.body(JobContext("x", "y", ())), tmp_path)
    assert "RESULT False" in done.stdout, done.stdout


def test_files_of_the_sandbox_reach_the_workflow() -> None:
    body = FULL.model_copy(update={"sandbox": ("LFN:/sim/a.cfg", "LFN:/sim/b.py")})
    assert parameters(render(body))["InputSandbox"] == "LFN:/sim/a.cfg;LFN:/sim/b.py"
    assert "InputSandbox" not in parameters(render(FULL))


def test_a_file_here_with_the_name_of_the_program_is_none_of_the_job_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "merge").write_text("mine")
    body = JobSpec(name="x", job_type="y", commands=(Command(executable="merge"),))
    assert "InputSandbox" not in parameters(render(body))


def test_a_text_that_would_break_the_workflow_is_refused() -> None:
    body = JobSpec(
        name="x", job_type="y", commands=(Command(executable="echo", arguments="a]]>b"),)
    )
    with pytest.raises(GatewayRejected, match="]]>"):
        render(body)


def test_a_request_is_the_list_of_its_operations() -> None:
    body = RequestSpec(
        operations=(
            RequestOperation(
                type="ReplicateAndRegister",
                attributes={"TargetSE": "TASK:TargetSE", "SourceSE": "DISK-A-SE"},
            ),
            RequestOperation(type="RemoveReplica", attributes={"TargetSE": "DISK-A-SE"}),
        )
    )
    assert render(body) == (
        '[["ReplicateAndRegister", {"SourceSE": "DISK-A-SE", "TargetSE": "TASK:TargetSE"}], '
        '["RemoveReplica", {"TargetSE": "DISK-A-SE"}]]'
    )


@pytest.mark.parametrize(
    "operations",
    [(), (RequestOperation(type="RemoveFile", attributes={"Colour": "red"}),)],
    ids=["none", "unknown attribute"],
)
def test_a_request_that_dirac_would_not_understand_is_refused(
    operations: tuple[RequestOperation, ...],
) -> None:
    with pytest.raises(GatewayRejected):
        render(RequestSpec(operations=operations))
