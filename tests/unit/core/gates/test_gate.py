"""What a step waits for: the verdict for every kind of gate, whatever a look finds."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.gates.gate import Facts, Gate, judge_gates

DATASET = Gate("dataset", "/sim/d")
FILE = Gate("file", "/sim/f")
VALUE = Gate("value", "/sim/q", when="auc >= 0.8")
OTHER = Gate("production", "prod", step="train")
H = 3600.0


def value(content: bytes) -> Facts:
    return Facts(files=frozenset({"/sim/q"}), contents={"/sim/q": content})


@pytest.mark.parametrize(
    ("gate", "facts", "kind", "words"),
    [
        (DATASET, Facts(), "wait", "dataset /sim/d does not exist yet"),
        (DATASET, Facts(datasets=frozenset({"/sim/d"})), "open", "dataset /sim/d exists"),
        (DATASET, Facts(files=frozenset({"/sim/d"})), "wait", "does not exist yet"),
        (FILE, Facts(), "wait", "file /sim/f does not exist yet"),
        (FILE, Facts(files=frozenset({"/sim/f"})), "open", "file /sim/f exists"),
        (FILE, Facts(unread={"/sim/f": "down"}), "wait", "cannot be read: down"),
        (VALUE, Facts(), "wait", "file /sim/q does not exist yet"),
        (VALUE, value(b"auc = 0.79"), "wait", "does not hold in /sim/q: auc = 0.79"),
        (VALUE, value(b"auc = 0.8"), "open", "auc >= 0.8 holds in /sim/q: auc = 0.8"),
        (VALUE, value(b"auc = high"), "wait", "has no number auc"),
        (VALUE, value(b"{"), "wait", "cannot be used"),
        (VALUE, Facts(unread={"/sim/q": "SE down"}), "wait", "SE down"),
        (OTHER, Facts(), "wait", "the dataset of step train of production prod is not made yet"),
        (OTHER, Facts(made={"prod/train": []}), "wait", "is not made yet"),
        (OTHER, Facts(made={"prod/train": ["/sim/x"]}), "open", "exists: /sim/x"),
        (OTHER, Facts(made={"prod/other": ["/sim/x"]}), "wait", "is not made yet"),
    ],
)
def test_one_gate(gate: Gate, facts: Facts, kind: str, words: str) -> None:
    verdict = judge_gates([gate], facts, waited=10**9)
    assert verdict.kind == kind
    assert words in verdict.reason


def test_all_gates_must_be_open_at_once_and_only_closed_ones_are_reported() -> None:
    half = Facts(files=frozenset({"/sim/f"}))
    verdict = judge_gates([FILE, DATASET], half, waited=0)
    assert (verdict.kind, verdict.reason) == ("wait", "dataset /sim/d does not exist yet")
    both = Facts(files=frozenset({"/sim/f"}), datasets=frozenset({"/sim/d"}))
    assert judge_gates([FILE, DATASET], both, waited=0).kind == "open"


@pytest.mark.parametrize(
    ("waited", "kind"), [(0, "wait"), (2 * H - 1, "wait"), (2 * H, "fail"), (9 * H, "fail")]
)
def test_each_gate_has_its_own_time(waited: float, kind: str) -> None:
    gates = [Gate("file", "/sim/f", within=2 * H), DATASET]
    verdict = judge_gates(gates, Facts(), waited=waited)
    assert verdict.kind == kind
    if kind == "fail":
        assert verdict.reason == "file /sim/f does not exist yet, and was waited for 2 h"


def test_a_gate_that_opens_late_is_open() -> None:
    gate = Gate("file", "/sim/f", within=H)
    assert judge_gates([gate], Facts(files=frozenset({"/sim/f"})), waited=5 * H).kind == "open"


@pytest.mark.parametrize("content", [b"{", b"x" * 70_000, b"loss = 1"])
def test_a_file_that_cannot_be_used_is_an_alarm_and_one_that_is_late_is_none(
    content: bytes,
) -> None:
    assert judge_gates([VALUE], value(content), waited=0).alarm
    assert not judge_gates([VALUE], value(b"auc = 0.1"), waited=0).alarm
    assert not judge_gates([VALUE], Facts(), waited=0).alarm


@pytest.mark.parametrize("gate", [DATASET, FILE, VALUE, OTHER, Gate("file", "/f", within=3.5)])
def test_a_gate_travels_and_learns_nothing_from_newer_versions(gate: Gate) -> None:
    assert Gate.from_dict({**gate.to_dict(), "newer": 1}) == gate
