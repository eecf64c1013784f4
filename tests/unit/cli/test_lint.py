"""``dirac-prodsys lint`` reports everything that is wrong, at its place, in one pass."""

from __future__ import annotations

import json
from pathlib import Path


def test_a_good_file_has_no_findings(prodsys, good):
    result = prodsys("lint", good)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "1 file checked, 0 errors, 0 warnings" in result.stderr


def test_every_mistake_of_every_file_is_reported_at_its_place(prodsys, good, tmp_path):
    text = good.read_text()
    first = tmp_path / "first.yaml"
    first.write_text(
        text.replace("name: good", "name: first")
        .replace("tasks: 3", "tasks: three")
        .replace("{from: merge}", "{from: nowhere}")
    )
    second = tmp_path / "second.yaml"
    second.write_text(
        text.replace("name: good", "name: second").replace("group_size: 2", "groupsize: 2")
    )

    result = prodsys("lint", "--format", "json", tmp_path)

    assert result.exit_code == 2
    findings = json.loads(result.stdout)["findings"]
    assert {Path(finding["file"]).name for finding in findings} == {"first.yaml", "second.yaml"}
    lines = text.splitlines()
    for finding in findings:
        assert set(finding) == {"file", "line", "column", "severity", "code", "message", "hint"}
        assert finding["severity"] == "error"
        assert finding["message"]
    (typo,) = (f for f in findings if f["file"].endswith("second.yaml"))
    assert lines[typo["line"] - 1].strip() == "group_size: 2"
    assert typo["column"] == lines[typo["line"] - 1].index("group_size") + 1


def test_the_summary_counts_what_was_found_and_not_the_files_it_was_found_in(
    prodsys, good, tmp_path
):
    text = good.read_text().replace("group_size: 2", "groupsize: 2")
    good.write_text(text.replace("tasks: 3", "tusks: 3"))
    (tmp_path / "fine.yaml").write_text(text.replace("good", "fine").replace("groups", "group_s"))
    result = prodsys("lint", tmp_path)
    errors = result.stdout.count(": error: ")
    assert errors > 1
    assert f"2 files checked, {errors} errors, 0 warnings" in result.stderr


def test_the_summary_counts_mistakes_that_are_summed_up_in_one_line(prodsys, good):
    steps = "".join(f"  merge{n}: {{type: Nothing{n}}}\n" for n in range(30))
    good.write_text(good.read_text() + steps)
    result = prodsys("lint", good)
    assert "more of this kind, from here on" in result.stdout
    findings = json.loads(prodsys("lint", good, "--json").stdout)["findings"]
    more = [int(f["message"].split()[1]) for f in findings if "more of this kind" in f["message"]]
    number = len(findings) - len(more) + sum(more)
    assert f"1 file checked, {number} errors, 0 warnings" in result.stderr


def test_text_findings_begin_with_file_line_and_column(prodsys, good):
    good.write_text(good.read_text().replace("group_size: 2", "groupsize: 2"))
    result = prodsys("lint", good)
    line = next(i for i, text in enumerate(good.read_text().splitlines(), 1) if "groupsize" in text)
    assert result.stdout.startswith(f"{good}:{line}:5: ")
    assert "hint: " in result.stdout


def test_one_name_in_two_files_is_a_finding(prodsys, good, tmp_path):
    (tmp_path / "same.yaml").write_text(good.read_text())
    result = prodsys("lint", "--format", "json", tmp_path)
    assert result.exit_code == 2
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["code"] == "duplicate-name"
    assert finding["file"].endswith("same.yaml")
    assert "good.yaml" in finding["message"]


def test_a_file_given_twice_is_checked_once(prodsys, good, tmp_path):
    result = prodsys("lint", good, tmp_path, good)
    assert result.exit_code == 0
    assert "1 file checked" in result.stderr


def test_folders_are_searched_below_but_hidden_ones_and_other_files_are_not(
    prodsys, good, tmp_path
):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    good.rename(deep / "moved.yml")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "broken.yaml").write_text("]")
    (tmp_path / "notes.txt").write_text("]")
    result = prodsys("lint", tmp_path)
    assert result.exit_code == 0
    assert "1 file checked" in result.stderr


def test_a_file_that_is_no_text_is_a_finding_and_not_a_crash(prodsys, tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"version: \xff\xfe")
    result = prodsys("lint", "--format", "json", tmp_path)
    assert result.exit_code == 2
    (finding,) = json.loads(result.stdout)["findings"]
    assert "UTF-8" in finding["message"]


def test_a_path_that_does_not_exist_is_refused(prodsys, tmp_path):
    result = prodsys("lint", tmp_path / "missing.yaml")
    assert result.exit_code == 2
    # in a box, whose lines break where they must
    assert "missing.yaml" in "".join(result.stderr.replace("│", "").split())


def test_a_time_zone_that_does_not_exist_is_found_where_it_is_written(prodsys, good):
    good.write_text(f'{good.read_text()}\nschedule:\n  cron: "@daily"\n  timezone: Europe/Madird\n')
    result = prodsys("lint", good)
    line = len(good.read_text().splitlines())
    assert f"{good}:{line}:13: error: 'Europe/Madird' is no time zone" in result.stdout
    assert "such as Europe/Madrid" in result.stdout
    good.write_text(good.read_text().replace("Madird", "Madrid"))
    assert prodsys("lint", good).exit_code == 0
