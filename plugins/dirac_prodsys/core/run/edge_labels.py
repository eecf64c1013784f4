"""Labels the edges between steps: which files the child takes, in short.

Airflow draws the edges between two closed groups as one edge with the label of the first. So a
value that differs between branches is written as "by particle", which is true of each branch and of
all.

Invariant: pure; the same plan gives the same labels. A label has at most :data:`MOST` characters,
because boxes stand as far apart as labels are long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.steps.step_plan import StepPlan

#: maximum characters of a label
MOST = 24

#: field → its condition in words
Asked = Mapping[str, str]


def labels(production: Production, plan: ProductionPlan) -> dict[str, str]:
    """Label each step with the files it takes: the conditions that separate them from others.

    :returns: step → label; none for a step whose input is not a query.
    """
    asked = {step.name: _asked(production, plan, step) for step in plan.steps}
    often = Counter(item for one in {tuple(a.items()) for a in asked.values()} for item in one)
    steps = {f"= {production.as_written(name)}" for name in asked}
    branches: dict[str, list[str]] = {}
    for name in asked:
        branches.setdefault(production.as_written(name), []).append(name)
    labels: dict[str, str] = {}
    for own in branches.values():
        fields = {f: "" for name in own for f in _most_telling(asked[name], often, steps)}
        for field in fields:
            words = {asked[name].get(field, "") for name in own}
            fields[field] = words.pop() if len(words) == 1 else ""
        labels |= dict.fromkeys(own, _short(fields))
    return labels


def _asked(production: Production, plan: ProductionPlan, step: StepPlan) -> Asked:
    """Return the conditions of a step's input query, with steps named as in the file."""
    query = step.transformation.input_query
    if not query:
        return {}
    found = {field: _words(production, value) for field, value in query.to_dirac().items()}
    # it is obvious that they are files of this run
    return {field: words for field, words in found.items() if words != f"= {plan.run}"} or found


def _most_telling(
    asked: Asked, often: Mapping[tuple[str, str], int], steps: Collection[str]
) -> Asked:
    """Choose the conditions that the fewest other queries share, or the one that names a step."""
    fewest = min((often[item] for item in asked.items()), default=0)
    found = {field: words for field, words in asked.items() if often[field, words] == fewest}
    return {field: words for field, words in found.items() if words in steps} or found


def _words(production: Production, condition: Any) -> str:
    if not isinstance(condition, Mapping):
        return f"= {production.as_written(str(condition))}"
    parts = []
    for operator, value in condition.items():
        values = value if isinstance(value, list | tuple) else [value]
        named = list(dict.fromkeys(production.as_written(str(v)) for v in values))
        sign = "=" if operator == "in" and len(named) == 1 else operator
        parts.append(f"{sign} {', '.join(named)}")
    return " ".join(parts)


def _short(asked: Asked) -> str:
    """Write the label; a value without words differs with each branch."""
    differs = ", ".join(field for field, words in asked.items() if not words)
    parts = [f"{field} {words}" for field, words in asked.items() if words]
    text = ", ".join([*([f"by {differs}"] if differs else []), *parts])
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
