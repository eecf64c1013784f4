"""Reading YAML: what a word means, where it stands, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.core.text.reader import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse
from dirac_prodsys.errors import MOST_OF_A_KIND, DefinitionError, DefinitionErrors

TEXT = """\
# a comment
top: 1
list:
  - first
  - {inner: "zwei", other: x}
deep:
  key with space:
    value: yes
"""


def only_error(text: str | bytes) -> DefinitionError:
    with pytest.raises(DefinitionErrors) as caught:
        parse(text, "f.yaml")
    assert len(caught.value.errors) == 1
    return caught.value.errors[0]


def place(document: Document, path: Path, *, on_key: bool = False) -> tuple[int, int]:
    """Line and column of a mistake at that path."""
    error = document.error(Problem(path, "", on_key=on_key))
    return error.line, error.column


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("0", 0),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("1e3", 1000.0),
        ("1.5E-2", 0.015),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("2020-06-29", "2020-06-29"),
        ("2020-06-29T12:00:00Z", "2020-06-29T12:00:00Z"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("1.2.3", "1.2.3"),
        ("9" * 19, "9" * 19),
        ("9" * 5000, "9" * 5000),
        ('"12"', "12"),
        ("'true'", "true"),
        ('""', ""),
        ("=", "="),
        ("${{ run }}", "${{ run }}"),
    ],
)
def test_a_word_means_what_it_looks_like(written: str, meant: Any) -> None:
    value = parse(f"key: {written}", "f.yaml").data["key"]
    assert value == meant
    assert type(value) is type(meant)


def test_every_key_and_value_has_its_place() -> None:
    document = parse(TEXT, "f.yaml")
    assert document.data == {
        "top": 1,
        "list": ["first", {"inner": "zwei", "other": "x"}],
        "deep": {"key with space": {"value": "yes"}},
    }
    assert place(document, ("top",)) == (2, 6)
    assert place(document, ("top",), on_key=True) == (2, 1)
    assert place(document, ("list", 0)) == (4, 5)
    assert place(document, ("list", 1, "inner")) == (5, 13)
    assert place(document, ("list", 1, "other"), on_key=True) == (5, 21)
    assert place(document, ("deep", "key with space", "value")) == (8, 12)


def test_a_path_that_leads_nowhere_leads_to_the_nearest_key_above() -> None:
    document = parse(TEXT, "f.yaml")
    assert place(document, ("deep", "no such key")) == (6, 1)
    assert place(document, ("deep", "union-tag", "key with space", "value")) == (8, 5)
    assert place(document, ("top", 0)) == (2, 6)
    assert place(document, ()) == (2, 1)


def test_an_excerpt_points_at_the_character() -> None:
    document = parse('a: {b: "ä", c: x}', "f.yaml")
    error = document.error(Problem(("a", "c"), "wrong"))
    line, caret = error.excerpt.splitlines()
    assert line[caret.index("^")] == "x"
    assert error.place == "f.yaml:1:16"


def test_an_excerpt_of_a_long_line_is_cut_around_the_place() -> None:
    text = "a: [" + "b, " * 500 + "here, " + "c, " * 500 + "d]"
    line, caret = parse(text, "f").error(Problem(("a", 500), "wrong")).excerpt.splitlines()
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("here")


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"])
def test_lines_are_counted_alike_on_all_systems(break_: str) -> None:
    document = parse(f"a: 1{break_}b:{break_}  c: 2{break_}", "f.yaml")
    assert place(document, ("b", "c")) == (3, 6)


@pytest.mark.parametrize("source", ["\ufeffa: 1", "\ufeffa: 1".encode(), b"a: 1"])
def test_bytes_and_text_with_and_without_a_mark_are_read(source: str | bytes) -> None:
    assert parse(source, "f.yaml").data == {"a": 1}


def test_utf8_is_read_and_anything_else_is_refused_at_its_byte() -> None:
    assert parse("a: Čerenkov".encode(), "f.yaml").data == {"a": "Čerenkov"}
    error = only_error("ok: 1\nä: Č\nb: ".encode() + "Č".encode("iso-8859-2"))
    assert (error.line, error.column) == (3, 4)
    assert "UTF-8" in error.reason
    assert "UTF-8" in only_error("a: 1".encode("utf-16")).reason


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x1b", "\x85", "\u2028", "\ufeff", "\ud800"]
)
def test_a_character_that_does_not_print_is_refused_at_its_place(character: str) -> None:
    error = only_error(f"a: 1\nb: x{character}y")
    assert (error.line, error.column) == (2, 5)
    assert f"U+{ord(character):04X}" in error.reason


@pytest.mark.parametrize("make", [lambda n: "a" * n, lambda n: b"\xff" * n])
def test_a_file_of_10_mb_is_refused_unread(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("the parser was asked")

    monkeypatch.setattr(reader.yaml, "parse", never)
    error = only_error(make(10 * 1024 * 1024))
    assert "10,485,760" in error.reason
    assert f"{MAX_BYTES:,}" in error.reason
    assert error.place == "f.yaml:1:1"


def test_a_file_of_the_greatest_size_is_read() -> None:
    text = "a: 1 #"
    assert parse(text.ljust(MAX_BYTES, "x"), "f.yaml").data == {"a": 1}


def test_too_many_values_are_refused_where_the_first_is_too_many() -> None:
    error = only_error("a: [" + "1," * (MAX_NODES + 10) + "1]")
    assert f"{MAX_NODES:,}" in error.reason
    assert error.column == 5 + 2 * (MAX_NODES - 2)


def test_nesting_is_bounded() -> None:
    inside = MAX_DEPTH - 1
    assert parse("a: " + "[" * inside + "]" * inside, "f.yaml").data
    assert only_error("a: " + "[" * (inside + 1) + "]" * (inside + 1)).column == 4 + inside
    assert "50 levels" in only_error("a: " + "[" * 100_000).reason
    assert "50 levels" in only_error("\n".join(f"{' ' * n}a:" for n in range(100)) + " 1").reason


@pytest.mark.parametrize(
    "before", [b"a: 1\nb: ", b"a: 1\r\nb: ", b"a: 1\rb: ", b"\xef\xbb\xbfa: 1\nb: "]
)
def test_a_byte_that_is_not_utf8_is_placed_alike_on_all_systems(before: bytes) -> None:
    error = only_error(before + b"\xff\n")
    assert (error.line, error.column) == (2, 4)


@pytest.mark.parametrize("text", ["a: {b: 1", "a: 1\nb: [c", "a: 1\nbcd"])
def test_a_mistake_at_the_end_of_a_last_line_without_end_is_within_the_file(text: str) -> None:
    error = only_error(text)
    lines = text.split("\n")
    assert (error.line, error.column) == (len(lines), len(lines[-1]) + 1)
    assert lines[-1] in error.excerpt


def test_no_more_than_a_page_of_mistakes_is_reported() -> None:
    with pytest.raises(DefinitionErrors) as caught:
        parse("a: 1\n" * 1000, "f.yaml")
    assert len(caught.value.errors) == MOST_OF_A_KIND + 1


def test_all_duplicates_are_reported_with_both_places() -> None:
    with pytest.raises(DefinitionErrors) as caught:
        parse("a: 1\nb: {c: 1, c: 2}\na: 2\n", "f.yaml")
    assert [error.place for error in caught.value.errors] == ["f.yaml:2:11", "f.yaml:3:1"]
    assert "already at f.yaml:2:5" in caught.value.errors[0].reason
    assert "already at f.yaml:1:1" in caught.value.errors[1].reason


def test_keys_stay_words_even_if_they_look_like_something_else() -> None:
    assert parse("{1: a, no: b, null: c, 1.0: d}", "f.yaml").data == {
        "1": "a",
        "no": "b",
        "null": "c",
        "1.0": "d",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [touch owned]",
        "a: !!python/name:os.system",
        "!!map {a: 1}",
        "a: !local x",
        "!key a: 1",
        "a: ! x",
    ],
)
def test_tags_are_refused(text: str) -> None:
    assert "tags are not allowed" in only_error(text).reason


@pytest.mark.parametrize("text", ["a: &x 1", "&x a: 1", "a: &x [1]\nb: *x", "a: &x {b: *x}"])
def test_anchors_are_refused_before_anything_is_multiplied(text: str) -> None:
    assert "anchors" in only_error(text).reason


def test_an_alias_without_an_anchor_is_refused() -> None:
    assert "*nothing" in only_error("a: 1\nb: *nothing\nc: *nothing").reason


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="ab01:- \n\t{}[],&*!|>'\"#%@?~.$\x00é", max_size=60))
def test_no_text_ends_in_anything_but_data_or_placed_errors(text: str) -> None:
    errors: tuple[DefinitionError, ...] = ()
    data: object = {}
    try:
        data = parse(text, "f.yaml").data
    except DefinitionErrors as caught:
        errors = caught.errors
        data = None
    assert isinstance(data, dict) != bool(errors)
    assert all(e.line >= 1 and e.column >= 1 and e.reason and e.hint for e in errors)


_scalars = st.one_of(
    st.integers(-(10**17), 10**17),
    st.text(alphabet="abc :#é-", max_size=8),
    st.booleans(),
    st.none(),
    st.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
)
_trees = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=3), inner, max_size=3),
    ),
    max_leaves=10,
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=3), _trees, min_size=1))
def test_what_pyyaml_writes_is_read_back(data: dict[str, Any]) -> None:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    assert parse(yaml.dump(data, Dumper=Plain, allow_unicode=True), "f.yaml").data == data
