"""Lines of jobs: what is reported, and what is meant so and not reported."""

# ruff: noqa: RUF001  the signs of text processors are the subject

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirac_prodsys.core.grid import task_values
from dirac_prodsys.core.grid.command_line import mistake, remarks, words

LINES = st.text(alphabet="ab $`'\"\\|&;><~-–“\t", max_size=25)


@given(LINES)
def test_a_line_is_split_as_shlex_splits_it(line: str) -> None:
    try:
        wanted = shlex.split(line)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)):
            words(line)
        assert mistake(line) is not None
        return
    assert [word.text for word in words(line)] == wanted
    assert mistake(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "run > log",
        "run >log",
        "run 2> log",
        "run 2>&1",
        "run &>all.log",
        "run >> log",
        "a | b",
        "a && b",
        "a || b",
        "a ; b",
        "a; b",
        "a &",
        "sort < names.txt",
        "<names.txt",
    ],
)
def test_signs_that_a_shell_would_take_for_its_own_are_reported(line: str) -> None:
    found = list(remarks("run", line))
    assert [code for code, _, _ in found] == ["no-shell"]
    assert "argument" in found[0][1]


@pytest.mark.parametrize(
    "line", ["$HOME/x", "${HOME}", '"$HOME"', "`id`", "$(date)", "--x=$A", "~/x", "~"]
)
def test_what_a_shell_would_fill_in_is_reported(line: str) -> None:
    assert [code for code, _, _ in remarks("run", line)] == ["no-shell"]


@pytest.mark.parametrize(
    "line",
    [
        '--cut "pt > 5 && eta < 2"',
        "--cut 'pt > 5; eta | 2'",
        "'$HOME' '`id`'",
        r"\$HOME \> \|",
        "http://site/x?a=1&b=2",
        "--range a|b --min >5 --max <=7",
        "--formula x[$1] --pct 50% --s %s %n %j 100$",
        '--seed @{JOB_ID} --in a-b_c.d --title "Gamma – ‘proton’"',
        "key=a;b",
        "",
    ],
)
def test_what_is_meant_as_it_stands_is_not_reported(line: str) -> None:
    assert not list(remarks("run", line))
    assert mistake(line) is None


def test_a_script_that_a_shell_reads_itself_is_not_reported() -> None:
    assert not list(remarks("/bin/bash", '-c "echo $HOME > log && ls | wc"'))
    assert not list(remarks("sh", '-ec "echo `id`"'))
    assert list(remarks("bash", '-c "ls" > log'))


@pytest.mark.parametrize(
    "line", ["–seed 5", "--label “a”", "it’s", "10—20", "--x ‘a’", "−5", "„a“"]
)
def test_signs_of_text_processors_are_reported_with_their_code_points(line: str) -> None:
    found = [(code, reason) for code, reason, _ in remarks("run", line)]
    assert [code for code, _ in found] == ["typographic"]
    assert "U+20" in found[0][1] or "U+22" in found[0][1]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@{JOBID}", "JOB_ID"),
        ("@{job_id}", "JOB_ID"),
        ("@{TASK_ID}", "JOB_ID"),
        ("@{ JOB_ID }", "JOB_ID"),
        ("@{TransformationID}", "PRODUCTION_ID"),
        ("@{ProductionId}", "PRODUCTION_ID"),
        ("@{inputdata}", "InputData"),
    ],
)
def test_a_value_that_nobody_fills_in_is_reported_with_the_one_that_was_meant(
    text: str, meant: str
) -> None:
    ((_, hint),) = task_values.mistakes(text)
    assert f"@{{{meant}}}" in hint


@pytest.mark.parametrize("text", ["@{JOB_ID", "@{", "a @{JOB_ID} @{x", "@{{JOB_ID}"])
def test_a_value_that_is_not_closed_is_reported(text: str) -> None:
    assert any("not closed" in reason for reason, _ in task_values.mistakes(text))


@pytest.mark.parametrize(
    "text",
    ["{JOB_ID}", "{{ JOB_ID }}", "%{JOB_ID}", "@(JOB_ID)", "@JOB_ID", "%JOB_ID%", "<JOB_ID>"],
)
def test_what_looks_like_a_value_of_the_task_is_reported(text: str) -> None:
    assert task_values.alike(f"--seed {text}")


@pytest.mark.parametrize(
    "text", ["@{JOB_ID}", "JOB_ID=@{JOB_ID}", "--job_id 5", "MY_JOB_ID", "${JOB_ID}"]
)
def test_what_is_filled_in_or_reported_elsewhere_looks_like_nothing_else(text: str) -> None:
    assert not task_values.alike(f"--seed {text}")
