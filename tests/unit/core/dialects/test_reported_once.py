"""One mistake is reported once, as what it is, and with a way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.proof import read
from dirac_prodsys.core.text.characters import escapes, named, unprintable
from dirac_prodsys.errors import DefinitionErrors
from tests.productions.regenerate import load

BAD = Path(__file__).parents[3] / "productions" / "bad"


def reasons(file: str) -> list[str]:
    """The reasons of a file of the folder of bad productions."""
    with pytest.raises(DefinitionErrors) as caught:
        load(BAD / f"{file}.yaml")
    return [error.reason for error in caught.value.errors]


CWL = """\
cwlVersion: v1.2
class: Workflow
label: a workflow
inputs: {n: int}
outputs: []
requirements: {}
steps:
  one: {run: one.cwl, in: {n: n}, out: []}
  two: {run: two.cwl, in: {n: n}, out: []}
"""


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (CWL, "cwl-document", "there is no readable file 'one.cwl'"),
        ("#!/usr/bin/env cwl-runner\n" + CWL, "cwl-document", "no readable file 'one.cwl'"),
        (
            json.dumps({"cwlVersion": "v1.0", "class": "CommandLineTool", "steps": {}}, indent=1),
            "cwl-document",
            "unknown field 'steps'",
        ),
        ("$graph:\n- &a {class: Workflow}\n- *a\ncwlVersion: v1.2\n", "yaml", "anchors"),
        ("cwlVersion: v1.2\ns:author: !include me\n", "yaml", "tags are not allowed"),
        ("cwlVersion: v1.3.0-dev1\nclass: Workflow\n", "cwl-document", "is not read here"),
    ],
)
def test_a_wrong_workflow_in_cwl_is_reported_by_lint_and_by_the_bundle(
    text: str, code: str, words: str
) -> None:
    report, _ = read(text, "a.yaml")
    found = [finding for finding in report.findings if words in finding.message]
    assert {finding.code for finding in found} == {code}
    with pytest.raises(DefinitionErrors) as caught:
        load_production(text.encode(), "a.yaml")
    assert len(caught.value.errors) == len(report.findings)


def test_a_number_and_its_text_are_reported_as_such() -> None:
    assert reasons("matrix_kinds") == [
        "axis z has the number 40, and here stands the text '40'",
        "axis version has the text '7', and here stands the number 7",
        "axis z has the number 20, and here stands the text '20'",
    ]


def test_an_axis_that_does_not_exist_makes_no_placeholder_unknown() -> None:
    assert reasons("matrix_axis") == [
        "the matrix has no axis 'zenit'",
        "the matrix has no axis 'particle'",
    ]
    for file in ("matrix", "matrix_exclude", "matrix_include", "matrix_kinds"):
        assert not [reason for reason in reasons(file) if "unknown placeholder" in reason]


def test_a_list_of_files_may_begin_with_a_byte_order_mark() -> None:
    text = """\
version: 1
production: {name: p, vo: sim}
steps:
  a:
    type: Merging
    input: {lfns: {file: list.txt}}
    job: {type: script, executable: x}
"""
    production = load_production(text, "p.yaml", read_sibling=lambda name: "\ufeff/sim/a\n/sim/b\n")
    assert production.step("a").input is not None
    assert production.step("a").input.lfns == ("/sim/a", "/sim/b")


@pytest.mark.parametrize(
    ("character", "words"),
    [
        ("\u00a0", "a no-break space (U+00A0)"),
        ("\ufeff", "a byte order mark (U+FEFF)"),
        ("\u200b", "a space of no width (U+200B)"),
        ("\u2009", "a thin space (U+2009)"),
        ("\u2013", "an en dash (U+2013)"),
        ("\x07", "a control character (U+0007)"),
    ],
)
def test_a_character_that_nobody_sees_has_a_name(character: str, words: str) -> None:
    assert named(character) == words
    if not character.isprintable():
        assert unprintable(f"ab{character}c") == f"{words} at character 3"
        assert words in escapes(f"{'a' + character!r} is wrong")


def test_plain_text_has_no_such_character() -> None:
    assert unprintable("plain text: äöü 5") == ""
    assert escapes("'a\\nb' is wrong") == ""
