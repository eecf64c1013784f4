"""Findings for people, editors, code scanning and GitHub: the same ones in every form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.cli.linting.many_files import ALONE
from dirac_prodsys.core.proof.findings import RULES

PLUGINS = Path(__file__).parents[3] / "plugins"

#: one error, one warning, some notes
BROKEN = """\
version: 1
production: {name: broken, vo: sim}
steps:
  a: {type: MCSimulation, tasks: 2, jobs: {}, job: {type: script, executable: x}}
"""
DOUBTFUL = """\
version: 1
production: {name: doubtful, vo: sim}
steps:
  a:
    type: MCSimulation
    tasks: 2
    job: {type: script, executable: x}
    output: {directory: /sim/doubt/a, se: DISK-A-SE, metadata: {step: a}}
"""


@pytest.fixture
def doubtful(tmp_path: Path) -> Path:
    file = tmp_path / "doubtful: 100%, 1.yaml"
    file.write_text(DOUBTFUL, encoding="utf-8")
    return file


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN, encoding="utf-8")
    return file


def test_warnings_alone_leave_the_exit_code_zero(prodsys, doubtful):
    result = prodsys("lint", doubtful)
    assert result.exit_code == 0
    assert f"{doubtful}:8:54: warning: no metadata of the output of step a" in result.stdout
    assert result.stdout.rstrip().endswith('hint: add run: "${{ run }}"')
    assert "[output-without-run]" in result.stdout
    assert "1 file checked, 0 errors, 1 warning" in result.stderr


def test_text_shows_the_line_with_a_caret(prodsys, broken):
    result = prodsys("lint", broken)
    assert result.exit_code == 2
    head, line, caret, hint = result.stdout.splitlines()
    assert head == f"{broken}:4:37: error: unknown key 'jobs' [unknown-key]"
    assert line.endswith(BROKEN.splitlines()[3])
    assert line[caret.index("^") :].startswith("jobs")
    assert hint.startswith("  hint: did you mean 'job'?")


def test_json_has_exactly_the_documented_keys_and_severities(prodsys, broken, doubtful):
    result = prodsys("lint", "--format", "json", "--verbose", broken, doubtful)
    document = json.loads(result.stdout)
    assert list(document) == ["findings"]
    assert {f["severity"] for f in document["findings"]} == {"error", "warning"}
    for finding in document["findings"]:
        assert list(finding) == [
            "file",
            "line",
            "column",
            "severity",
            "code",
            "message",
            "hint",
        ]
        assert finding["line"] >= 1
        assert finding["column"] >= 1
    assert result.stderr == ""


def test_a_result_without_findings_is_a_complete_document(prodsys, good):
    assert json.loads(prodsys("lint", "--format", "json", good).stdout) == {"findings": []}
    (run,) = json.loads(prodsys("lint", "--format", "sarif", good).stdout)["runs"]
    assert run["results"] == []
    assert prodsys("lint", "--format", "github", good).stdout == ""


def test_sarif_is_what_the_standard_requires(prodsys, broken, doubtful):
    """The parts of sarif-schema-2.1.0 that these objects touch."""
    result = prodsys("lint", "--format", "sarif", "--verbose", broken, doubtful)
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert set(document) == {"$schema", "version", "runs"}
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert driver["name"]
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) == len(RULES)
    assert {found["level"] for found in run["results"]} == {"error", "warning", "note"}
    for found in run["results"]:
        assert rules[found["ruleIndex"]]["id"] == found["ruleId"]
        assert found["message"]["text"]
        (location,) = found["locations"]
        place = location["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
        uri = place["artifactLocation"]["uri"]
        assert uri.startswith("file:///")
        assert " " not in uri
        assert "%25" in uri or "broken" in uri


def test_github_commands_are_one_line_each_and_escaped(prodsys, doubtful):
    result = prodsys("lint", "--format", "github", doubtful)
    (line,) = result.stdout.splitlines()
    assert line.startswith("::warning file=")
    properties, _, message = line.removeprefix("::warning ").partition("::")
    fields = dict(part.split("=", 1) for part in properties.split(","))
    assert fields["file"].endswith("doubtful%3A 100%25%2C 1.yaml")
    assert (fields["line"], fields["col"], fields["title"]) == ("8", "54", "output-without-run")
    assert "%0A" in message


def test_notes_are_shown_when_asked_for(prodsys, good):
    assert prodsys("lint", good).stdout == ""
    text = prodsys("lint", "--verbose", good).stdout
    assert "note: step merge takes all files of simulate [link]" in text
    assert "note: step merge: 3 files in, 2 jobs, 2 files out [estimate]" in text


def finding_places(text: str) -> list[tuple[str, int, int, str]]:
    found: list[dict[str, Any]] = json.loads(text)["findings"]
    return [(Path(f["file"]).name, f["line"], f["column"], f["code"]) for f in found]


def test_many_files_give_the_same_findings_as_each_by_itself(prodsys, good, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(ALONE + 10):
        text = good.read_text().replace("good", f"p{number}").replace("/tests/", f"/t{number}/")
        if number % 20 == 7:
            text = text.replace("group_size: 2", "groupsize: 2")
        (folder / f"{number:03}.yaml").write_text(text)
    together = finding_places(prodsys("lint", "--format", "json", folder).stdout)
    apart = [
        place
        for file in sorted(folder.iterdir())
        for place in finding_places(prodsys("lint", "--format", "json", file).stdout)
    ]
    assert together == apart
    assert [name for name, *_ in together] == ["007.yaml", "027.yaml", "047.yaml"]


def test_a_bar_shows_on_a_terminal_only_and_never_among_the_findings(good, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.yaml").write_text(good.read_text().replace("good", f"p{number}"))
    code = "from dirac_prodsys.cli.main import app; app()"
    command = [sys.executable, "-c", code, "lint", "--format", "json", str(folder)]
    environment = {"PYTHONPATH": str(PLUGINS), "PATH": "", "TERM": "xterm"}
    ours, theirs = os.openpty()
    seen = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    assert "checking" in os.read(ours, 100_000).decode(errors="replace")
    os.close(ours)
    assert "findings" in json.loads(seen.stdout)
    unseen = subprocess.run(command, env=environment, capture_output=True)
    assert (unseen.stderr, unseen.stdout) == (b"", seen.stdout)
