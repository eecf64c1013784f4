"""The productions that are walked: one to five steps of every shape and policy that we have.

Invariant: a number gives the same production always; there are :data:`KINDS` of them, and after
them :data:`GUARDED` that wait for something.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from airflow.sdk import DAG

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.provider.dag_builder import build_dag

#: how many different productions there are that wait for nothing, and that do
KINDS, GUARDED = 240, 80

#: the only run
RUN = "r1"

#: each step: name, parents; no parents: it simulates, or takes files that are there already
SHAPES: tuple[tuple[tuple[str, tuple[str, ...]], ...], ...] = (
    (("a", ()),),
    (("a", ()), ("b", ("a",))),
    (("a", ()), ("b", ("a",)), ("c", ("b",))),
    (("a", ()), ("b", ("a",)), ("c", ("a",))),
    (("a", ()), ("b", ("a",)), ("c", ("a",)), ("d", ("b", "c"))),
    (("a", ()), ("b", ()), ("c", ("a", "b"))),
    (("a", ()), ("b", ("a",)), ("c", ("b",)), ("d", ("c",)), ("e", ("c",))),
)

#: policies of steps with input
BY_FILES = (
    "",
    "",
    "{recovery: {max_resets: 8, missing_in_fc: retry, max_reset: retry}}",
    "{flush: never}",
    "{max_flushes: 3}",
    "{max_problematic: 2}",
    "{min_processed: 0.5, give_up_after: 12}",
    "{recovery: {mode: passive}}",
    "{recovery: {max_resets: 2, max_per_cause: 5}}",
)
#: policies of steps without
BY_TASKS = ("", "", "{extend: {up_to: 1.0, chunk: 2, max_failed: 0.9}}")

STARTS = ("streaming", "streaming", "on_complete", "{at: 50%}")

#: where the files of a root with input lie
STOCK = "/sim/stock"


@dataclass(frozen=True)
class Walked:
    """A production, its plan for the run that is walked, and its DAG."""

    production: Production
    plan: ProductionPlan
    dag: DAG
    text: str


@functools.cache
def walked(number: int) -> Walked:
    """The production of a number."""
    from tests.walk import guarded

    text = _text(number) if number < KINDS else guarded.text(number)
    production = load_production(text, f"walk{number}.yaml")
    plan = compile(production, run=RUN, parameters={})
    return Walked(production, plan, build_dag(production), text)


def _text(number: int) -> str:
    chance = random.Random(number)  # noqa: S311  not for secrets
    steps = chance.choice(SHAPES)
    lines = ["version: 1", f"production: {{name: walk{number}, vo: sim}}", "steps:"]
    for name, parents in steps:
        lines += step_lines(chance, number, name, parents, last=name == steps[-1][0])
    return "\n".join(lines) + "\n"


def step_lines(
    chance: random.Random,
    number: int,
    name: str,
    parents: tuple[str, ...],
    *,
    last: bool,
    turns: bool = False,
    policies: Sequence[str] = BY_FILES,
) -> list[str]:
    """A step as a user writes it.

    :param last: it may have a dataset.
    :param turns: it is in a loop.
    """
    where, mark = (
        (f"{name}/${{{{ pass }}}}", f'"{name}-${{{{ pass }}}}"') if turns else (name, name)
    )
    lines = [f"  {name}:"]
    if not parents and chance.random() < 0.75:
        lines += ["    type: MCSimulation", f"    tasks: {chance.randint(1, 7)}"]
        policy = chance.choice(BY_TASKS)
    else:
        lines += ["    type: Merging", f"    group_size: {chance.randint(1, 4)}"]
        policy = chance.choice(policies)
        if parents:
            lines.append(f"    input: {{from: [{', '.join(parents)}]}}")
            lines.append(f"    start: {chance.choice(STARTS)}")
        else:
            lines.append(f"    input: {{where: {{site: stock_{name}}}}}")
    if policy:
        lines.append(f"    policy: {policy}")
    lines += [
        f"    job: {{type: script, executable: do-{name}}}",
        "    output:",
        f"      directory: /sim/walk{number}/${{{{ run }}}}/{where}",
        "      se: DISK-A-SE",
        f'      metadata: {{production: walk{number}, run: "${{{{ run }}}}", step: {mark}}}',
        f'      files: ["{name}_@{{JOB_ID}}.dat"]',
    ]
    if last and chance.random() < 0.7:
        lines.append(f'    dataset: {{name: "/sim/datasets/walk{number}_${{{{ run }}}}"}}')
    return lines
