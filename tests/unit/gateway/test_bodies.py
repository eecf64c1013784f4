"""Bodies: the same bytes everywhere, and what DIRAC's own workflow makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dirac_prodsys.core.job_types import JobContext
from dirac_prodsys.core.job_types.script import Script
from dirac_prodsys.core.specs import (
    TRANSFORMATION_ID,
    Command,
    JobSpec,
    OutputFile,
    RequestOperation,
    RequestSpec,
)
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.bodies import render

REPOSITORY = Path(__file__).resolve().parents[3]

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


def run(body: JobSpec, folder: Path, task: int = 7) -> subprocess.CompletedProcess[str]:
    """Run a body as the workflow of a task, in a process of its own, as dirac-jobexec does."""
    code = """
        import os, sys, types
        from DIRAC.Core.Workflow.Parameter import Parameter
        from DIRAC.Core.Workflow.Workflow import fromXMLString

        class Catalogue:
            def __init__(self, **_):
                pass

            def isFile(self, lfn):
                uploads = open("uploads").read().split() if os.path.exists("uploads") else ()
                known = lfn in uploads and not os.path.exists("unregistered")
                return {"OK": True, "Value": {"Successful": {lfn: known}, "Failed": {}}}

            def getMetadataFields(self):
                if not os.path.exists("fields"):
                    return {"OK": False, "Message": "there is no catalogue here"}
                fields = dict.fromkeys(open("fields").read().split(), "int")
                return {"OK": True, "Value": {"FileMetaFields": fields, "DirectoryMetaFields": {}}}

            def getFileUserMetadata(self, lfn):
                return {"OK": True, "Value": {"TransformationID": 2} if "other" in lfn else {}}

            def setMetadata(self, lfn, metadata):
                if not os.path.exists("fields"):
                    return {"OK": False, "Message": "there is no catalogue here"}
                print(lfn, metadata, file=open("signed", "a"))
                return {"OK": True, "Value": None}

        for name in ("FileCatalog", "FileCatalogClient"):
            place = f"DIRAC.Resources.Catalog.{name}"
            sys.modules[place] = types.ModuleType(place)
            setattr(sys.modules[place], name, Catalogue)
        workflow = fromXMLString(sys.stdin.read())
        for name, value in (("PRODUCTION_ID", "00000003"), ("JOB_ID", sys.argv[1])):
            workflow.addParameter(Parameter(name, value, "string", "", "", True, False, ""))
        result = workflow.execute()
        print("RESULT", result["OK"], result.get("Errno"), result.get("Message"))
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), f"{task:08d}"],
        input=render(body),
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


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
        from dirac_prodsys.core.specs import JobSpec
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


def stand_in_for_upload(folder: Path, script: str) -> None:
    """What the job finds as ``dirac-dms-add-file``."""
    upload = folder / "dirac-dms-add-file"
    upload.write_text(script)
    upload.chmod(0o755)


def test_outputs_are_uploaded_after_the_commands(tmp_path: Path) -> None:
    stand_in_for_upload(tmp_path, '#!/bin/sh\necho "$@" >> uploads\n')
    body = JobSpec(
        name="x",
        job_type="y",
        commands=(Command(executable="/bin/sh", arguments="-c 'echo data > a_@{JOB_ID}'"),),
        outputs=(
            OutputFile(name="a_@{JOB_ID}", directory="/sim/d", se="DISK-A-SE"),
            OutputFile(name="b", directory="/sim/d", se="DISK-B-SE"),
        ),
    )
    done = run(body, tmp_path)
    assert "RESULT True" in done.stdout, done.stdout
    assert (tmp_path / "uploads").read_text().splitlines() == [
        "/sim/d/a_00000007 a_00000007 DISK-A-SE",
        "/sim/d/b b DISK-B-SE",
    ]
    assert "Not signed" in done.stdout  # there is no catalogue, which fails no job


def leaving(*names: str) -> JobSpec:
    outputs = tuple(OutputFile(name=name, directory="/sim/d", se="A-SE") for name in names)
    return JobSpec(
        name="x", job_type="y", commands=(Command(executable="/bin/true"),), outputs=outputs
    )


@pytest.mark.parametrize(
    ("fields", "signed"),
    [("nsb TransformationID", "/sim/d/own {'TransformationID': 3}\n"), ("nsb", "")],
)
def test_only_what_this_job_has_made_carries_the_id_of_its_transformation(
    tmp_path: Path, fields: str, signed: str
) -> None:
    stand_in_for_upload(tmp_path, '#!/bin/sh\necho "$@" >> uploads\n')
    (tmp_path / "fields").write_text(fields)
    (tmp_path / "uploads").write_text("/sim/d/was-there was-there A-SE\n")
    done = run(leaving("was-there", "of-another", "own"), tmp_path)
    assert "RESULT True" in done.stdout, done.stdout
    assert "Not signed" not in done.stdout
    told = tmp_path / "signed"
    assert (told.read_text() if told.exists() else "") == signed


def test_a_directory_may_be_named_after_the_transformation(tmp_path: Path) -> None:
    stand_in_for_upload(tmp_path, '#!/bin/sh\necho "$@" >> uploads\n')
    body = JobSpec(
        name="x",
        job_type="y",
        commands=(Command(executable="/bin/true"),),
        outputs=(OutputFile(name="a", directory=f"/sim/{TRANSFORMATION_ID}/Data", se="A-SE"),),
    )
    done = run(body, tmp_path)
    assert "RESULT True" in done.stdout, done.stdout
    # the catalogue's directory has no leading zeros
    assert (tmp_path / "uploads").read_text() == "/sim/3/Data/a a A-SE\n"


def test_metadata_of_a_file_that_cannot_be_set_fail_the_job(tmp_path: Path) -> None:
    stand_in_for_upload(tmp_path, '#!/bin/sh\necho "$@" >> uploads\n')
    outputs = (
        OutputFile(name="a", directory="/sim/d", se="A-SE", metadata=({"nsb": 1}, {"nsb": 5})),
        OutputFile(name="b", directory="/sim/d", se="A-SE"),
    )
    body = JobSpec(
        name="x", job_type="y", commands=(Command(executable="/bin/true"),), outputs=outputs
    )
    done = run(body, tmp_path)
    assert "RESULT False" in done.stdout, done.stdout
    assert "metadata of /sim/d/a" in done.stdout
    assert (tmp_path / "uploads").read_text() == "/sim/d/a a A-SE\n"


@pytest.mark.parametrize("failing", [0, 1], ids=["first command fails", "second command fails"])
def test_after_a_failed_command_nothing_runs_nothing_is_uploaded_and_the_job_fails_with_its_code(
    tmp_path: Path, failing: int
) -> None:
    stand_in_for_upload(tmp_path, "#!/bin/sh\ntouch uploaded\n")
    codes = [23 if number == failing else 0 for number in range(3)]
    body = JobSpec(
        name="x",
        job_type="y",
        commands=tuple(
            Command(
                executable="/bin/sh", arguments=f"-c 'echo data > out; touch ran_{n}; exit {c}'"
            )
            for n, c in enumerate(codes)
        ),
        outputs=(OutputFile(name="out", directory="/sim/d", se="DISK-A-SE"),),
    )
    done = run(body, tmp_path)
    assert "RESULT False 23" in done.stdout, done.stdout
    assert "'sh' Exited With Status 23" in done.stdout.split("RESULT")[1]
    assert [n for n in range(3) if (tmp_path / f"ran_{n}").exists()] == list(range(failing + 1))
    assert not (tmp_path / "uploaded").exists()


def test_a_failed_upload_fails_the_job(tmp_path: Path) -> None:
    stand_in_for_upload(tmp_path, "#!/bin/sh\nexit 3\n")
    body = JobSpec(
        name="x",
        job_type="y",
        commands=(Command(executable="/bin/true"),),
        outputs=(OutputFile(name="out", directory="/sim/d", se="DISK-A-SE"),),
    )
    assert "RESULT False 3" in run(body, tmp_path).stdout


def test_an_upload_that_fails_once_is_tried_again(tmp_path: Path) -> None:
    stand_in_for_upload(
        tmp_path, '#!/bin/sh\necho "$@" >> uploads\n[ "$(wc -l < uploads)" -gt 1 ] || exit 3\n'
    )
    body = JobSpec(
        name="x",
        job_type="y",
        commands=(Command(executable="/bin/true"),),
        outputs=(OutputFile(name="out", directory="/sim/d", se="DISK-A-SE"),),
    )
    assert "RESULT True" in run(body, tmp_path).stdout
    assert (tmp_path / "uploads").read_text().splitlines() == ["/sim/d/out out DISK-A-SE"] * 2


def test_an_upload_that_ends_well_without_registering_fails_the_job(tmp_path: Path) -> None:
    stand_in_for_upload(tmp_path, '#!/bin/sh\necho "$@" >> uploads\n')
    (tmp_path / "unregistered").touch()
    body = JobSpec(
        name="x",
        job_type="y",
        commands=(Command(executable="/bin/true"),),
        outputs=(OutputFile(name="out", directory="/sim/d", se="DISK-A-SE"),),
    )
    done = run(body, tmp_path)
    assert "RESULT False 3" in done.stdout, done.stdout
    assert "/sim/d/out was stored and is not in the file catalogue" in done.stdout
    assert len((tmp_path / "uploads").read_text().splitlines()) == 2


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
