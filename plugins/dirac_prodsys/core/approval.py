"""What a person is asked before a production, or a step of it, goes on: the question as text.

Invariant: pure: the same plan gives the same question. What a user wrote stands in the question as
text and is never rendered as a template; what is quoted cannot end its quotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from dirac_prodsys.core.conduct import Approval
from dirac_prodsys.core.placeholders import fill
from dirac_prodsys.core.plan_values import ProductionPlan, StepPlan
from dirac_prodsys.core.problems import Path, Problems

#: characters of a question; longer ones are cut
MAX_TEXT = 20_000
#: characters of its subject, which is one line
MAX_SUBJECT = 300


def filled(
    approval: Approval | None, values: Mapping[str, str], path: Path, problems: Problems
) -> Approval | None:
    """The approval with its placeholders filled in; mistakes are noted.

    :param path: where it stands.
    """
    if approval is None:
        return None
    words = {
        key: fill(getattr(approval, key), values, (*path, key), problems)
        for key in ("subject", "text")
    }
    return approval.model_copy(update=words)


def before_production(plan: ProductionPlan) -> str:
    """The question before anything is created: all that a run would send, in short."""
    text = "" if plan.approval is None else plan.approval.text
    head = (
        f"Production **{plan.production}**, run `{plan.run}`, VO {plan.vo}: {len(plan.steps)} "
        f"steps would be created in DIRAC. Plan `{plan.digest}`."
    )
    lines = [line for step in plan.steps for line in _outline(step)]
    return _cut("\n\n".join(part for part in (text, head, quoted(lines)) if part))


def before_step(plan: ProductionPlan, step: str, reports: Iterable[str] = ()) -> str:
    """The question before a step starts: what it is, and what its parents have come to so far.

    :param reports: of the jobs of its parents, as text.
    """
    own = plan.step(step)
    text = "" if own.approval is None else own.approval.text
    head = f"Step **{step}** of production **{plan.production}**, run `{plan.run}`, would start."
    parts = [text, head, quoted(_outline(own)), *(quoted([report]) for report in reports)]
    return _cut("\n\n".join(part for part in parts if part))


def before_removal(step: StepPlan, removes: str) -> str:
    """The question before a step removes files, where the site wants it asked.

    :param removes: by which operations, and how much.
    """
    head = f"Step **{step.name}** would remove files for ever. The site wants this to be asked."
    return _cut("\n\n".join([head, quoted([removes, *_outline(step)])]))


def subject_of(approval: Approval) -> str:
    """The question in one line."""
    return " ".join(approval.subject.split())[:MAX_SUBJECT]


def quoted(lines: Iterable[str]) -> str:
    """The lines as a block that shows them letter by letter."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def _outline(step: StepPlan) -> Iterator[str]:
    spec = step.transformation
    yield f"{step.name}: {spec.type} {spec.name}"
    if step.parents:
        yield f"  from {', '.join(step.parents)} ({step.start})"
    if spec.tasks is not None:
        yield f"  {spec.tasks} tasks"
    if step.awaits:
        yield f"  takes dataset {', '.join(step.awaits)}"
    elif spec.files:
        yield f"  takes {len(spec.files)} listed files"
    elif spec.input_query is not None:
        yield f"  takes {spec.input_query}"
    for directory in spec.directories:
        yield f"  leaves {directory.path}"
    if step.dataset is not None:
        yield f"  makes dataset {step.dataset.name}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n…(cut here)"
