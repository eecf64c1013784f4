"""Checks the production as a whole: connected parts, where files begin, and what fields hold.

Invariant: several separate chains, or several single steps, are valid forms and not reported; a
single step beside chains is reported, because its link was most likely forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.production.production import NATIVE
from dirac_prodsys.core.query.condition import operands
from dirac_prodsys.core.query.meta_query import MetaQuery


def check(subject: Subject) -> Iterator[Problem]:
    """Yield all problems."""
    yield from _connected(subject)
    yield from _roots(subject)
    yield from _mixed_types(subject)


def _connected(subject: Subject) -> Iterator[Problem]:
    parts = _parts(subject)
    if len(parts) < 2:
        return
    linked = [part for part in parts if len(part) > 1]
    alone = [part[0] for part in parts if len(part) == 1] if linked else []
    for name in alone:
        yield Problem(
            ("steps", name),
            f"step {name} is linked to no other step of this production",
            "name a parent under input.from, or make it a production of its own",
            on_key=True,
            code="unconnected",
        )
    if not alone:
        yield Problem(
            ("steps", parts[1][0]),
            f"the production is a bag of {len(parts)} parts that are not linked",
            "nothing to do",
            on_key=True,
            code="bag",
        )


def _parts(subject: Subject) -> list[list[str]]:
    """Return the steps that are linked by files, or because one waits for the other."""
    import networkx as nx  # takes long, and the graph has needed it already

    # for a reader, the step that removes the sources of a copy is not a separate step
    steps = {step.name: step for step in subject.plan.steps if not step.verified_at}
    linked: nx.Graph[str] = nx.Graph()
    for part in subject.graph.parts:
        nx.add_path(linked, [name for name in part if name in steps])
    linked.add_edges_from(
        (name, other) for name, step in steps.items() for other in step.after if other in steps
    )
    return [sorted(part, key=list(steps).index) for part in nx.connected_components(linked)]


def _roots(subject: Subject) -> Iterator[Problem]:
    for step in subject.plan.steps:
        if not step.rules.needs_input and step.transformation.tasks is None:
            yield Problem(
                ("steps", step.name),
                f"nothing says how many tasks step {step.name} makes: it waits until somebody "
                "extends it in DIRAC, and completes it there",
                _how_many(subject.production.dialect),
                on_key=True,
                code="root-without-tasks",
            )


def _mixed_types(subject: Subject) -> Iterator[Problem]:
    """Yield fields with two kinds of values: one kind is lost or refused."""
    first: dict[str, tuple[bool, str]] = {}
    for step in subject.plan.steps:
        output = step.transformation.output_query
        sources: list[tuple[Path, MetaQuery]] = []
        if output is not None:
            sources.append((("steps", step.name, "output", "metadata"), output))
        if step.name in subject.takes:
            sources.append((("steps", step.name, "input"), subject.takes[step.name]))
        for path, query in sources:
            for field, condition in query.conditions.items():
                for value in operands(condition):
                    is_text = isinstance(value, str)
                    known, where = first.setdefault(field, (is_text, step.name))
                    if known != is_text:
                        yield Problem(
                            (*path, field)
                            if path[-1] == "metadata"
                            else subject.condition(step.name, field),
                            f"{field} is {_kind(is_text)} here ({value!r}), and "
                            f"{_kind(known)} in step {where}",
                            "a field of the catalogue has one type: quote both, or none",
                            code="mixed-types",
                        )


def _kind(is_text: bool) -> str:
    return "text" if is_text else "a number"


def _how_many(dialect: str) -> str:
    own = "" if dialect == NATIVE else community_of(dialect).tasks_hint
    return own or "say tasks: 1000 for it"
