"""A share of the broken files in every test run; all of them are read by ``make fuzz``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, field_serializer

from dirac_prodsys.errors import DefinitionError, DefinitionErrors
from tests.fuzz.cases import case
from tests.fuzz.checking import complaint
from tests.fuzz.guard import Forbidden, TooSlow, nothing_happens
from tests.fuzz.mutations import VALUES
from tests.fuzz.seeds import FOLDERS, seeds

REPOSITORY = Path(__file__).parents[2]
#: files that are read here; a hang ends each of them after so many seconds of CPU time
SHARE, SECONDS = 1_500, 10.0


def test_a_share_of_the_broken_files_is_refused_in_words_or_read() -> None:
    command = ["-m", "tests.fuzz", "--count", str(SHARE), "--seed", "3"]
    done = subprocess.run(
        [sys.executable, *command, "--seconds", str(SECONDS)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'plugins'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    assert done.stdout == f"{SHARE:,} broken files read (seed 3), 0 complaints\n"


def test_a_number_gives_the_same_file_again_and_another_number_another() -> None:
    assert case(1, 7) == case(1, 7)
    assert len({case(1, number).text for number in range(100)}) > 90


def test_what_files_are_broken_with_is_not_broken_itself() -> None:
    before = repr(VALUES)
    for number in range(2_000):
        case(1, number)
    assert repr(VALUES) == before


def test_every_folder_of_productions_is_broken() -> None:
    names = {seed.name for seed in seeds()}
    for folder in FOLDERS:
        files = {file.name for file in (REPOSITORY / folder).iterdir()}
        assert {name for name in files if name.endswith((".yaml", ".yml"))} <= names
    assert sum(seed.data is not None for seed in seeds()) > 80


@pytest.mark.parametrize(
    "act",
    [
        lambda: Path("written").write_text("x"),
        lambda: subprocess.run(["true"], check=False),
        lambda: os.system("true"),  # noqa: S605
        lambda: eval("1 + 1"),  # noqa: S307
        lambda: socket.socket(),
        lambda: os.mkdir("made"),
    ],
    ids=["write", "program", "shell", "code", "socket", "directory"],
)
def test_the_guard_refuses(
    act: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Forbidden), nothing_happens(SECONDS):
        act()
    assert list(tmp_path.iterdir()) == []


def for_ever() -> None:
    while True:
        time.perf_counter()


def test_the_guard_ends_what_does_not_end() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(TooSlow), nothing_happens(0.05):
        for_ever()
    assert signal.getsignal(signal.SIGVTALRM) is before


@pytest.mark.parametrize(("act", "kind"), [(for_ever, TooSlow), (Path("a").open, Forbidden)])
def test_what_is_refused_is_not_lost_in_an_error_of_other_software(
    act: Callable[[], object], kind: type[BaseException]
) -> None:
    class Written(BaseModel):
        value: str

        @field_serializer("value")
        def _write(self, value: str) -> str:
            act()
            return value

    with pytest.raises(kind), nothing_happens(0.05):
        Written(value="a").model_dump(mode="json")


def test_an_exception_that_is_not_ours_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    one = case(3, 0)
    monkeypatch.setattr("tests.fuzz.checking.inspect", lambda *_, **__: 1 / 0)
    assert "ZeroDivisionError" in complaint(one)


def test_a_file_that_is_slow_each_time_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.checking.inspect", lambda *_, **__: for_ever())
    assert "TooSlow" in complaint(case(3, 0), seconds=0.02)


def test_an_error_without_a_place_or_a_hint_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    one = case(3, 0)
    error = DefinitionError("it is wrong", file=one.name)

    def refuse(*_: object, **__: object) -> None:
        raise DefinitionErrors([error])

    monkeypatch.setattr("tests.fuzz.checking.inspect", refuse)
    assert "no line 0" in complaint(one)
    assert "no way out" in complaint(one)
