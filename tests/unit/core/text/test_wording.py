"""Words of jobs, which may hold anything, as they are shown."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.requests import kind_of
from dirac_prodsys.core.text.wording import MOST, one_line


@pytest.mark.parametrize("words", ["Application Finished With Errors", "", "résumé", "a  b"])
def test_plain_words_stay_as_they_are_but_for_their_blanks(words: str) -> None:
    assert one_line(words) == (words if words.isascii() else " ".join(words.split()))


@pytest.mark.parametrize(
    "words",
    [
        "Done\n2026-01-01 INFO all is well",
        "\x1b[2J\x1b]0;title\x07red",
        "abc\u202egnp.exe",
        "a\x00b\x7f\x9b31m",
        "line\u2028separator\u2029paragraph\x85next",
        "\ud800",
        "x" * 100_000,
        " " * 100_000 + "x",
    ],
)
def test_no_word_of_a_job_breaks_a_line_or_steers_a_terminal(words: str) -> None:
    line = one_line(words)
    assert line.isprintable()
    assert len(line) <= MOST


def test_an_error_of_any_length_is_looked_at_once() -> None:
    assert len(kind_of("a+" * 500_000)) <= 120
