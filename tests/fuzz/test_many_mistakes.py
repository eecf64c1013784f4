"""Mistakes without number: each kind is reported, none without end, and nothing takes for ever."""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

import pytest

from dirac_prodsys.core.problems import LISTED, bounded_guesses, nearest
from dirac_prodsys.core.proof import read
from dirac_prodsys.core.text.wording import MOST
from dirac_prodsys.errors import DefinitionError, DefinitionErrors
from tests.fuzz.checking import warm_up
from tests.fuzz.guard import nothing_happens
from tests.fuzz.hostile import HOSTILE, hostile


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported() -> None:
    """What is imported while a file is read would be refused here."""
    warm_up()


#: seconds of CPU time on a busy machine: what was quadratic took tens of them
SECONDS = 8


@pytest.fixture(autouse=True, scope="module")
def all_is_imported() -> None:
    """While a file is read nothing may be opened, and imports open files."""
    warm_up()


@pytest.mark.parametrize("kind", range(len(HOSTILE)))
@pytest.mark.parametrize("size", [1_000, 10_000])
def test_a_thousand_and_ten_thousand_of_anything_are_read_or_refused_in_few_words(
    kind: int, size: int
) -> None:
    text = HOSTILE[kind](Random(kind), size)  # noqa: S311
    with nothing_happens(SECONDS):
        report, _ = read(text, "hostile.yaml")
    reported = [finding for finding in report.findings if finding.severity != "note"]
    codes = [finding.code for finding in reported]
    assert all(codes.count(code) <= 21 for code in codes)
    assert sum(len(str(finding.to_dict())) for finding in reported) < 64 * 1024
    for finding in reported:
        assert finding.hint.partition("known here: ")[2].count(", ") < LISTED


def test_a_hostile_file_is_as_long_as_is_read() -> None:
    for number in range(40):
        assert len(hostile(Random(number))) <= 1024 * 1024  # noqa: S311


def test_of_many_mistakes_the_first_are_reported_with_the_number_of_the_others() -> None:
    errors = [
        DefinitionError(f"{code} {n}", "mend it", file="f.yaml", line=n, column=1, code=code)
        for n in range(1, 101)
        for code in ("name", "matrix")
    ]
    reported = DefinitionErrors(errors).errors
    assert [error.code for error in reported].count("name") == 21
    last = [error for error in reported if error.code == "name"][-1]
    assert last.reason == "and 80 more of this kind, from here on"
    assert last.line == 21
    # twenty-one are all reported: a line for the one left out would be as long
    assert len(DefinitionErrors(errors[:42]).errors) == 42


def test_all_that_is_reported_is_bounded_and_a_long_reason_is_cut() -> None:
    errors = [
        DefinitionError("x" * 5_000, "y" * 5_000, file="f.yaml", line=n, column=1, code=f"c{n % 9}")
        for n in range(1, 181)
    ]
    message = str(DefinitionErrors(errors))
    assert len(message) < 64 * 1024
    assert "more, from here on" in message


def test_a_hint_lists_ten_names_and_guesses_for_the_first_mistakes_only() -> None:
    names = [f"step{number}" for number in range(1_000)]
    assert nearest("stop7", names).startswith("did you mean 'step7'? known here: step0, ")
    assert nearest("stop7", names).endswith(" and 990 more")
    with bounded_guesses(comparisons=2_500):
        guessed = ["did you mean" in nearest("stop7", names) for _ in range(5)]
    assert guessed == [True, True, False, False, False]


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*a){20}", "([a-z]+)*!", "(a?){30}a{30}b"]
)
def test_a_pattern_that_can_be_matched_in_too_many_ways_is_matched_at_once(pattern: str) -> None:
    text = f"""version: 1
production: {{name: p, vo: sim}}
parameters: {{p: {{type: string, default: "{"a" * 240}!!", pattern: "{pattern}"}}}}
steps: {{}}
"""
    with nothing_happens(SECONDS):
        report, _ = read(text, "p.yaml")
    assert any("does not match" in finding.message for finding in report.findings)


@pytest.mark.parametrize("glob", ["*a" * 60 + "*b", "*" * 120, "[!a]*" * 24, "?*" * 60 + "x"])
def test_a_glob_of_a_rule_of_recovery_is_matched_at_once(glob: str) -> None:
    with nothing_happens(SECONDS):
        assert not fnmatchcase("a" * MOST, glob + "!")


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\\1", "(?<!a)b", "a{1001}", "(" * 999])
def test_a_pattern_that_only_trying_could_match_is_refused(pattern: str) -> None:
    text = f"""version: 1
production: {{name: p, vo: sim}}
parameters: {{p: {{type: string, pattern: "{pattern}"}}}}
steps: {{}}
"""
    report, _ = read(text, "p.yaml")
    assert any("no regular expression of RE2" in finding.message for finding in report.findings)
