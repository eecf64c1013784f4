"""Checks whether groups of files fill, and reports the size of each step.

Invariant: a step is reported only if the plan itself bounds the number of its files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dirac_prodsys.core.plan.estimate import NONE, UNKNOWN, Estimate, Span, estimate
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.core.steps.step_plan import StepPlan


def check(subject: Subject, counts: Mapping[str, int] | None = None) -> Iterator[Problem]:
    """Check every step.

    :param counts: step without parents → number of files that the catalogue has for it.
    """
    for name, found in estimate(subject, counts).items():
        step = subject.steps[name]
        if step.rules.needs_input and step.transformation.plugin == "Standard":
            yield from _groups(step, found)
        yield from _expected(step, found)
        if {found.taken, found.tasks, found.made} - {NONE, UNKNOWN}:
            numbers = _in_words(step, found)
            yield Problem(("steps", name), numbers, "nothing to do", on_key=True, code="estimate")


def _groups(step: StepPlan, found: Estimate) -> Iterator[Problem]:
    size = int(step.transformation.group_size)
    bounds = [span.high for span in found.files_in.values()]
    if size < 2 or None in bounds or not bounds:
        return
    most = max(high for high in bounds if high is not None)
    where = " on one storage element" if len(bounds) > 1 else ""
    if 0 < most < size:
        reason = f"a group takes {size} files, and there are at most {most}{where}"
        if step.rules.flush == "never":
            yield Problem(
                ("steps", step.name, "group_size"),
                f"{reason}: without a flush no task is ever made",
                f"take groups of at most {most}, or drop policy.flush",
                code="group-never-fills",
            )
        elif step.start != "on_complete":
            or_else = "say start: on_complete if that is meant, or " if step.parents else ""
            yield Problem(
                ("steps", step.name, "group_size"),
                f"{reason}: its only task is made by a flush, when no file can come any more",
                f"{or_else}take groups of at most {most}",
                code="group-short",
            )
    elif most and step.rules.flush == "never" and "" not in found.files_in:
        rest = sum(span.low % size for span in found.files_in.values() if span.exact)
        if rest:
            yield Problem(
                ("steps", step.name, "group_size"),
                f"{rest} of {found.taken} files are left over from groups of {size}: "
                "without a flush no task takes them",
                "choose a group_size that divides the number of files, or drop policy.flush",
                code="files-left-over",
            )


def _expected(step: StepPlan, found: Estimate) -> Iterator[Problem]:
    dataset, made = step.dataset, found.made
    if dataset is None or dataset.expect_files is None:
        return
    everything = dataset.query == step.transformation.output_query
    too_many = made.high is not None and dataset.expect_files > made.high
    if too_many or (everything and dataset.expect_files < made.low):
        yield Problem(
            ("steps", step.name, "dataset", "expect_files"),
            f"the dataset expects {dataset.expect_files:,} files, and the step makes {made}",
            "correct one of the two",
            code="expect-files",
        )


def _in_words(step: StepPlan, found: Estimate) -> str:
    kind = "task" if step.transformation.body.kind == "request" else "job"
    words = [f"{_count(found.taken, 'file')} in"] if step.rules.needs_input else []
    words.append(_count(found.tasks, kind))
    if step.transformation.output_query is not None:
        words.append(f"{_count(found.made, 'file')} out")
    return f"step {step.name}: {', '.join(words)}"


def _count(span: Span, what: str) -> str:
    return f"{span} {what}" if span == Span(1, 1) else f"{span} {what}s"
