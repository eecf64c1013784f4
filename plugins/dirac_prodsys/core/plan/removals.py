"""Finds removals of files that are still needed, of copies that must stay, or without a bound.

DIRAC lets any transformation remove what any other takes, and does not look at datasets.

Invariant: a removal that comes after everything that needs its files, with a bounded query, is not
reported. The findings are errors, and looked for whenever a plan is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dirac_prodsys.core.grid.request_rules import STORAGE_ELEMENT as NAME
from dirac_prodsys.core.plan.subject import Subject, removes
from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.removals import (
    copied_to,
    only_takes_away,
    operations,
    removed_from,
    takes_away,
    unbounded,
)
from dirac_prodsys.core.steps.step_plan import StepPlan

#: maximum number of readers in one message
_MOST = 5


def check(subject: Subject) -> Iterator[Problem]:
    """Yield all problems."""
    readers = [
        name for name in subject.takes if not only_takes_away(subject.steps[name].transformation)
    ]
    copying = {
        step.name: kept
        for step in subject.plan.steps
        if (kept := _filled(step)) and step.name in subject.takes
    }
    for step in subject.plan.steps:
        yield from _overlap(step)
        yield from _in_vain(subject, step)
        if not takes_away(step.transformation):
            continue
        yield from _no_bound(subject, step)
        yield from _copies(subject, step, copying)
        if removes(step.transformation):
            yield from _read(subject, step, readers)
            yield from _of_datasets(subject, step)


def complete_before(subject: Subject, step: str) -> set[str]:
    """Return the steps that are complete when this one starts, also by datasets it waits for."""
    found = subject.before(step)
    waited = {g.name for name in (step, *found) for g in subject.steps[name].gates}
    for maker in subject.plan.steps if waited else ():
        if maker.dataset is not None and maker.dataset.name in waited:
            found |= {maker.name, *subject.before(maker.name), *maker.parents}
    one = subject.steps[step]
    if one.start == "on_complete":
        found |= {*one.parents, *one.feeders}
    for loop in subject.plan.loops:  # a pass begins when the one before it is checked
        last = max((n for n, steps in enumerate(loop.passes) if found & {*steps}), default=0)
        found |= {each for steps in loop.passes[:last] for each in steps}
    return found - {step}


@dataclass(frozen=True)
class _Files:
    """The files that a query takes, and the steps that made them, as far as that is known."""

    query: MetaQuery
    sources: frozenset[str]

    def meets(self, other: _Files) -> bool:
        """Whether the two certainly share a file, if they have any.

        Queries on different fields, of files about which nothing else is known, may share files;
        that cannot be decided.
        """
        if not self.query.intersects(other.query):
            return False
        if self.sources & other.sources:
            return True
        mine, others = set(self.query.fields), set(other.query.fields)
        return mine <= others or others <= mine


def _taken(subject: Subject, step: str) -> _Files | None:
    query = subject.takes.get(step)
    return None if query is None else _Files(query, frozenset(subject.sources(step)))


def _gone(subject: Subject, step: StepPlan) -> _Files | None:
    """Return what a step removes; None: listed files, or an unresolved dataset's files.

    A list with files of a step of the production is refused elsewhere (``linking``).
    """
    taken = _taken(subject, step.name)
    if taken is None and step.verified_at:
        taken = next((t for p in step.parents if (t := _taken(subject, p)) is not None), None)
    return taken


def _read(subject: Subject, step: StepPlan, needing: list[str]) -> Iterator[Problem]:
    gone = _gone(subject, step)
    ended = complete_before(subject, step.name)
    readers = [
        reader
        for reader in needing
        if reader != step.name
        and reader not in ended
        and gone is not None
        and (wanted := _taken(subject, reader)) is not None
        and wanted.meets(gone)
    ]
    if readers:
        more = f" and {len(readers) - _MOST} others" if len(readers) > _MOST else ""
        names = f"{', '.join(readers[:_MOST])}{more}"
        verb, them = ("takes", "it") if len(readers) == 1 else ("take", "them")
        after = readers[0] if len(readers) == 1 else f"[{', '.join(readers[:_MOST])}]"
        yield Problem(
            ("steps", step.name, "input"),
            f"step {step.name} removes files that {names} {verb}, and does not wait for {them}",
            f"add after: {after}, narrow what is removed, or remove it in a production of its own",
            code="removed-while-read",
        )


def _of_datasets(subject: Subject, step: StepPlan) -> Iterator[Problem]:
    gone = _gone(subject, step)
    for maker in subject.plan.steps:
        made = maker.dataset
        if made is None:
            continue
        held = _Files(made.query, frozenset({maker.name}))
        if made.name in step.awaits or (gone is not None and held.meets(gone)):
            yield Problem(
                ("steps", step.name, "input"),
                f"step {step.name} removes files of the dataset that {maker.name} makes: it would "
                "list files that are gone",
                "narrow what is removed, or the dataset, by where; or drop one of the two",
                code="removes-dataset",
            )


def _no_bound(subject: Subject, step: StepPlan) -> Iterator[Problem]:
    query = subject.takes.get(step.name)
    if query is None or not unbounded(query) or subject.production.step(step.name).confirm:
        return
    yield Problem(
        ("steps", step.name, "input"),
        f"nothing bounds what step {step.name} removes: {query} names no value, no list and no "
        "range with two ends",
        "name the files, a dataset or a value of some field; if all of them are meant, add "
        "confirm: true to the step",
        code="removal-unbounded",
    )


def _overlap(step: StepPlan) -> Iterator[Problem]:
    """Yield places that one step, or one request, both fills and empties."""
    spec = step.transformation
    kept = frozenset(step.verified_at)
    for index, operation in enumerate(operations(spec)):
        emptied = removed_from(operation, spec)
        kept |= copied_to(operation, spec)
        if both := sorted(emptied & kept):
            path: Path = ("steps", step.name, "job", "operations", index)
            if operation.attributes.get("TargetSE") and not step.verified_at:
                path = (*path, "TargetSE")
            yield Problem(
                path,
                f"{operation.type} removes what must stay at {', '.join(both)}: copies go there, "
                "and are removed from there",
                "name no storage element both among the sources and the targets",
                code="removes-copies",
            )


def _in_vain(subject: Subject, step: StepPlan) -> Iterator[Problem]:
    """Yield copies from one place to the same place."""
    spec = step.transformation
    sources, targets = (str(spec.parameters.get(n, "")) for n in ("SourceSE", "TargetSE"))
    # of several sources, a file that is at one may be missing at another
    pairs = [(sources, targets)] if spec.plugin == "Broadcast" else []
    pairs += [
        (o.attributes.get("SourceSE", ""), o.attributes.get("TargetSE", ""))
        for o in operations(spec)
        if o.type == "ReplicateAndRegister"
    ]
    if any(one == other and NAME.fullmatch(one) for one, other in pairs):
        yield Problem(
            ("steps", step.name, "plugin_parameters")
            if subject.production.step(step.name).plugin_parameters
            else ("steps", step.name, "job"),
            f"step {step.name} copies files to where they are",
            "name another TargetSE",
            code="removes-copies",
        )


def _filled(step: StepPlan) -> frozenset[str]:
    """Return where a step puts copies."""
    spec = step.transformation
    return frozenset[str]().union(*(copied_to(o, spec) for o in operations(spec)))


def _copies(
    subject: Subject, step: StepPlan, copying: Mapping[str, frozenset[str]]
) -> Iterator[Problem]:
    """Yield copies of one step that another removes in parallel, or before anything has used them.

    :param copying: step → where it puts copies.
    """
    spec = step.transformation
    emptied = frozenset[str]().union(*(removed_from(o, spec) for o in operations(spec)))
    everything = any(o.type == "RemoveFile" for o in operations(spec))
    gone = _gone(subject, step)
    ended = complete_before(subject, step.name)
    for name, kept in copying.items():
        other = subject.steps[name]
        if name == step.name or not (everything or emptied & kept):
            continue
        wanted = _taken(subject, other.name)
        if wanted is None or gone is None or not wanted.meets(gone):
            continue
        if step.name in complete_before(subject, other.name):
            continue
        if other.name not in ended:
            if everything:
                continue  # it is reported as a reader
            reason = f"while {other.name} copies files there"
        elif step.verified_at or other.name not in step.parents or _may_wait(subject, step, other):
            continue
        else:
            reason = f"before anything has used the copies that {other.name} has made there"
        where = ", ".join(sorted(emptied & kept)) or "everywhere"
        yield Problem(
            ("steps", step.name, "input"),
            f"step {step.name} removes files at {where}, {reason}",
            "remove them from where they were copied from, or after the steps that use the copies",
            code="removes-copies",
        )


def _may_wait(subject: Subject, step: StepPlan, copying: StepPlan) -> bool:
    """Whether something uses the copies first: a step in between, a gate, or a person."""
    if step.gates or step.approval is not None:
        return True
    between = complete_before(subject, step.name) - complete_before(subject, copying.name)
    copied = subject.takes[copying.name]
    return any(
        subject.takes[name].intersects(copied)
        for name in between - {copying.name}
        if name in subject.takes
        and not takes_away(subject.steps[name].transformation)
        and copying.name in (*subject.steps[name].parents, *subject.steps[name].after)
    )
