"""Checks a production before it costs a CPU hour: all that can be known without a grid.

Reading a file already refuses what cannot work. Here are the checks for what works but is probably
not meant (removals of files that are needed are refused by ``core/plan/removals.py``)::

    links      which of its parent's files a child takes, and what DIRAC's validator would answer
    gathers    by which fields a step takes the outputs of many
    siblings   steps that want the same files, take their own output, or leave files out
    numbers    numbers that a field may store inexactly
    shape      connected parts, roots without tasks, fields of two types
    models     steps that apply a model and do not wait for its training
    groups     groups that never fill, and the size of each step
    runs_apart     whether two runs stay apart
    clashes        names that two files claim
    gates_between  what files wait for of each other
    grid_lacks     what a grid lacks for a production (needs facts of that grid)

A new check is a function ``check(subject)`` of a module in :data:`CHECKS`, and a rule for its code
in ``core/proof/findings.py``.

Invariant: pure: text in, findings out, all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from dirac_prodsys.core.dialects import RUN, Reading, inspect
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Problem, bounded_guesses
from dirac_prodsys.core.proof import (
    clashes,
    gates_between,
    gathers,
    groups,
    links,
    models,
    numbers,
    runs_apart,
    shape,
    siblings,
)
from dirac_prodsys.core.proof.findings import Finding, rule_of
from dirac_prodsys.errors import DefinitionError, DefinitionErrors, as_many_as_help

CHECKS: tuple[Callable[[Subject], Iterator[Problem]], ...] = (
    links.check,
    gathers.check,
    siblings.check,
    shape.check,
    numbers.check,
    runs_apart.check,
    models.check,
    groups.check,
)


@dataclass(frozen=True)
class Report:
    """The result for one file; small enough to travel between processes.

    :param findings: findings by place.
    :param claims: names that no other file may claim.
    :param waits: what its steps wait for, and make.
    """

    file: str
    findings: tuple[Finding, ...]
    claims: tuple[clashes.Placed, ...] = ()
    waits: gates_between.Waits | None = None

    @property
    def broken(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self.findings)


def prove(subject: Subject) -> Iterator[Problem]:
    """Yield the problems of all checks, with paths of the native form."""
    for check in CHECKS:
        yield from in_words_of_the_file(check(subject), subject.plan)


def in_words_of_the_file(problems: Iterable[Problem], plan: ProductionPlan) -> Iterator[Problem]:
    """Yield the problems with the run named as in the file."""
    for problem in problems:
        if plan.run in problem.reason:
            problem = replace(problem, reason=problem.reason.replace(plan.run, RUN))
        yield problem


def read(
    text: str | bytes, file: str, *, read_sibling: Callable[[str], str | None] | None = None
) -> tuple[Report, Reading | None]:
    """Check one file.

    :param file: its name, for findings.
    :param read_sibling: reads another file of the same folder.
    :return: the report, and the reading itself if the file is a production.
    """
    try:
        reading = inspect(text, file, read_sibling=read_sibling)
    except DefinitionErrors as errors:
        return Report(file, _sorted(Finding.of(error) for error in errors.errors)), None
    errors_found = [*reading.mistakes, *reading.remarks]
    claims: list[clashes.NameClaim] = []
    if reading.production is not None:
        claims.append(clashes.production(reading.production))
    if reading.production is not None and reading.plan is not None:
        subject = Subject(reading.production, reading.plan)
        with bounded_guesses():
            errors_found += [reading.at_place(problem) for problem in prove(subject)]
        claims += clashes.claims(subject)
    placed = (clashes.Placed(c, reading.at_place(Problem(c.path, c.name))) for c in claims)
    waits = gates_between.waits(reading)
    return Report(file, _findings(errors_found), tuple(placed), waits), reading


def _findings(errors: Iterable[DefinitionError]) -> tuple[Finding, ...]:
    """Return all notes, and only as many other findings as help."""
    in_order = sorted(errors, key=lambda error: (error.file, error.line, error.column))
    notes = [error for error in in_order if rule_of(error.code).severity == "note"]
    wrong = [error for error in in_order if rule_of(error.code).severity != "note"]
    return _sorted(Finding.of(error) for error in (*notes, *as_many_as_help(wrong)))


def _sorted(findings: Iterator[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(dict.fromkeys(findings)))
