"""Productions that wait for something: gates, approvals, questions, loops.

Invariant: as for :mod:`productions`; what gates wait for lies below :func:`place`, and a number is
always called ``auc``.
"""

from __future__ import annotations

import random

from tests.walk.productions import BY_FILES, SHAPES, step_lines

#: policies under which persons are asked
ASKING = (
    *BY_FILES,
    "{flush: manual}",
    "{recovery: {max_resets: 1, max_reset: ask, missing_in_fc: ask}}",
    "{flush: manual, recovery: {errors: [{status: Failed, then: ask}]}}",
)
#: the number from which on a condition holds
ENOUGH = 0.8
#: hours; none: for ever
WITHIN = ("", ", within: 1", ", within: 24")


def place(number: int) -> str:
    """Where the files lie that gates of a production wait for."""
    return f"/sim/gates/walk{number}"


def text(number: int) -> str:
    """The production of a number."""
    chance = random.Random(number)  # noqa: S311  not for secrets
    silence = chance.choice(("", ", within: 2"))
    asked = f", approval: {{subject: May it run?{silence}}}" if chance.random() < 0.3 else ""
    head = f"name: walk{number}, vo: sim{asked}"
    lines = ["version: 1", f"production: {{{head}}}"]
    if chance.random() < 0.4:
        return "\n".join([*lines, *_loop(chance, number)]) + "\n"
    lines.append("steps:")
    steps = chance.choice(SHAPES)
    for name, parents in steps:
        last = name == steps[-1][0]
        lines += step_lines(chance, number, name, parents, last=last, policies=ASKING)
        lines += _guards(chance, number, name)
    return "\n".join(lines) + "\n"


def _guards(chance: random.Random, number: int, step: str) -> list[str]:
    lines: list[str] = []
    kinds = chance.sample(("file", "value", "dataset", "production"), chance.choice((0, 1, 1, 2)))
    if kinds:
        lines.append("    wait_for:")
    for kind in kinds:
        within, at = chance.choice(WITHIN), f"{place(number)}/{step}"
        entry = {
            "file": f'file: "{at}/model"',
            "value": f'value: {{file: "{at}/number", when: auc >= {ENOUGH}}}',
            "dataset": f'dataset: "/sim/datasets/gate_walk{number}_{step}"',
            "production": f"production: other, step: {step}",
        }[kind]
        lines.append(f"      - {{{entry}{within}}}")
    if chance.random() < 0.35:
        silence = chance.choice(("", ", within: 1", ", within: 1, otherwise: approve"))
        lines.append(f"    approval: {{subject: May {step} start?{silence}}}")
    return lines


def _loop(chance: random.Random, number: int) -> list[str]:
    numbers = f'"/sim/walk{number}/${{{{ run }}}}/test/${{{{ pass }}}}/number"'
    lines = [
        "loops:",
        "  tune:",
        "    steps: [train, test]",
        f"    until: {{file: {numbers}, when: auc >= {ENOUGH}}}",
        f"    at_most: {chance.randint(2, 3)}",
        f"    otherwise: {chance.choice(('fail', 'go_on', 'go_on'))}",
        "steps:",
    ]
    shape = (("sim", ()), ("train", ("sim",)), ("test", ("train",)), ("apply", ("train",)))
    for name, parents in shape:
        turns = name in ("train", "test")
        own = step_lines(
            chance, number, name, parents, last=name == "apply", turns=turns, policies=BY_FILES[:3]
        )
        if name == "test":  # one job, which leaves one number
            own = [line.replace("test_@{JOB_ID}.dat", "number") for line in own]
            own = ["    group_size: 50" if "group_size" in line else line for line in own]
        lines += own
        if not turns:
            lines += _guards(chance, number, name)
    return lines
