"""The contract of requests: what became of them, and why, on every production system."""

from __future__ import annotations

from dirac_prodsys.core.grid.jobs import JobState
from tests.contract.systems import Gateway, System, unique

FULL = "[Errno 28] No space left on device: /disk/17/file (Max attempts limit reached)"


def test_failed_requests_tell_the_kind_of_their_error(system: System, gateway: Gateway) -> None:
    lfns = [f"/sim/contract/{unique()}/{name}" for name in "ab"]
    failed = system.request(lfns, FULL)
    kind = "[Errno N] No space left on device: PATH"
    expected = JobState(failed, "Failed", kind, "ReplicateAndRegister", "DISK-B-SE")
    seen = gateway.request_states([failed], 10)[failed]
    assert seen.state == expected
    assert {lfn: seen.of(lfn) for lfn in lfns} == dict.fromkeys(lfns, expected)


def test_so_many_are_asked_for_their_errors_and_of_all_the_status_is_reported(
    system: System, gateway: Gateway
) -> None:
    def lfns() -> list[str]:
        return [f"/sim/contract/{unique()}/file"]

    old, new, good = (system.request(lfns(), error) for error in (FULL, FULL, ""))
    unknown = max(old, new, good) + 1000
    seen = gateway.request_states([old, new, good, unknown], 1)
    assert {number: one.state.status for number, one in seen.items()} == {
        old: "Failed",
        new: "Failed",
        good: "Done",
    }
    assert [bool(seen[number].state.minor) for number in (old, new, good)] == [False, True, False]
    assert gateway.request_states([], 10) == {}


def test_what_an_error_says_is_one_printable_line_where_it_is_read(
    system: System, gateway: Gateway
) -> None:
    error = "no\nspace\x1b[2J left \u202eecived no\r\n2026-01-01 INFO all is well" + " x" * 5_000
    failed = system.request([f"/sim/contract/{unique()}/file"], error[:200])
    seen = gateway.request_states([failed], 10)[failed].state
    assert seen.minor.startswith("no space")
    assert seen.minor.isprintable()
