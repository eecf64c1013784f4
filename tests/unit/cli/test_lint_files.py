"""Files that are no text, too big, or cannot be read: a finding with a place, never a crash."""

from __future__ import annotations

import json
import os

import pytest

from dirac_prodsys.core.yaml_source import MAX_BYTES


def only(result):
    (finding,) = json.loads(result.stdout)["findings"]
    assert result.exit_code == 2
    return finding


def test_the_first_byte_that_is_not_utf8_has_its_line_and_column(prodsys, tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("version: 1\n# für".encode("latin-1"))
    finding = only(prodsys("lint", "--format", "json", file))
    assert (finding["line"], finding["column"], finding["code"]) == (2, 4, "yaml")


def test_of_a_file_that_is_too_big_only_the_size_is_told(prodsys, tmp_path):
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


def test_a_link_in_a_folder_that_leads_nowhere_is_passed_over(prodsys, good, tmp_path):
    (tmp_path / "lost.yaml").symlink_to(tmp_path / "nothing.yaml")
    result = prodsys("lint", tmp_path)
    assert result.exit_code == 0
    assert "1 files checked" in result.stderr


@pytest.mark.parametrize("command", ["plan", "graph"])
def test_other_commands_say_the_same_of_it(prodsys, tmp_path, command):
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"version: \xff")
    result = prodsys(command, file)
    assert result.exit_code == 2
    assert f"{file}:1:10: byte 0xFF is not UTF-8" in result.stderr


def test_productions_of_a_folder_that_wait_for_each_other_are_told_and_one_by_itself_is_not(
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
