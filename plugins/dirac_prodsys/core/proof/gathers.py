"""Reports by which fields a step takes many outputs, if it does not use all of them.

Invariant: every step is reported whose query omits a field that all its parents declare, and every
step that uses the planner's own field: what is sent is never a surprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.core.steps.gathering import FIELD
from dirac_prodsys.core.text.wording import first_of

#: maximum number of names in a sentence
_SHOWN = 3


@dataclass(frozen=True)
class Gathered:
    """How a step takes many outputs.

    :param makers: steps that made the files.
    :param fields: fields in its query.
    :param left_out: fields that the outputs have and that are not in its query.
    """

    step: str
    makers: tuple[str, ...]
    fields: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def numbered(self) -> bool:
        """Whether the planner adds a field to the outputs for it."""
        return FIELD in self.fields

    def __str__(self) -> str:
        text = f"step {self.step} takes the files of {first_of(self.makers, _SHOWN)}"
        text += f" by {', '.join(self.fields)}, and no other output of the production fulfils that"
        if self.left_out:
            text += f"; not needed: {', '.join(self.left_out)}"
        if self.numbered:
            text += (
                f"; the planner adds {FIELD} to their directories, an integer that the catalogue "
            )
            text += "must define"
        return text


def gathered(subject: Subject, step: str) -> Gathered | None:
    """Return how a step takes many outputs; None: it takes one output, or uses all fields."""
    wanted = subject.takes.get(step)
    if wanted is None or subject.derived(step):
        return None
    makers = _makers(subject, step)
    declared = [subject.steps[maker].transformation.output_query for maker in makers]
    fields = [set(query.fields) for query in declared if query is not None]
    if len(fields) < 2:
        return None
    left_out = set.intersection(*fields) - {FIELD, *wanted.fields}
    if not left_out and FIELD not in wanted.fields:
        return None
    return Gathered(step, makers, wanted.fields, tuple(sorted(left_out)))


def check(subject: Subject) -> Iterator[Problem]:
    """Check all steps."""
    for step in subject.takes:
        found = gathered(subject, step)
        if found is not None:
            hint = "nothing to do"
            if found.numbered:
                hint = f"let the catalogue define {FIELD}, an integer, for directories"
            yield Problem(("steps", step, "input"), str(found), hint, code="gather")


def _makers(subject: Subject, step: str) -> tuple[str, ...]:
    """Return the steps that made a step's input, in the order in which they are named."""
    found: dict[str, None] = {}
    seen = {step}
    open_ends = list(reversed(subject.steps[step].parents))
    while open_ends:
        name = open_ends.pop()
        if name in seen:
            continue
        seen.add(name)
        if subject.steps[name].transformation.output_query is None:
            open_ends += reversed(subject.steps[name].parents)
        else:
            found[name] = None
    return tuple(found)
