"""Finds steps that want the same files, do the same work twice, or leave files out.

It also finds outputs that a query may take by accident. Removed files are checked in ``removals``.
DIRAC lets any number of transformations take the same file, and does not report it.

Invariant: two steps that take all files of a parent for different work are not reported: that is
what a split is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache

from dirac_prodsys.core.plan.subject import Subject, removes
from dirac_prodsys.core.problems import ENOUGH, Problem
from dirac_prodsys.core.query.condition import OneOf, matches
from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery, form_text
from dirac_prodsys.core.query.spans import Spans
from dirac_prodsys.core.query.value import Value, compared
from dirac_prodsys.core.steps.gathering import FIELD
from dirac_prodsys.core.steps.outputs import Candidates

#: maximum number of reported outputs that one step might take by accident
_MOST = 5


def check(subject: Subject) -> Iterator[Problem]:
    """Yield all problems."""
    work = _Work(subject)
    yield from _same_work(subject, work)
    for parent in subject.children:
        if parent in subject.leaves:
            narrowing = _narrowing(subject, parent)
            yield from _overlaps(subject, parent, narrowing, work)
            yield from _left_out(subject, parent, narrowing)
    yield from _swallowed(subject)


def _narrowing(subject: Subject, parent: str) -> dict[str, tuple[str, ...]]:
    """Map each child that takes part of the parent's files to the fields by which it does."""
    left = subject.leaves[parent]
    found = {}
    for child in subject.children[parent]:
        wanted = subject.takes.get(child)
        if wanted is None:
            continue
        fields = tuple(n for n in wanted.fields if wanted.narrows(left, n))
        if fields:
            found[child] = fields
    return found


def _overlaps(
    subject: Subject, parent: str, narrowing: dict[str, tuple[str, ...]], work: _Work
) -> Iterator[Problem]:
    reported = 0
    for first, second, field in _perhaps_common(subject, narrowing, work):
        try:
            both = subject.takes[first].refine(subject.takes[second])
        except EmptyIntersection:
            continue
        yield Problem(
            subject.condition(second, field),
            f"steps {first} and {second} both take files of {parent} with "
            f"{both.only(*narrowing[first], *narrowing[second])}",
            "let the two parts exclude each other, if each file is meant for one of them",
            code="siblings-overlap",
        )
        reported += 1
        if reported == ENOUGH:
            return


def _perhaps_common(
    subject: Subject, narrowing: dict[str, tuple[str, ...]], work: _Work
) -> Iterator[tuple[str, str, str]]:
    """Yield pairs of steps, in order, that take part of the files by one field, and the field.

    Left out are pairs that a value or a range separates, pairs with the same work, which are
    reported as such, and steps that remove files: these are meant to take what others have taken.
    """
    fields = {
        child: names
        for child, names in narrowing.items()
        if not removes(subject.steps[child].transformation)
    }
    if len(fields) < 2:
        return
    takes = {step: subject.takes[step] for step in fields}
    later, twins = dict[str, set[str]](), dict[Hashable, set[str]]()
    for step, names in fields.items():
        for name in names:
            later.setdefault(name, set()).add(step)
        twins.setdefault((takes[step], work.of(step)), set()).add(step)
    candidates = Candidates({step: query.listed_keys for step, query in takes.items()})
    spans = Spans(takes)
    for first, names in fields.items():
        for name in names:
            later[name].discard(first)
        among = set[str]().union(*(later[name] for name in names))
        among -= twins[takes[first], work.of(first)]
        among -= spans.apart(takes[first]) if among else set()
        own = frozenset(names)
        for second in candidates.of(takes[first], among):
            yield first, second, next(name for name in fields[second] if name in own)


def _left_out(
    subject: Subject, parent: str, narrowing: dict[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """Yield values of the parent's fields that no child takes, if children split by that field."""
    if len(narrowing) < 2 or set(narrowing) != set(subject.children[parent]):
        return  # nothing is split, or a child takes all, or an unknown part
    for field, condition in subject.leaves[parent].to_dirac().items():
        values = condition.get("in", []) if isinstance(condition, dict) else []
        if not values:
            continue
        splitting = [child for child, fields in narrowing.items() if field in fields]
        if len(splitting) < 2 or splitting != list(narrowing):
            continue
        taken = dict.fromkeys(subject.takes[child].conditions[field] for child in splitting)
        listed = {key for one in taken if isinstance(one, OneOf) for key in one.keys}
        others = [one for one in taken if not isinstance(one, OneOf)]
        rest = [
            value
            for value in values
            if compared(value) not in listed and not any(matches(one, value) for one in others)
        ]
        if rest:
            yield Problem(
                subject.condition(splitting[-1], field),
                f"no step takes the files of {parent} with {field} {_say(rest)}: "
                f"{', '.join(splitting)} split them by {field}",
                "correct the condition of one, or add a step",
                code="files-not-taken",
            )


def _say(values: list[Value]) -> str:
    return form_text({"in": values} if len(values) > 1 else {"=": values[0]})


class _Work:
    """What the tasks of each step do, independent of names; computed once."""

    def __init__(self, subject: Subject) -> None:
        self._steps = subject.steps
        self._known: dict[str, Hashable] = {}

    def of(self, step: str) -> Hashable:
        """Return a value that is equal for equal work."""
        if step not in self._known:
            spec = self._steps[step].transformation
            body = spec.body.model_dump(mode="json", exclude={"name"})
            self._known[step] = (spec.type, spec.plugin, _hashable(body, spec.parameters))
        return self._known[step]


def _hashable(*values: object) -> tuple[Hashable, ...]:
    """Return plain data that can be a key."""
    return tuple(
        frozenset(zip(value, _hashable(*value.values()), strict=True))
        if isinstance(value, dict)
        else _hashable(*value)
        if isinstance(value, list)
        else value
        for value in values
    )


def _same_work(subject: Subject, work: _Work) -> Iterator[Problem]:
    by_query: dict[MetaQuery, list[str]] = {}
    for step, query in subject.takes.items():
        by_query.setdefault(query, []).append(step)
    for steps in by_query.values():
        first: dict[Hashable, str] = {}
        for step in steps if len(steps) > 1 else ():
            same = first.setdefault(work.of(step), step)
            if same != step:
                yield Problem(
                    ("steps", step, "input"),
                    f"steps {same} and {step} do the same job on the same files",
                    "drop one, or correct the input of one",
                    code="same-work",
                )


def _swallowed(subject: Subject) -> Iterator[Problem]:
    """Yield outputs that would match if their files had a field that they do not declare."""
    candidates = Candidates(
        {
            s: left.listed_keys
            for s, left in subject.leaves.items()
            # for a derived output it is known which fields its files have
            if s not in subject.relays and not subject.derived(s)
        }
    )
    declaring: dict[str, set[str]] = {}
    for step, left in subject.leaves.items():
        for name in left.fields:
            declaring.setdefault(name, set()).add(step)
    spans = Spans(subject.leaves)

    @lru_cache(maxsize=16)  # many steps ask for the same fields
    def declaring_some(fields: tuple[str, ...]) -> set[str]:
        having = [declaring.get(name, set()) for name in fields]
        everywhere: set[str] = set.intersection(*having)
        return set.union(*having) - everywhere

    for step, wanted in subject.takes.items():
        among = declaring_some(wanted.fields) - subject.sources(step)
        if FIELD in wanted.fields:  # only the planner sets it
            among &= declaring.get(FIELD, set())
        if not among:
            continue
        among -= spans.apart(wanted)
        reported = 0
        for other in candidates.of(wanted, among):
            left = subject.leaves[other]
            common = tuple(name for name in wanted.fields if name in left.conditions)
            unsaid = [name for name in wanted.fields if name not in left.conditions]
            if not wanted.only(*common).intersects(left):
                continue
            whose = "its own output" if other == step else f"the output of step {other}"
            yield Problem(
                ("steps", step, "input"),
                f"step {step} takes {whose} too, if files there have {', '.join(unsaid)}",
                f"declare {', '.join(unsaid)} in the output of {other}, with other values",
                code="may-eat-output",
            )
            reported += 1
            if reported == _MOST:
                break
