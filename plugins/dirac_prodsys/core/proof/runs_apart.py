"""Checks whether two runs of a production stay apart: in metadata, directories and datasets.

Invariant: judged from the plan: the tag of its run occurs in no other name, so any text that
contains it is made of ``${{ run }}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.core.query.condition import operands
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.shape import run_range

#: placeholders that differ from run to run
_OF_THE_RUN = re.compile(r"\$\{\{\s*(parameters\.|run\b)")

#: no metadata of an output name the run; communities may have a code of their own for that
_OF_OURS = "output-without-run"

_WAY_OUT = "put ${{ run }} into it"


def check(subject: Subject) -> Iterator[Problem]:
    """Yield all problems."""
    run = subject.plan.run
    blind = [
        step.name
        for step in subject.plan.steps
        if step.transformation.output_query is not None
        and not step.transformation.output_query.is_empty
        and not names_run(step.transformation.output_query, run)
    ]
    by_code: dict[str, list[str]] = {}
    for name in blind:
        by_code.setdefault(_code(subject, name), []).append(name)
    for code in sorted(by_code, key=lambda code: code == _OF_OURS):
        yield _blind(by_code[code], code)
    yield from _repeated(subject)
    for step in subject.plan.steps:
        for directory in step.transformation.directories:
            if run not in directory.path and _holds(directory.metadata.values(), run):
                yield Problem(
                    ("steps", step.name, "output", "directory"),
                    f"the metadata of {directory.path} name the run, and its path does not: the "
                    "catalogue refuses the next run",
                    _WAY_OUT,
                    code="directory-without-run",
                )
        dataset = step.dataset
        if dataset is not None and run not in dataset.name and names_run(dataset.query, run):
            yield Problem(
                ("steps", step.name, "dataset", "name"),
                f"the next run makes another dataset of the same name {dataset.name}: "
                "the catalogue refuses that",
                _WAY_OUT,
                code="dataset-without-run",
            )


def _repeated(subject: Subject) -> Iterator[Problem]:
    """Yield run numbers that the next run would use again."""
    for step in subject.production.steps:
        numbers = run_range(step)
        if numbers is None:
            continue
        path = ("steps", step.name, "run_numbers", "first")
        campaign = step.run_numbers.campaign if step.run_numbers is not None else ""
        text = f"{subject.production.written(path)} {campaign}"
        if not _OF_THE_RUN.search(text):
            yield Problem(
                path,
                f"every run uses run numbers {numbers.first} to {numbers.last} of {campaign}: the "
                "second one is refused while the first one's transformation exists",
                "let each run say where it begins: first: ${{ parameters.first_run }}",
                code="run-numbers-repeat",
            )


def _code(subject: Subject, step: str) -> str:
    body = subject.steps[step].transformation.body
    derived = isinstance(body, CommunityBody) and subject.derived(step)
    return community_of(body.kind).runs_mix if derived else _OF_OURS


def _blind(steps: list[str], code: str) -> Problem:
    which = f"step {steps[0]}" if len(steps) == 1 else f"steps {', '.join(steps)}"
    if code != _OF_OURS:
        return Problem(
            ("steps", steps[0]),
            f"the output of {which} is found by metadata that know no run",
            "run this file once; give another campaign metadata of its own",
            on_key=True,
            code=code,
        )
    return Problem(
        ("steps", steps[0], "output", "metadata"),
        f"no metadata of the output of {which} name the run: each run also takes the files of "
        "those before it",
        'add run: "${{ run }}"',
        on_key=True,
        code=_OF_OURS,
    )


def names_run(query: MetaQuery, run: str) -> bool:
    """Whether a condition of the query is made of the run."""
    return any(_holds(operands(condition), run) for condition in query.conditions.values())


def _holds(values: Iterable[object], run: str) -> bool:
    return any(isinstance(value, str) and run in value for value in values)
