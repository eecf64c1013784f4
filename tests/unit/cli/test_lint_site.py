"""``lint``, ``plan`` and ``rehearse`` report what the site does not allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SITE = "version: 1\nbundles:\n  ours: {outputs: [/sim/tests], connections: [dirac_default]}\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "site.yaml"
    path.parent.mkdir()
    path.write_text(SITE)
    return path


def test_what_the_site_allows_has_no_findings(prodsys: Any, good: Path, site: Path) -> None:
    assert prodsys("lint", good, "--site", site).exit_code == 0


def test_what_it_does_not_allow_is_an_error_at_its_place(
    prodsys: Any, good: Path, site: Path
) -> None:
    site.write_text(SITE.replace("/sim/tests", "/sim/other"))
    assert prodsys("lint", good).exit_code == 0
    result = prodsys("lint", good, "--site", site, "--json")
    assert result.exit_code == 2
    findings = json.loads(result.stdout)["findings"]
    assert {finding["code"] for finding in findings} == {"not-allowed"}
    assert [finding["line"] for finding in findings] == [9, 19, 30]
    assert findings[0]["message"] == (
        "files are made in /sim/tests/good/${{ run }}/simulate, and the site does not allow that"
    )
    assert findings[0]["hint"] == "allowed: /sim/other"


def test_many_files_are_checked_in_processes_of_their_own(
    prodsys: Any, good: Path, site: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        text = good.read_text().replace("good", f"good{number}").replace("/tests/", "/other/")
        (folder / f"good{number}.yaml").write_text(text)
    result = prodsys("lint", folder, "--site", site, "--json")
    findings = json.loads(result.stdout)["findings"]
    assert len({finding["file"] for finding in findings}) == 60


@pytest.mark.parametrize("command", ["lint", "plan", "rehearse"])
@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("version: 1\nbundels: {}\n", [], "unknown key 'bundels'"),
        (SITE + "  theirs: {}\n", [], "say which one the files are for: --bundle NAME"),
        (SITE, ["--bundle", "theirs"], "says nothing of the bundle 'theirs'"),
        (SITE.replace("/sim/tests", "/sim/x"), [], "files are made in /sim/tests"),
    ],
)
def test_each_command_ends_where_the_site_does_not_allow_the_file(
    prodsys: Any, good: Path, site: Path, command: str, text: str, more: list[str], message: str
) -> None:
    site.write_text(text)
    result = prodsys(command, good, "--site", site, *more)
    assert result.exit_code == 2
    assert message in result.stdout + result.stderr


def test_a_site_file_that_is_missing_is_an_error(prodsys: Any, good: Path, tmp_path: Path) -> None:
    result = prodsys("lint", good, "--site", tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert "cannot be read: No such file or directory" in result.stderr


def test_the_site_file_of_airflows_environment_counts_here_too(
    prodsys: Any, good: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write_text(SITE.replace("/sim/tests", "/sim/other"))
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(site))
    assert prodsys("lint", good).exit_code == 2


def test_plan_checks_what_a_run_would_choose(prodsys: Any, good: Path, site: Path) -> None:
    good.write_text(
        good.read_text()
        .replace("steps:\n", "parameters: {to: {type: string, default: tests}}\nsteps:\n", 1)
        .replace("/sim/tests/", "/sim/${{ parameters.to }}/")
    )
    assert prodsys("plan", good, "--site", site).exit_code == 0
    result = prodsys("plan", good, "--site", site, "-p", "to=raw")
    assert result.exit_code == 2
    assert "files are made in /sim/raw" in result.stderr


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{users: [ada]}", "step rm removes files: one of ada must agree before it starts"),
        ("{users: [ada], above_files: 1}", "step rm removes files; if more than 1 files: one of"),
        ("{users: [ada], above_files: 9, above_terabytes: 2}", "more than 9 files or 2 TB: one of"),
        ("{users: [ada], above_files: 2}", ""),
    ],
)
def test_who_will_be_asked_before_a_removal_is_a_note(
    prodsys: Any, tmp_path: Path, site: Path, rule: str, message: str
) -> None:
    file = tmp_path / "rm.yaml"
    file.write_text(
        "version: 1\nproduction: {name: rm, vo: sim}\nsteps:\n  rm:\n    type: Removal\n"
        "    input: {lfns: [/sim/a, /sim/b]}\n"
        "    job: {type: request, operations: [{type: RemoveFile}]}\n"
    )
    site.write_text(f"version: 1\nremoval_approvals: {{sim: {rule}}}\n")
    result = prodsys("lint", file, "--site", site, "--verbose")
    assert result.exit_code == 0
    assert message in result.stdout
    assert ("must agree" in result.stdout) == bool(message)
