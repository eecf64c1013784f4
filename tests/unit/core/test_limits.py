"""Limits: one table, shown in the reference, and what is measured by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dirac_prodsys.core import limits
from dirac_prodsys.core.proof import read

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "limits.md"

TEXT = """\
version: 1
production: {{name: p, vo: sim}}
steps:
  a:
    type: MCSimulation
    tasks: 2
    job: {{type: script, executable: x}}
    output:
      directory: {directory}
      se: DISK-A-SE
      metadata: {{run: "${{{{ run }}}}", step: a, value: {value}}}
      files: [{file}]
"""


def errors(directory: str = "/sim/p/${{ run }}", value: str = "1", file: str = "a@{JOB_ID}") -> str:
    """The errors of a production that has these."""
    text = TEXT.format(directory=directory, value=value, file=f'"{file}"')
    report, _ = read(text, "p.yaml")
    return " ".join(f.message for f in report.findings if f.severity == "error")


def test_the_reference_shows_the_table() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", REFERENCE.read_text("utf-8"), re.MULTILINE)
    wanted = [
        (limit.what, f"{limit.most:,} {limit.unit}".strip(), limit.source)
        for limit in limits.LIMITS
    ]
    assert rows[1:] == wanted


@pytest.mark.parametrize(
    ("kept", "lost", "limit"),
    [
        ({"file": "f" * 120 + "@{JOB_ID}"}, {"file": "f" * 121 + "@{JOB_ID}"}, "128"),
        (
            {"directory": "/sim/" + "d/" * 13 + "${{ run }}"},
            {"directory": "/sim/" + "d/" * 14 + "${{ run }}"},
            "15",
        ),
        ({"value": "v" * 128}, {"value": "v" * 129}, "128"),
        ({"value": "2147483647"}, {"value": "2147483648"}, "2,147,483,647"),
        ({"value": "-2147483647"}, {"value": "-2147483648"}, "2,147,483,647"),
        ({"value": "3000000000.5"}, {"value": "3000000000.0"}, "2,147,483,647"),
    ],
)
def test_what_fits_is_kept_and_one_more_is_an_error_with_the_limit(
    kept: dict[str, str], lost: dict[str, str], limit: str
) -> None:
    assert errors(**kept) == ""
    assert limit in errors(**lost)


@pytest.mark.parametrize("size", [1, 999_999, 2.5, 0.1, 1_000_000, 1234.56])
def test_a_group_size_of_six_digits_is_kept(size: float) -> None:
    assert limits.keeps_group_size(size)


@pytest.mark.parametrize("size", [1_234_567, 1234.5678, 1_000_001])
def test_a_group_size_of_more_digits_is_not(size: float) -> None:
    assert not limits.keeps_group_size(size)
