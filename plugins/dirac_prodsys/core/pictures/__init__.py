"""Draws a plan as a picture: nodes and arrows as values, and one file per output form.

Invariant: every form shows the same steps, datasets and arrows, with the same words on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from dirac_prodsys.core.pictures.state import States, StepState
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery, form_text
from dirac_prodsys.core.steps.step_plan import StepPlan

#: maximum characters of a condition on an arrow
_WIDTH = 40


@dataclass(frozen=True)
class Box:
    """A step, a dataset or a query of the catalogue.

    :param lines: its text, the name first.
    :param state: how the step stands; None: the box is no step, or no run is shown.
    """

    key: str
    kind: str
    lines: tuple[str, ...]
    state: StepState | None = None


@dataclass(frozen=True)
class Arrow:
    """Files on their way.

    :param words: the metadata by which they are found, one condition each.
    :param late: whether it leads to a step that starts when the one before is complete.
    """

    source: str
    target: str
    words: tuple[str, ...] = ()
    late: bool = False


@dataclass(frozen=True)
class Picture:
    """The content of a picture."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture(plan: ProductionPlan, states: States | None = None) -> Picture:
    """Return the picture of a plan: steps in their order, each followed by its dataset.

    :param states: how each step stands in a run; None: no run is shown.
    """
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    made = {step.dataset.name for step in plan.steps if step.dataset is not None}
    for step in plan.steps:
        state = None if states is None else states.get(step.name, StepState())
        lines = (step.name, step.transformation.type, _size(step))
        boxes.append(Box(step.name, "step", lines + (state.lines if state else ()), state))
        late = step.start == "on_complete"
        for parent in dict.fromkeys((*step.parents, *step.feeders)):
            arrows.append(Arrow(parent, step.name, _taken(plan.step(parent), step), late))
        arrows += [Arrow(other, step.name, (), late=True) for other in step.after]
        source = _source(step)
        if source is not None:
            boxes.append(source)
            query = step.transformation.input_query
            words = _conditions(query) if query is not None else ()
            arrows.append(Arrow(source.key, step.name, words))
        for gate in step.gates:
            key = gate.name
            if key not in made:
                key = f"wait {gate.text}"
                if all(box.key != key for box in boxes):
                    boxes.append(Box(key, "source", (shorten(gate.text),)))
            arrows.append(Arrow(key, step.name, (), late=True))
        if step.dataset is not None:
            name = step.dataset.name
            boxes.append(Box(name, "dataset", (name.rsplit("/", 1)[-1],)))
            arrows.append(Arrow(step.name, name))
    return Picture(plan.production, tuple(boxes), tuple(arrows))


def _size(step: StepPlan) -> str:
    spec = step.transformation
    if spec.tasks is not None:
        return f"{spec.tasks} tasks"
    unit = "GB" if spec.plugin == "BySize" else "files"
    return f"{spec.group_size:g} {unit} a task"


def _source(step: StepPlan) -> Box | None:
    """Return where a root takes its files from."""
    spec = step.transformation
    if step.parents:
        return None
    if step.awaits:
        return Box(f"input {step.name}", "source", (step.awaits[0].rsplit("/", 1)[-1],))
    if spec.files:
        return Box(f"input {step.name}", "source", (f"{len(spec.files)} listed files",))
    if spec.input_query is not None:
        return Box(f"input {step.name}", "source", ("catalogue",))
    return None


def _taken(parent: StepPlan, child: StepPlan) -> tuple[str, ...]:
    """Return the conditions of the child's query on fields that this parent's files have."""
    query, left = child.transformation.input_query, parent.transformation.output_query
    if query is None:
        return ()
    if left is not None and query.intersects(left):
        query = MetaQuery.parse({**left.refine(query).to_dirac()})
    return _conditions(query)


def _conditions(query: MetaQuery) -> tuple[str, ...]:
    words = []
    for field, form in query.to_dirac().items():
        words.append(shorten(f"{field} {form_text(form).strip()}"))
    return tuple(words)


def shorten(text: str) -> str:
    """Shorten a condition so that it fits on an arrow."""
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
