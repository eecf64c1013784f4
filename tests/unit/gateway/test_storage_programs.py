"""Storage programs: what they answer, and that nothing of them is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.dirac import storage
from dirac_prodsys.gateway.records import GatewaySettings, StoredReplica

#: begins as a plug-in that starts a process, which ignores whatever asks it to end
CHILD = """
import json, os, signal, sys, time
from pathlib import Path

child = os.fork()
if not child:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)
    os._exit(0)
Path(os.environ["LEFT_BEHIND"]).write_text(str(child))
command, answer = sys.argv[1:]
asked = json.load(sys.stdin)
"""
ANSWERS = """
if command == "fetch":
    Path(asked["folder"], "file").write_text("0.7")
    answers = {}
else:
    answers = {"found": {asked["lfns"][0]: {"size": 3, "checksum": "1"}}, "failed": {}}
Path(answer).write_text(json.dumps(answers))
"""
FAILS = "print('a word'); sys.exit('no such plug-in')"
HANGS = "time.sleep(600)"

LFN = "/sim/file"


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    proxy = tmp_path / "proxy"
    proxy.touch()
    return GatewaySettings(proxy=str(proxy), timeout=5)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Let the storage program do this; returns the file that names its child."""

    def let(does: str) -> Path:
        file, child = tmp_path / "program.py", tmp_path / "child"
        file.write_text(CHILD + does)
        monkeypatch.setattr(storage, "_PROGRAM", file)
        monkeypatch.setenv("LEFT_BEHIND", str(child))
        return child

    return let


def is_gone(child: Path) -> bool:
    """Whether the process is over; nobody may have asked for its end yet."""
    number, until = int(child.read_text()), time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    psutil.Process(number).kill()
    return False


def test_an_answer_leaves_no_process_behind(
    settings: GatewaySettings, program: Callable[[str], Path]
) -> None:
    child = program(ANSWERS)
    assert storage.stored(settings, "", "SE", [LFN]) == {LFN: StoredReplica(3, "1")}
    assert is_gone(child)
    assert storage.fetched(settings, "", LFN, 100) == b"0.7"
    assert is_gone(child)


def test_a_program_that_ends_without_an_answer_leaves_no_process_behind(
    settings: GatewaySettings, program: Callable[[str], Path]
) -> None:
    child = program(FAILS)
    with pytest.raises(GatewayRejected, match="SE cannot be asked from here: no such plug-in"):
        storage.stored(settings, "", "SE", [LFN])
    assert is_gone(child)
    with pytest.raises(GatewayUnavailable, match=f"{LFN} could not be read: no such plug-in"):
        storage.fetched(settings, "", LFN, 100)
    assert is_gone(child)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda settings: storage.stored(settings, "", "SE", []), "has not answered"),
        (lambda settings: storage.fetched(settings, "", LFN, 100), "was not read within 5 s"),
    ],
    ids=["look", "fetch"],
)
def test_a_program_that_hangs_leaves_no_process_behind(
    settings: GatewaySettings,
    program: Callable[[str], Path],
    ask: Callable[[GatewaySettings], object],
    reason: str,
) -> None:
    child = program(HANGS)
    with pytest.raises(GatewayUnavailable, match=reason):
        ask(settings)
    assert is_gone(child)


def test_of_a_file_that_is_too_long_one_byte_more_is_given_back(
    settings: GatewaySettings, program: Callable[[str], Path]
) -> None:
    program('Path(asked["folder"], "file").write_text("x" * 500); sys.exit("File too large")')
    assert storage.fetched(settings, "", LFN, 100) == b"x" * 101
