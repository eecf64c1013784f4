"""A child asks cwl-utils about one text, within limits; places are those of the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.communities.cwl.document import validity
from tests.unit.communities.cwl.cwl_files import HEAD, TOOLS, only, planned, refused, workflow

STEP = "a: {run: tool.cwl, in: {}, out: []}\n"
BROKEN = TOOLS["make.cwl"].replace("baseCommand: make", "baseCommand: make\nsuccessCodes: [many]")


def test_a_mistake_that_only_cwl_utils_finds_has_the_place_where_it_is_written() -> None:
    error = only(refused(workflow(STEP), {"tool.cwl": BROKEN}, ask=True))
    assert error.code == "cwl-document"
    assert "not valid CWL" in error.reason
    assert (error.file, error.line) == ("tool.cwl", 4)


def test_without_cwl_utils_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validity.importlib.util, "find_spec", lambda _name: None)
    validity.installed.cache_clear()
    try:
        assert planned(workflow(STEP), {"tool.cwl": BROKEN}, ask=True).steps
    finally:
        monkeypatch.undo()
        validity.installed.cache_clear()


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validity, "SECONDS", 0.001)
    text = workflow(STEP).replace("sim", "slow")
    error = only(refused(text, {"tool.cwl": TOOLS["make.cwl"]}, ask=True))
    assert "took more than" in error.reason


def test_a_child_reads_no_file_that_a_document_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret.owl"
    secret.write_text("not to be read")
    head = HEAD + f'$schemas: ["{secret.as_uri()}"]\n$namespaces: {{x: "{tmp_path.as_uri()}/"}}\n'
    text = workflow(STEP, head=head)
    assert planned(text, {"tool.cwl": TOOLS["make.cwl"]}, ask=True).steps
    assert secret.stat().st_atime_ns <= secret.stat().st_mtime_ns
