"""Files that are no text, too big, or cannot be read: a finding with a place, never a crash."""

from __future__ import annotations

import json
import os

import pytest

from dirac_prodsys.core.text.reader import MAX_BYTES
from dirac_prodsys.provider.bundle.sources import SourceFolder


def only(result):
    (finding,) = json.loads(result.stdout)["findings"]
    assert result.exit_code == 2
    return finding


def test_the_first_byte_that_is_not_utf8_has_its_line_and_column(prodsys, tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("version: 1\n# für".encode("latin-1"))
    finding = only(prodsys("lint", "--format", "json", file))
    assert (finding["line"], finding["column"], finding["code"]) == (2, 4, "yaml")


def test_only_the_size_of_a_file_that_is_too_big_is_reported(prodsys, tmp_path):
    file = tmp_path / "big.yaml"
    with file.open("wb") as big:
        big.truncate(10 * MAX_BYTES)
    finding = only(prodsys("lint", "--format", "json", file))
    assert f"{MAX_BYTES:,}" in finding["message"]


def test_only_one_byte_more_than_the_limit_is_read(tmp_path):
    from dirac_prodsys.cli.files import read_bytes

    file = tmp_path / "big.yaml"
    with file.open("wb") as big:
        big.truncate(10 * MAX_BYTES)
    assert len(read_bytes(file)) == MAX_BYTES + 1


def test_a_pipe_that_never_ends_is_not_read(prodsys, tmp_path):
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    finding = only(prodsys("lint", "--format", "json", pipe))
    assert (finding["code"], finding["line"], finding["column"]) == ("unreadable", 1, 1)
    assert finding["hint"]


def messages(result) -> dict[str, str]:
    """Name of a file → what is found in it."""
    findings = json.loads(result.stdout)["findings"]
    return {os.path.basename(f["file"]): f["message"] for f in findings}


def test_a_folder_is_read_by_the_rule_of_the_bundle(prodsys, good, tmp_path):
    """What counts here counts there; mistakes reported there are reported here."""
    text = good.read_text()
    names = ("A.YAML", "b.Yml", "_base.yaml", "#c.yaml", "~d.yaml", ".e.yaml", "f.yaml~")
    for number, name in enumerate(names):
        (tmp_path / name).write_text(text.replace("good", f"good{number}"))
    (tmp_path / "lost.yaml").symlink_to(tmp_path / "nothing.yaml")
    (tmp_path / "dir.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for raw in (b"a\xff.yaml", b"a\xfe.yaml"):
        with open(os.path.join(os.fsencode(tmp_path), raw), "w") as file:
            file.write(text)
    there = {source.file: source.error for source in SourceFolder(tmp_path).scan()}
    result = prodsys("lint", "--format", "json", tmp_path)
    assert f"{len(there)} files checked" in prodsys("lint", tmp_path).stderr
    assert {"A.YAML", "b.Yml", "a\\xff.yaml", "a\\xfe.yaml"} <= there.keys()
    wrong = {name for name, error in there.items() if error}
    assert messages(result).keys() == wrong
    assert wrong == {"lost.yaml", "dir.yaml", "pipe.yaml", "a\\xff.yaml", "a\\xfe.yaml"}


def test_no_link_in_a_folder_is_followed_out_of_it(prodsys, good, tmp_path):
    outside = tmp_path / "airflow.cfg"
    outside.write_text("password = of-everybody\n")
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "a.yaml").symlink_to(outside)
    (folder / "_base.yaml").symlink_to(outside)
    (folder / "b.yaml").write_text("extends: _base.yaml\nproduction: {name: b}\n")
    result = prodsys("lint", folder)
    assert result.exit_code == 2
    assert "a link that leads out of the folder" in result.stdout
    assert "there is no readable file '_base.yaml'" in result.stdout
    assert "password" not in result.stdout + result.stderr


def test_sub_folders_are_reported_and_compared_separately(prodsys, good, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "copy.yaml").write_text(good.read_text())
    result = prodsys("lint", tmp_path)
    assert result.exit_code == 0
    assert "1 of them are in sub-folders, which the bundle of a folder does not serve: " in (
        result.stderr
    )
    result = prodsys("lint", tmp_path, tmp_path / "sub" / "copy.yaml")
    assert result.exit_code == 2


@pytest.mark.parametrize("command", ["plan", "graph"])
def test_other_commands_say_the_same_of_it(prodsys, tmp_path, command):
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"version: \xff")
    result = prodsys(command, file)
    assert result.exit_code == 2
    assert f"{file}:1:10: byte 0xFF is not UTF-8" in result.stderr


def test_productions_that_wait_for_each_other_are_reported_only_if_checked_together(
    prodsys, tmp_path
):
    text = (
        "version: 1\nproduction: {name: ONE, vo: sim}\nsteps:\n  s:\n    type: MCSimulation\n"
        "    tasks: 2\n    job: {type: script, executable: x}\n"
        "    wait_for: [{production: OTHER, step: s}]\n"
        '    output: {directory: "/sim/ONE/${{ run }}", se: A, files: ["e_@{JOB_ID}"],\n'
        '      metadata: {production: ONE, run: "${{ run }}"}}\n'
        '    dataset: {name: "/sim/datasets/ONE_${{ run }}"}\n'
    )
    for one, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{one}.yaml").write_text(text.replace("ONE", one).replace("OTHER", other))
    result = prodsys("lint", "--format", "json", tmp_path)
    found = json.loads(result.stdout)["findings"]
    assert result.exit_code == 2
    assert [(f["code"], f["line"], f["column"]) for f in found] == [("cycle", 8, 16)] * 2
    alone = prodsys("lint", "--format", "json", tmp_path / "one.yaml")
    assert (alone.exit_code, json.loads(alone.stdout)["findings"]) == (0, [])
