"""Steps that want the same files: parts that overlap or leave files out, work done twice, and
outputs that a query may swallow. Files that are removed are the subject of ``removals``.

DIRAC lets any number of transformations take the same file, and tells nobody.

Invariant: two steps that take all files of a parent for different work are no finding: that is what
a split is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from dirac_prodsys.core.gathering import FIELD
from dirac_prodsys.core.meta_query import EmptyIntersection, MetaQuery, say
from dirac_prodsys.core.outputs import Candidates
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.core.proof.subject import Subject, removes

#: outputs that one step might swallow and that are told
_TOLD = 5


def check(subject: Subject) -> Iterator[Problem]:
    """All of it."""
    yield from _same_work(subject)
    for parent in subject.children:
        if parent in subject.leaves:
            narrowing = _narrowing(subject, parent)
            yield from _overlaps(subject, parent, narrowing)
            yield from _left_out(subject, parent, narrowing)
    yield from _swallowed(subject)


def _narrowing(subject: Subject, parent: str) -> dict[str, tuple[str, ...]]:
    """Child that takes part of the parent's files → fields by which it does."""
    left = subject.leaves[parent]
    found = {}
    for child in subject.children[parent]:
        wanted = subject.takes.get(child)
        if wanted is None:
            continue
        fields = tuple(n for n in wanted.fields if not wanted.only(n).subsumes(left.only(n)))
        if fields:
            found[child] = fields
    return found


def _overlaps(
    subject: Subject, parent: str, narrowing: dict[str, tuple[str, ...]]
) -> Iterator[Problem]:
    for first, second in combinations(narrowing, 2):
        fields = tuple(n for n in narrowing[second] if n in narrowing[first])
        if not fields or {first, second} & _removers(subject):
            continue
        one, two = subject.takes[first], subject.takes[second]
        try:
            both = one.refine(two)
        except EmptyIntersection:
            continue
        if one == two and _work(subject, first) == _work(subject, second):
            continue  # told as the same work
        yield Problem(
            subject.condition(second, fields[0]),
            f"steps {first} and {second} both take files of {parent} with "
            f"{both.only(*narrowing[first], *narrowing[second])}",
            "let the two parts exclude each other, if each file is meant for one of them",
            code="siblings-overlap",
        )


def _left_out(
    subject: Subject, parent: str, narrowing: dict[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """Values of the parent's fields that no child takes, where children split by that field."""
    if set(narrowing) != set(subject.children[parent]):
        return  # somebody takes all, or an unknown part
    for field, condition in subject.leaves[parent].to_dirac().items():
        values = condition.get("in", []) if isinstance(condition, dict) else []
        splitting = [child for child, fields in narrowing.items() if field in fields]
        if len(splitting) < 2 or splitting != list(narrowing):
            continue
        queries = [subject.takes[child].only(field) for child in splitting]
        rest = [v for v in values if not any(query.matches({field: v}) for query in queries)]
        if rest:
            yield Problem(
                subject.condition(splitting[-1], field),
                f"no step takes the files of {parent} with {field} {_say(rest)}: "
                f"{', '.join(splitting)} split them by {field}",
                "correct the condition of one, or add a step",
                code="files-not-taken",
            )


def _say(values: list[object]) -> str:
    return say({"in": values} if len(values) > 1 else {"=": values[0]})


def _work(subject: Subject, step: str) -> object:
    """What the tasks of a step do, whatever it is called."""
    spec = subject.steps[step].transformation
    body = spec.body.model_dump(mode="json", exclude={"name"})
    return spec.type, spec.plugin, body, sorted(spec.parameters.items())


def _same_work(subject: Subject) -> Iterator[Problem]:
    by_query: dict[MetaQuery, list[str]] = {}
    for step, query in subject.takes.items():
        by_query.setdefault(query, []).append(step)
    for steps in by_query.values():
        first: list[tuple[object, str]] = []
        for step in steps if len(steps) > 1 else ():
            work = _work(subject, step)
            same = next((other for done, other in first if done == work), None)
            if same is None:
                first.append((work, step))
            else:
                yield Problem(
                    ("steps", step, "input"),
                    f"steps {same} and {step} do the same job on the same files",
                    "drop one, or correct the input of one",
                    code="same-work",
                )


def _removers(subject: Subject) -> set[str]:
    """Steps that remove files: these are meant to take what others have taken."""
    return {step.name for step in subject.plan.steps if removes(step.transformation)}


def _swallowed(subject: Subject) -> Iterator[Problem]:
    """Outputs that would match if their files had a field that nobody declares for them."""
    candidates = Candidates(
        {
            s: left.listed
            for s, left in subject.leaves.items()
            # of a derived output it is known which fields its files have
            if s not in subject.relays and not subject.derived(s)
        }
    )
    for step, wanted in subject.takes.items():
        expected, told = subject.sources(step), 0
        for other in candidates.of(wanted):
            if other in expected or told == _TOLD:
                continue
            left = subject.leaves[other]
            declared = frozenset(left.fields)
            common = tuple(name for name in wanted.fields if name in declared)
            unsaid = [name for name in wanted.fields if name not in declared]
            if FIELD in unsaid:
                continue  # nobody but the planner sets it
            if not common or not unsaid or not wanted.only(*common).intersects(left):
                continue
            told += 1
            whose = "its own output" if other == step else f"the output of step {other}"
            yield Problem(
                ("steps", step, "input"),
                f"step {step} takes {whose} too, if files there have {', '.join(unsaid)}",
                f"declare {', '.join(unsaid)} in the output of {other}, with other values",
                code="may-eat-output",
            )
