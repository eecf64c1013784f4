"""Conditions on numbers, and the small files that hold them: every row decided without a grid."""

from __future__ import annotations

import contextlib

import pytest

from dirac_prodsys.core.gates.condition import ConditionError, read_condition
from dirac_prodsys.core.gates.numbers import MAX_BYTES, ValueFileError, read_values
from tests.fuzz.guard import nothing_happens

VALUES = {"auc": 0.8, "events": 1000, "test.loss": -1e-3, "and_more": 1, "zero": 0}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("auc >= 0.8", True),
        ("auc > 0.8", False),
        ("auc <= 0.8", True),
        ("auc < 0.8", False),
        ("auc == 0.8", True),
        ("auc != 0.8", False),
        ("auc!=.7", True),
        ("events == 1e3", True),
        ("events == +1000.0", True),
        ("test.loss > -1", True),
        ("test.loss < -1e-2", False),
        ("zero == 0", True),
        ("and_more == 1", True),
        # "and" binds closer than "or"
        ("auc > 9 and zero == 1 or events > 1", True),
        ("events > 1 or auc > 9 and zero == 1", True),
        ("(events > 1 or auc > 9) and zero == 1", False),
        ("auc > 9 and (zero == 1 or events > 1)", False),
        ("  ((auc>=0.8))and events<=1000 ", True),
        ("auc > 9 or zero > 9 or events > 999", True),
        ("auc > 0 and zero > 9 and events > 0", False),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:
    assert read_condition(text).holds(VALUES) is holds


def test_names_are_reported_once_in_their_order() -> None:
    assert read_condition("b > 1 or (a > 2 and b < 3) or c == 1").names == ("b", "a", "c")


def test_a_value_that_is_missing_is_never_passed_over() -> None:
    with pytest.raises(KeyError, match="other"):
        read_condition("auc >= 0.8 or other > 1").holds(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auc",
        "auc >=",
        ">= 0.8",
        "0.8 <= auc",
        "auc >= best",
        "auc => 0.8",
        "auc = 0.8",
        "auc >= 0.8 and",
        "or auc >= 0.8",
        "not auc >= 0.8",
        "auc >= 0.8 events > 1",
        "(auc >= 0.8",
        "auc >= 0.8)",
        "auc >= 0.8; import os",
        "auc >= 0x10",
        "auc >= 1.2.3",
        "auc >= 1e",
        "auc >= nan",
        "auc >= 1_000",
        "__import__('os').system('x') > 1",
        "a..b > 1",
        "a. > 1",
        "AUC >= 0,8",
        "auc >= 1 AND auc < 2",
        "(" * 21 + "a > 1" + ")" * 21,
        "a > 1 and " * 100 + "a > 1",
    ],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ConditionError) as raised:
        read_condition(text)
    assert raised.value.reason


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (
            b'{"auc": 0.91, "n": 3, "test": {"loss": 1e-3}}',
            {"auc": 0.91, "n": 3, "test.loss": 1e-3},
        ),
        (b'\xef\xbb\xbf  {"auc": 1}', {"auc": 1}),
        (b"auc: 0.91\ntest:\n  loss: 1e-3\nword: high\n", {"auc": 0.91, "test.loss": 1e-3}),
        (b"# made by x\nauc = 0.91\n\n n=3 # three\ntest.loss = 1e-3", None),
        (b'{"auc": NaN, "big": 1e999, "yes": true, "no": null, "list": [1], "n": 1}', {"n": 1}),
        (b"auc = nan\nn = 1\nname = x y", {"n": 1}),
        (b"{}", {}),
    ],
)
def test_numbers_are_read_from_three_forms(content: bytes, values: dict[str, float] | None) -> None:
    assert read_values(content) == (
        {"auc": 0.91, "n": 3, "test.loss": 1e-3} if values is None else values
    )


def test_a_number_beyond_all_measure_is_none() -> None:
    assert read_values(b'{"big": 1' + b"0" * 4000 + b', "n": 1}') == {"n": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x" * (MAX_BYTES + 1), "more than 65,536"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"auc": ', "JSON"),
        (b"[" * 10_000, "YAML"),
        (b'{"a":' * 10_000, "JSON"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "deeper than 50"),
        (b"- 1\n- 2\n", "YAML"),
        (b"a: &x [1]\nb: *x\n", "YAML"),
        (b"just words", "YAML"),
        (b"", "YAML"),
    ],
)
def test_a_file_that_holds_no_numbers_says_why(content: bytes, words: str) -> None:
    with pytest.raises(ValueFileError) as raised:
        read_values(content)
    assert words in raised.value.reason


@pytest.mark.parametrize(
    "content",
    [
        b"a=y" + b" " * 60_000 + b"x",
        b"a = " + b"1" * 60_000 + b"x",
        b"a" + b".b" * 30_000 + b"!= 1",
        b"a=" + b"#" * 60_000,
        b"a" + b" " * 60_000 + b"b",
    ],
    ids=["blanks", "digits", "dots", "signs", "words"],
)
def test_a_result_file_made_to_be_tried_again_and_again_is_read_once(content: bytes) -> None:
    # an expression that tries every way needs minutes
    with nothing_happens(seconds=5), contextlib.suppress(ValueFileError):
        read_values(content)
