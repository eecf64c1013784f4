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
