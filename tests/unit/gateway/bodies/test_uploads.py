"""Outputs of a job: uploaded after its commands, tried again, and reported when they are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, Command, JobSpec, OutputFile
from tests.unit.gateway.bodies.running import run


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
    log = tmp_path / "signed"
    assert (log.read_text() if log.exists() else "") == signed


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
