"""Tests wait longer where the machine is slow, also where it became slow after it was measured."""

from __future__ import annotations

import itertools

import pytest

from sandbox.errors import SandboxError
from tests import patience


@pytest.fixture(autouse=True)
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "slowness", lambda: 1.0)


def test_a_machine_that_became_slower_gets_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()
    measured: list[int] = []

    def measure() -> float:
        measured.append(next(looks))
        return patience.MOST

    monkeypatch.setattr(patience, "measure", measure)
    found = patience.until("more looks", 0.2, lambda: bool(measured) and next(looks), each=0.05)
    assert found > measured[0]


def test_a_machine_at_rest_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "measure", lambda: 1.0)
    with pytest.raises(SandboxError, match="a wonder: not within 0 s"):
        patience.until("a wonder", 0.1, lambda: False, each=0.02)
