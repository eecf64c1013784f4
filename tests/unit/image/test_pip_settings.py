"""The image build takes over the package index of its site, and only for as long as it builds."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def settings_of(lines: list[str], tmp_path: Path) -> tuple[dict[str, str], list[str]]:
    """What the script makes of `pip config list`: the options, and the folders to mount."""
    target = tmp_path / "pip.conf"
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "image-pip-settings", target],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    parser = configparser.RawConfigParser()
    parser.read(target)
    return dict(parser["global"]), run.stdout.splitlines()


def test_the_environment_wins_over_files_as_in_pip(tmp_path):
    options, _ = settings_of(
        [
            ":env:.index-url='https://environment.example/simple'",
            "global.index-url='https://file.example/simple'",
            "global.timeout='30'",
        ],
        tmp_path,
    )
    assert options == {"index-url": "https://environment.example/simple", "timeout": "30"}


def test_local_folders_are_mounted_whole_and_remote_ones_are_not(tmp_path):
    index, wheels = tmp_path / "index", tmp_path / "wheels"
    (index / "simple").mkdir(parents=True)
    wheels.mkdir()
    _, folders = settings_of(
        [
            f"global.extra-index-url='file://{index}/simple https://remote.example/simple'",
            f"global.find-links='{wheels} {tmp_path}/missing'",
        ],
        tmp_path,
    )
    assert folders == [str(index), str(wheels)]


def test_a_file_of_constraints_stays_on_the_host(tmp_path):
    lines = ["global.constraint='/etc/pip/constraints.txt'", ":env:.constraint='c.txt'"]
    assert settings_of(lines, tmp_path) == ({}, [])


def test_no_settings_make_an_empty_file(tmp_path):
    assert settings_of([], tmp_path) == ({}, [])


def test_only_what_the_image_needs_enters_the_build():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert [path for path in allowed if not (ROOT / path).exists()] == []
    copied = {
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from=" not in line
        for word in line.split()[1:-1]
        if not word.startswith("--")
    }
    assert {word for word in copied if not word.startswith(tuple(allowed))} == set()
