"""Makes the graph of a run, and the cells of its matrix.

Invariant: pure. The plan says what there is; without it, the steps that were made say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.core.naming import group_id
from dirac_prodsys.core.query.meta_query import form_text
from dirac_prodsys.core.reports.forecast import Forecast
from dirac_prodsys.core.reports.page.answers.common import StateView
from dirac_prodsys.core.reports.page.answers.production import Axis, Cell, Edge, MatrixView, Node
from dirac_prodsys.core.reports.page.bars import bar
from dirac_prodsys.core.reports.page.definition import Branch, Definition
from dirac_prodsys.core.reports.page.rows import RunView, StepView
from dirac_prodsys.core.reports.page.states import rank, unmade_state
from dirac_prodsys.core.reports.page.words import eta


def nodes(
    run: RunView | None, plan: Mapping[str, Any], definition: Definition | None, now: float
) -> tuple[Node, ...]:
    """Return the steps, parents before children.

    :param run: None: nothing of the plan was made.
    :param plan: JSON form of its plan; empty: unknown.
    """
    views = {} if run is None else {step.name: step for step in run.steps}
    said = {} if run is None or run.airflow is None else run.airflow.said
    branches = {} if definition is None else definition.branches()
    planned = {step["name"]: step for step in plan.get("steps", ())}
    names = list(dict.fromkeys([*planned, *views]))
    parents = {name: parents_of(planned.get(name), views.get(name)) for name in names}
    levels: dict[str, int] = {}
    for name in names:
        above = [levels[parent] for parent in parents[name] if parent in levels]
        levels[name] = 1 + max(above, default=-1)
    return tuple(
        _node(
            name,
            levels[name],
            branches.get(name, Branch(name)),
            planned.get(name),
            views.get(name) or unmade_state(name, said.get(group_id(name)), now),
            now,
        )
        for name in names
    )


def edges(
    run: RunView | None, plan: Mapping[str, Any], definition: Definition | None
) -> tuple[Edge, ...]:
    """Return what links the steps."""
    views = {} if run is None else {step.name: step for step in run.steps}
    planned = {step["name"]: step for step in plan.get("steps", ())}
    labels = {} if definition is None else definition.labels()
    found = []
    for name in dict.fromkeys([*planned, *views]):
        step = planned.get(name)
        for parent in parents_of(step, views.get(name)):
            conditions = _conditions(step, planned.get(parent), views.get(name))
            taken = step is None or parent in (*step["parents"], *step.get("feeders", ()))
            found.append(
                Edge(
                    parent=parent,
                    child=name,
                    conditions=conditions if taken else (),
                    label=labels.get(name, conditions[0] if conditions else "") if taken else "",
                    kind="files" if taken else "order",
                    streaming=taken and step is not None and step["start"] != "on_complete",
                )
            )
    return tuple(found)


def matrix(found: Sequence[Node], definition: Definition | None) -> MatrixView | None:
    """Return the branches of the matrix; None: there is none."""
    axes = None if definition is None else definition.axes()
    if axes is None or not axes.names:
        return None
    steps: dict[tuple[str, ...], list[Node]] = {}
    for combination in axes.combinations:
        steps.setdefault(tuple(str(combination[name]) for name in axes.names), [])
    #: axes of a step → their values → the cells that have them
    cells: dict[tuple[int, ...], dict[tuple[str, ...], list[list[Node]]]] = {}
    for node in (one for one in found if one.branch):
        used = tuple(n for n, name in enumerate(axes.names) if name in node.branch)
        if used not in cells:
            of_axes = cells[used] = {}
            for values, own in steps.items():
                of_axes.setdefault(tuple(values[n] for n in used), []).append(own)
        for own in cells[used].get(tuple(node.branch[axes.names[n]] for n in used), ()):
            own.append(node)
    return MatrixView(
        axes=tuple(
            Axis(name=name, values=tuple(dict.fromkeys(values[number] for values in steps)))
            for number, name in enumerate(axes.names)
        ),
        cells=tuple(
            Cell(
                values=values,
                steps=tuple(node.step for node in own),
                state=_worst(own),
                fraction=round(sum(node.fraction for node in own) / len(own), 4),
            )
            for values, own in steps.items()
            if own
        ),
    )


def parents_of(planned: Mapping[str, Any] | None, view: StepView | None) -> tuple[str, ...]:
    """Return the steps before a step: those whose files it takes, and those it waits for."""
    if planned is not None:
        words = ("parents", "feeders", "after")
        return tuple(dict.fromkeys(name for word in words for name in planned.get(word, ())))
    return () if view is None else view.track.step.parents


def _node(
    name: str,
    level: int,
    branch: Branch,
    planned: Mapping[str, Any] | None,
    view: StepView | StateView,
    now: float,
) -> Node:
    """Return a step.

    :param view: what is known of its transformation; or its state, if it has none yet.
    """
    spec = {} if planned is None else planned["transformation"]
    dataset = "" if planned is None or not planned["dataset"] else planned["dataset"]["name"]
    if isinstance(view, StateView):
        state, transformation, own, fraction = view, None, "", 0.0
        bars, done = bar(None, spec.get("tasks")), Forecast(why="it has not begun")
        adopted, kind = False, str(spec.get("type") or "")
    else:
        step = view.track.step
        kind = str(spec.get("type") or step.type)
        state, transformation, own = view.state, step.transformation, step.name
        fraction, adopted = round(view.progress.fraction, 4), step.adopted
        bars, done = bar(view.seen, step.tasks), view.progress.forecast
        dataset = dataset or step.dataset
    return Node(
        step=name,
        written=branch.written,
        branch=dict(branch.values),
        type=kind,
        transformation=transformation,
        name=own,
        level=level,
        state=state,
        fraction=fraction,
        bar=bars,
        eta=eta(done, now),
        dataset=dataset,
        adopted=adopted,
    )


def _conditions(
    child: Mapping[str, Any] | None, parent: Mapping[str, Any] | None, view: StepView | None
) -> tuple[str, ...]:
    """Return the conditions of the child's input that the parent's output has, too."""
    asked = {} if child is None else child["transformation"].get("input_query") or {}
    if not asked and view is not None:
        asked = view.track.step.query
    made = {} if parent is None else parent["transformation"].get("output_query") or {}
    return tuple(
        condition_words(name, form) for name, form in asked.items() if not made or name in made
    )


def condition_words(name: str, form: Any) -> str:
    """Write a condition: ``particle = gamma``."""
    return f"{name} {operator_words(form)}"


def operator_words(form: Any) -> str:
    """Write what a condition asks of a field: ``= gamma``, ``one of 1, 2``."""
    text = form_text(form)
    plain = not isinstance(form, Mapping) or set(form) == {"="}
    return f"= {text}" if plain else text


def _worst(own: Sequence[Node]) -> StateView:
    return min((node.state for node in own), key=lambda state: rank(state.kind))
