"""Requests in the words of jobs: what failed, on which file, and the kind of an error."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.grid.requests import MOST_CHARACTERS, kind_of, request_state


def operation(files: dict[str, tuple[str, str]], **attributes: Any) -> dict[str, Any]:
    listed = [{"LFN": lfn, "Status": s, "Error": e} for lfn, (s, e) in files.items()]
    standard = {"Type": "ReplicateAndRegister", "Status": "Failed", "Error": "", "TargetSE": "B"}
    return {**standard, **attributes, "Files": listed}


def request(*operations: dict[str, Any], error: str = "", status: str = "Failed") -> dict[str, Any]:
    return {"RequestID": 7, "Status": status, "Error": error, "Operations": list(operations)}


def test_a_file_tells_its_own_error_and_the_request_that_of_most() -> None:
    files = {
        "/sim/a": ("Failed", "No space left on device"),
        "/sim/b": ("Failed", "File doesn't exist"),
        "/sim/c": ("Failed", "File doesn't exist"),
        "/sim/d": ("Done", ""),
    }
    seen = request_state(7, request(operation(files, SourceSE="A")))
    missing = JobState(7, "Failed", "File doesn't exist", "ReplicateAndRegister", "A to B")
    assert seen.state == missing
    assert seen.of("/sim/b") == missing
    assert seen.of("/sim/a").minor == "No space left on device"
    assert seen.of("/sim/d").status == "Done"
    assert seen.of("/sim/of/another/request") == missing


def test_the_first_operation_that_stopped_at_a_file_is_to_blame() -> None:
    first = operation({"/sim/a": ("Failed", "no route"), "/sim/b": ("Done", "")})
    second = operation(
        {"/sim/a": ("Waiting", ""), "/sim/b": ("Failed", "banned")}, Type="RegisterReplica"
    )
    seen = request_state(7, request(first, second))
    assert (seen.of("/sim/a").application, seen.of("/sim/a").minor) == (
        "ReplicateAndRegister",
        "no route",
    )
    assert (seen.of("/sim/b").application, seen.of("/sim/b").minor) == ("RegisterReplica", "banned")


def test_where_files_say_nothing_the_operation_does_and_then_the_request() -> None:
    silent = {"/sim/a": ("Failed", "")}
    assert request_state(7, request(operation(silent, Error="E"), error="R")).state.minor == "E"
    assert request_state(7, request(operation(silent), error="R")).state.minor == "R"
    assert request_state(7, request(operation({}, Error="E"))).state.minor == "E"
    assert request_state(7, request(error="R")).state == JobState(7, "Failed", "R")


@pytest.mark.parametrize("status", ["Done", "Waiting", "Scheduled", "Canceled"])
def test_the_status_is_that_of_the_request(status: str) -> None:
    state = "Done" if status == "Done" else "Waiting"
    seen = request_state(
        7, request(operation({"/sim/a": (state, "")}, Status=state), status=status)
    )
    assert seen.state.status == seen.of("/sim/a").status == status


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("", ""),
        ("File doesn't exist", "File doesn't exist"),
        ("Replication failed. (Max attempts limit reached)", "Replication failed."),
        (" (Max attempts limit reached)", "Max attempts limit reached"),
        ("put /vo/sim/run_7/a.dat: No such file", "put PATH: No such file"),
        ("srm://se.org:8446/srm?SFN=/x/y failed", "URL failed"),
        ("error 17 after 300 s", "error N after N s"),
        ("Failed\n to  copy", "Failed to copy"),
        ("No such file or directory ( 2 : no such)", "No such file or directory ( N : no such)"),
        ("checksum 0badcafe, expected 11223344", "checksum N, expected N"),
        ("DISK-A-SE is banned for reading", "DISK-A-SE is banned for reading"),
    ],
)
def test_errors_of_a_kind_read_alike(error: str, kind: str) -> None:
    assert kind_of(error) == kind


def test_long_errors_are_cut() -> None:
    assert len(kind_of("word " * 100)) <= MOST_CHARACTERS
    assert kind_of("word " * 100).endswith("…")
