"""Judges from the state of the grid whether everything exists that a step waits for.

Invariant: the verdict is a pure function of the facts and the clock. All gates of a step must be
open at the same look; a gate that cannot be read or does not hold is waited for, with the reason in
words, until its own time is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dirac_prodsys.core.gates.condition import NumberCondition, read_condition
from dirac_prodsys.core.grid.snapshot import known_fields

GateKind = Literal["dataset", "file", "value", "production"]

#: seconds
HOUR = 3600.0


@dataclass(frozen=True)
class Gate:
    """One thing that a step waits for; primitive, because it travels in triggers for weeks.

    :param kind: ``dataset``, ``file``, ``value`` or ``production``.
    :param name: name of the dataset, the file, or the other production.
    :param when: condition on a value.
    :param step: step of the other production.
    :param within: seconds after which waiting fails; None: never.
    """

    kind: GateKind
    name: str
    when: str = ""
    step: str = ""
    within: float | None = None

    @property
    def text(self) -> str:
        """Say in words what is waited for."""
        match self.kind:
            case "value":
                return f"{self.when} in {self.name}"
            case "production":
                return f"the dataset of step {self.step} of production {self.name}"
            case _:
                return f"{self.kind} {self.name}"

    @property
    def hours(self) -> str:
        """Say in words how long it is waited for at most; empty: without end."""
        return "" if self.within is None else f"{self.within / HOUR:g} h"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without defaults."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Gate:
        """Inverse of :meth:`to_dict`; unknown keys are ignored."""
        return cls(**known_fields(cls, data))


@dataclass(frozen=True)
class Facts:
    """The result of a look at the grid and at Airflow.

    :param datasets: names of those that exist.
    :param files: LFNs of those that exist.
    :param contents: LFN → content, for the files with values; a missing file does not exist.
    :param made: ``production/step`` → datasets of it that exist.
    :param unread: name of the gate → why it could not be checked.
    """

    datasets: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    contents: Mapping[str, bytes] = field(default_factory=dict)
    made: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GateVerdict:
    """What to do.

    :param kind: ``open``: go on; ``wait``; ``fail``: the time of a gate is over; ``closed``: the
        value can be read, and the condition does not hold.
    :param reason: the reason in words, for all gates together.
    :param alarm: what a person should look at.
    :param opened: number of gates that are open, while others are not.
    """

    kind: Literal["open", "closed", "wait", "fail"]
    reason: str
    alarm: str = ""
    opened: int = 0


def judge_gates(gates: Sequence[Gate], facts: Facts, *, waited: float) -> GateVerdict:
    """Judge whether the step may start.

    :param waited: seconds since the wait began.
    """
    found = [(gate, *_look(gate, facts)) for gate in gates]
    closed = [(gate, words) for gate, is_open, words, _ in found if not is_open]
    if not closed:
        return GateVerdict("open", "; ".join(words for _, _, words, _ in found))
    late = [
        f"{words}, and was waited for {gate.hours}"
        for gate, words in closed
        if gate.within is not None and waited >= gate.within
    ]
    if late:
        return GateVerdict("fail", "; ".join(late))
    alarms = [alarm for _, _, _, alarm in found if alarm]
    reason = "; ".join(words for _, words in closed)
    return GateVerdict("wait", reason, "; ".join(alarms), len(gates) - len(closed))


def decide_gate(gate: Gate, facts: Facts, *, waited: float) -> GateVerdict:
    """Judge whether the condition on a value holds; wait only until the value can be read."""
    is_open, words, alarm = _look(gate, facts)
    if gate.name in facts.unread or gate.name not in facts.contents or alarm:
        return judge_gates([gate], facts, waited=waited)
    return GateVerdict("open" if is_open else "closed", words)


def _look(gate: Gate, facts: Facts) -> tuple[bool, str, str]:
    """Return whether the gate is open, the reason in words, and what a person should look at."""
    if gate.name in facts.unread:
        return False, f"{gate.text} cannot be read: {facts.unread[gate.name]}", ""
    match gate.kind:
        case "dataset":
            there = gate.name in facts.datasets
            return there, f"{gate.text} {'exists' if there else 'does not exist yet'}", ""
        case "file":
            there = gate.name in facts.files
            return there, f"{gate.text} {'exists' if there else 'does not exist yet'}", ""
        case "production":
            made = facts.made.get(f"{gate.name}/{gate.step}", ())
            state = f"exists: {', '.join(made)}" if made else "is not made yet"
            return bool(made), f"{gate.text} {state}", ""
        case _:
            return _value(gate, facts.contents.get(gate.name))


def _value(gate: Gate, content: bytes | None) -> tuple[bool, str, str]:
    if content is None:
        return False, f"file {gate.name} does not exist yet", ""
    from dirac_prodsys.core.gates.numbers import ValueFileError, read_values  # who plans reads none

    condition: NumberCondition = read_condition(gate.when)
    try:
        values = read_values(content)
    except ValueFileError as error:
        reason = f"file {gate.name} cannot be used: {error.reason}"
        return False, reason, reason
    if missing := [name for name in condition.names if name not in values]:
        reason = f"file {gate.name} has no number {', '.join(missing)}"
        return False, reason, reason
    is_open = condition.holds(values)
    seen = ", ".join(f"{name} = {values[name]:g}" for name in condition.names)
    verb = "holds" if is_open else "does not hold"
    return is_open, f"{gate.when} {verb} in {gate.name}: {seen}", ""
