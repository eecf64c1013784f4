"""The productions of ``tests/productions``: good ones give the plan on file, bad ones the message.

Both are written anew by ``python tests/productions/regenerate.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.proof.findings import RULES
from dirac_prodsys.errors import DefinitionErrors
from tests.productions.regenerate import EXAMPLES as WORKFLOWS
from tests.productions.regenerate import load, productions

FOLDER = Path(__file__).parents[3] / "productions"
GOOD = productions("good")
BAD = productions("bad")
EXAMPLES = sorted((Path(__file__).parents[4] / "include" / "productions").glob("*.yaml"))

#: errors that loading one file cannot find, and what finds them
NOT_BY_LOADING = {
    "graphml": "a file of that form: tests/unit/cli/test_graphml.py",
    "group-never-fills": "the proof, which counts files",
    "duplicate-name": "two files",
    "case-only-name": "two files",
    "gate-without-dataset": "two files",
    "duplicate-dataset": "two files",
    "unknown-field": "the catalogue",
    "file-field": "the catalogue",
    "field-type": "the catalogue",
    "name-conflict": "the Transformation System",
    "dataset-taken": "the catalogue",
    "unknown-dataset": "the catalogue",
    "unknown-se": "the configuration",
    "unknown-site": "the configuration",
    "unset-section": "the configuration",
    "not-allowed": "the site's file",
}


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_a_good_production_gives_the_plan_on_file(file: Path) -> None:
    plan = compile(load(file), run="r1")
    assert plan.to_dict() == json.loads(file.with_suffix(".plan.json").read_text("utf-8"))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_production_gives_the_messages_on_file(file: Path) -> None:
    with pytest.raises(DefinitionErrors) as caught:
        load(file)
    assert f"{caught.value}\n" == file.with_suffix(".expected").read_text("utf-8")
    for error in caught.value.errors:
        assert error.line
        assert error.column
        assert (file.parent / error.file).is_file()
        assert error.hint


def test_every_error_that_loading_can_find_has_a_bad_production() -> None:
    errors = {code for code, rule in RULES.items() if rule.severity == "error"}
    found: set[str] = set()
    for file in BAD:
        with pytest.raises(DefinitionErrors) as caught:
            load(file)
        found |= {error.code for error in caught.value.errors}
    assert len(BAD) >= 60
    assert found == errors - set(NOT_BY_LOADING)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_that_are_shipped_are_good(file: Path) -> None:
    production = load_production(file.read_bytes(), file.name)
    assert production.source == file.read_text("utf-8")
    assert compile(production, run="r1").steps


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("w*.yaml")), ids=lambda file: file.stem)
def test_a_workflow_of_the_field_gives_the_plan_on_file(file: Path) -> None:
    plan = compile(load(file), run="r1")
    golden = FOLDER / "examples" / f"{file.stem}.plan.json"
    assert plan.to_dict() == json.loads(golden.read_text("utf-8"))


@pytest.mark.parametrize("end", ["steps:", "steps:\n  one:", "? steps", "steps:\n  ? one"])
def test_what_is_missing_at_the_end_of_a_file_is_placed_within_it(end: str) -> None:
    text = f"version: 1\nproduction: {{name: p, vo: sim}}\n{end}"
    with pytest.raises(DefinitionErrors) as caught:
        load_production(text, "f.yaml")
    for error in caught.value.errors:
        assert error.line <= text.count("\n") + 1
        assert error.column <= len(text.splitlines()[error.line - 1]) + 1


def test_a_tag_of_yaml_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DefinitionErrors):
        load_production((FOLDER / "bad" / "tags_refused.yaml").read_bytes(), "f.yaml")
    assert list(tmp_path.iterdir()) == []
