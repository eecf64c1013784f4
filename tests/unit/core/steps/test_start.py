"""When a step starts: with its parents, after them, or at a share of their work."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from dirac_prodsys.core.production.policy import Start, start_fraction

START: TypeAdapter[str] = TypeAdapter(Start)


@pytest.mark.parametrize(
    ("written", "kept", "fraction"),
    [
        ("streaming", "streaming", 0.0),
        ("on_complete", "on_complete", 0.0),
        ({"at": "10%"}, "at 10%", 0.1),
        ({"at": "12.5%"}, "at 12.5%", 0.125),
        ({"at": "100%"}, "at 100%", 1.0),
        ("at 10%", "at 10%", 0.1),
    ],
)
def test_what_may_be_written(written: Any, kept: str, fraction: float) -> None:
    start = START.validate_python(written)
    assert (start, start_fraction(start)) == (kept, fraction)


@pytest.mark.parametrize(
    "written",
    ["later", "", "at 0%", "at 101%", "at", 10, None, {"at": "10"}, {"at": 0.1}, {"at": "0%"}, {}],
)
def test_what_may_not(written: Any) -> None:
    with pytest.raises(ValidationError):
        START.validate_python(written)
