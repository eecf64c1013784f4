"""Writes the question that a person answers before a production, or a step, goes on.

Invariant: pure: the same plan, requested by the same person at the same moment, gives the same
question. Text of a user stays text and is never rendered as a template; quoted text cannot end its
quotation, nor its table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dirac_prodsys.core.grid.specs import JobSpec, RequestSpec, TransformationSpec
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import short
from dirac_prodsys.core.production.policy import Approval
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.core.text.wording import first_of

#: maximum characters of a question; longer ones are cut
MAX_TEXT = 20_000
#: maximum characters of its subject, which is one line
MAX_SUBJECT = 300

#: maximum number of steps in the table of a plan, and of outputs, operations or programs in a cell
_SHOWN_STEPS, _SHOWN_IN_CELL = 30, 3
#: maximum characters of one item in a cell
_LONGEST = 120

_HEAD = ("step", "type", "program", "tasks", "group size", "sites", "takes", "outputs")


def around(by: str | None, within: float | None, last: str, silence: str) -> str:
    """Say who asked for the run, and until when an answer is needed.

    :param by: Airflow's user; None: not a user of Airflow.
    :param within: hours to answer in; None: no limit.
    :param last: the moment at which they are over, in words.
    :param silence: what no answer means, as a word: ``Reject``.
    """
    who = f"{code(by)} asked for this run." if by else "No user of Airflow's asked for this run."
    if within is None:
        return f"{who} It waits until there is an answer."
    return (
        f"{who} Answer before **{last}**, {_span(within)} after this was asked; "
        f"no answer means **{silence}**."
    )


def before_production(plan: ProductionPlan, asked: str = "") -> str:
    """Return the question before anything is created: a summary of all that a run would send.

    :param asked: who asked, and until when an answer is needed (:func:`around`).
    """
    text = "" if plan.approval is None else plan.approval.text
    head = (
        f"Production **{plan.production}**, run `{plan.run}`, VO {plan.vo}: {len(plan.steps)} "
        f"steps would be created in DIRAC. Plan `{plan.digest}`."
    )
    return _cut("\n\n".join(part for part in (text, asked, head, table(plan.steps)) if part))


def before_step(
    plan: ProductionPlan, step: str, reports: Iterable[str] = (), asked: str = ""
) -> str:
    """Return the question before a step starts: the step, and the results of its parents so far.

    :param reports: reports on the jobs of its parents, as text.
    :param asked: who asked, and until when an answer is needed (:func:`around`).
    """
    own = plan.step(step)
    text = "" if own.approval is None else own.approval.text
    head = (
        f"Step **{step}** of production **{plan.production}**, run `{plan.run}`, would start: "
        f"transformation `{own.transformation.name}`."
    )
    parts = [text, asked, head, table([own]), *(quoted([report]) for report in reports)]
    return _cut("\n\n".join(part for part in parts if part))


def before_removal(step: StepPlan, removes: str, asked: str = "") -> str:
    """Return the question before a step removes files, if the site requires one.

    :param removes: the removing operations, and how much they remove.
    :param asked: who asked, and until when an answer is needed (:func:`around`).
    """
    head = f"Step **{step.name}** would remove files for ever. The site wants this to be asked."
    parts = [head, asked, quoted([removes]), table([step])]
    return _cut("\n\n".join(part for part in parts if part))


def table(steps: Sequence[StepPlan]) -> str:
    """Write the steps as a Markdown table, one row each; of many, only the first."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(_row(step) for step in steps[:_SHOWN_STEPS])]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    more = len(steps) - _SHOWN_STEPS
    return "\n".join([*lines, *([f"\n… and {more} more steps"] if more > 0 else [])])


def _row(step: StepPlan) -> tuple[str, ...]:
    spec = step.transformation
    body = spec.body
    return (
        code(step.name),
        code(spec.type),
        _cell(_programs(spec)),
        "" if spec.tasks is None else f"{spec.tasks:,}",
        f"{spec.group_size:g}" if spec.tasks is None else "",
        (_cell(body.sites) or "any") if isinstance(body, JobSpec) else "",
        _cell(_takes(step)) + (f", {step.start}" if step.parents else ""),
        _cell(_outputs(step)),
    )


def _programs(spec: TransformationSpec) -> list[str]:
    """Name the programs or operations of the transformation's tasks."""
    body = spec.body
    if isinstance(body, JobSpec):
        return [f"{each.executable} {each.arguments}".strip() for each in body.commands]
    if isinstance(body, RequestSpec):
        return [operation.type for operation in body.operations]
    return [body.job_class.rpartition(".")[2]]


def _takes(step: StepPlan) -> list[str]:
    spec = step.transformation
    if step.parents:
        return list(step.parents)
    if step.awaits:
        return [f"dataset {name}" for name in step.awaits]
    if spec.files:
        return [f"{len(spec.files)} listed files"]
    return [] if spec.input_query is None else [str(spec.input_query)]


def _outputs(step: StepPlan) -> list[str]:
    spec = step.transformation
    found = [directory.path for directory in spec.directories]
    if isinstance(spec.body, JobSpec) and spec.body.outputs:
        found = [f"{each.directory}/{each.name} at {each.se}" for each in spec.body.outputs]
    return [*found, *([] if step.dataset is None else [f"dataset {step.dataset.name}"])]


def _cell(things: Sequence[str]) -> str:
    """Write a cell that shows the first of these items letter by letter."""
    return first_of([code(short(thing, _LONGEST)) for thing in things], _SHOWN_IN_CELL)


def code(text: str) -> str:
    """Write one line that Markdown shows letter by letter, also within a table."""
    line = " ".join(text.split())
    if not line:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def _span(hours: float) -> str:
    """Write a time in words: ``3 days``, ``36 hours``, ``90 minutes``."""
    minutes = round(hours * 60)
    for unit, length in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        count, rest = divmod(minutes, length)
        if count and not rest:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def subject_of(approval: Approval) -> str:
    """Return the question in one line."""
    return " ".join(approval.subject.split())[:MAX_SUBJECT]


def quoted(lines: Iterable[str]) -> str:
    """Write the lines as a block that Markdown shows letter by letter."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n…(cut here)"
