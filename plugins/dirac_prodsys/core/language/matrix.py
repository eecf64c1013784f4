"""Makes the branches of a ``matrix``: one step written, many branches, with stable names.

The axes span branches; ``exclude`` removes some, ``include`` adds others, or adds values to
existing ones. Each step is made once for every combination of the axes that it depends on: all of
them, or those that its own ``matrix:`` names (none: ``[]``). A child takes from those branches of
its parents that share a combination with it, so that a step with fewer axes gathers.

Invariant: the name of a branch depends only on its own values: adding others renames nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dirac_prodsys.core.language.axes import Axes, Combination, read_axes, some_values
from dirac_prodsys.core.language.filling import fill
from dirac_prodsys.core.language.located import (
    MAX_CHARACTERS,
    MAX_VALUES,
    NOWHERE,
    Located,
    Mistakes,
    extent,
)
from dirac_prodsys.core.problems import nearest
from dirac_prodsys.core.production.parameters import Scalar
from dirac_prodsys.core.text.document import Text

#: maximum number of steps of all branches together: Airflow's cost of a DAG grows with their square
MAX_STEPS = 2500
TOO_MUCH = f"more than {MAX_VALUES:,} values, or {MAX_CHARACTERS:,} characters"

_PLAIN = re.compile(r"[^A-Za-z0-9._]+|__+")


@dataclass(frozen=True)
class Branches:
    """The result of writing out the steps.

    :param written: name of a branch of a step → name of the step as written.
    :param count: number of combinations.
    """

    written: Mapping[str, str] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True)
class _Group:
    """Combinations, and the values that all of them share."""

    within: list[Combination]
    agreed: Mapping[str, Scalar]


@dataclass(frozen=True)
class _Template:
    """A step as written.

    :param axes: the axes that it depends on.
    :param names: values of its axes → name of the branch.
    :param within: values of its axes → the combinations that the branch is part of.
    :param unsure: whether it names axes wrongly.
    """

    step: Located
    axes: tuple[str, ...]
    names: Mapping[tuple[Scalar, ...], str]
    within: Mapping[tuple[Scalar, ...], _Group]
    unsure: bool = False

    def of(self, combination: Combination) -> str:
        return self.names[tuple(combination[axis] for axis in self.axes)]


def with_branches(tree: Located, mistakes: Mistakes) -> tuple[Located, Branches]:
    """Return the tree with every step written out for each of its branches."""
    steps, matrix = tree.get("steps"), tree.get("matrix")
    if steps is None or not isinstance(steps.value, dict):
        return tree, Branches()
    if matrix is None:
        for _, step in steps.items():
            if (named := step.get("matrix")) is not None:
                hint = "add matrix: {particle: [gamma, proton]} at the top of the file"
                mistakes.add(
                    named, "there is no matrix that a step could depend on", hint, code="matrix"
                )
        return _without_matrix(tree, steps), Branches()
    axes = read_axes(matrix, mistakes)
    if axes is None:  # placeholders for it are no second mistake
        ignored = Mistakes(Text("", ""))
        filled = fill(steps, "matrix", some_values(matrix), ignored, unknown=lambda name: "")
        return _without_matrix(_with_examples(tree, Axes((), ({},))), filled), Branches()
    groups = _Groups(axes)
    templates = {n: _template(n, step, axes, groups, mistakes) for n, step in steps.items()}
    total = sum(len(template.names) for template in templates.values())
    if total > MAX_STEPS:
        hint = "use fewer values, or name fewer axes in the steps' own matrix"
        mistakes.add(
            matrix,
            f"the branches have {total:,} steps, more than {MAX_STEPS:,}",
            hint,
            code="matrix",
        )
        return tree, Branches()
    if too_big(_each(templates)):
        reason, hint = f"the steps of all branches come to {TOO_MUCH}", "use fewer branches"
        mistakes.add(matrix, reason, hint, code="matrix")
        return tree, Branches()
    made: dict[str, Located] = {}
    written: dict[str, str] = {}
    for name, template in templates.items():
        for values, branch in template.names.items():
            if branch in made:
                reason = f"two steps would be named {branch!r}"
                mistakes.add(
                    template.step,
                    reason,
                    "rename one, or change a value",
                    on_key=True,
                    code="matrix",
                )
                continue
            made[branch] = _branch(name, template, values, axes, templates, mistakes)
            if branch != name:
                written[branch] = name
    filled = _with_examples(tree, axes).put({"steps": Located(made, steps.node)})
    return filled, Branches(written, len(axes.combinations))


def _each(templates: Mapping[str, _Template]) -> Located:
    """Return each step as often as it will be made, nothing filled in."""
    steps = tuple(template.step for template in templates.values() for _ in template.names)
    return Located(steps, NOWHERE)


def too_big(steps: Located) -> bool:
    """Whether steps, written out, cost too much to be looked at."""
    values, characters = extent(steps, MAX_VALUES, MAX_CHARACTERS)
    return values > MAX_VALUES or characters > MAX_CHARACTERS


def _with_examples(tree: Located, axes: Axes) -> Located:
    """Fill some branch's values into ``common`` and ``defaults``, which are in the steps already.

    They are not used any more, but their types are still checked.
    """
    values: dict[str, Scalar] = {}
    for combination in reversed(axes.combinations):
        values |= combination
    ignored = Mistakes(Text("", ""), most=10**9)
    made = {
        key: fill(block, "matrix", values, ignored, unknown=lambda name: "")
        for key in ("common", "defaults")
        if (block := tree.get(key)) is not None
    }
    return tree.put(made)


def _without_matrix(tree: Located, steps: Located) -> Located:
    plain = {n: step.drop("matrix") if step.get("matrix") else step for n, step in steps.items()}
    return tree.put({"steps": Located(plain, steps.node)})


class _Groups:
    """Groups the combinations by the values of some axes; shared by all steps with these axes."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        self._known: dict[tuple[str, ...], dict[tuple[Scalar, ...], _Group]] = {}

    def by(self, used: tuple[str, ...]) -> Mapping[tuple[Scalar, ...], _Group]:
        """Map the values of these axes to the combinations that have them."""
        if used not in self._known:
            found: dict[tuple[Scalar, ...], list[Combination]] = {}
            for combination in self._axes.combinations:
                values = tuple(combination[axis] for axis in used)
                found.setdefault(values, []).append(combination)
            self._known[used] = {
                values: _Group(within, _agreed(within)) for values, within in found.items()
            }
        return self._known[used]


def _template(
    name: str, step: Located, axes: Axes, groups: _Groups, mistakes: Mistakes
) -> _Template:
    used = axes.names
    before = len(mistakes.found)
    named = step.get("matrix")
    if named is not None:
        used = _named_axes(named, axes, mistakes)
    within = groups.by(used)
    names = {values: "-".join((name, *map(label, values))) for values in within}
    unsure = named is not None and len(mistakes.found) > before
    return _Template(step, used, names, within, unsure)


def _named_axes(named: Located, axes: Axes, mistakes: Mistakes) -> tuple[str, ...]:
    if not isinstance(named.value, tuple):
        mistakes.add(
            named,
            "should be a list of axes of the matrix",
            "write matrix: [particle]",
            code="matrix",
        )
        return axes.names
    wanted = set()
    for entry in named.value:
        if entry.value in axes.names:
            wanted.add(entry.value)
        else:
            hint = nearest(str(entry.value), axes.names)
            mistakes.add(entry, f"the matrix has no axis {entry.value!r}", hint, code="matrix")
            # use the axis that was most likely meant, so that its values cause no second mistake
            meant = difflib.get_close_matches(str(entry.value), axes.names, n=1, cutoff=0.8)
            wanted |= set(meant)
    return tuple(axis for axis in axes.names if axis in wanted)


def _branch(
    name: str,
    template: _Template,
    own: tuple[Scalar, ...],
    axes: Axes,
    templates: Mapping[str, _Template],
    mistakes: Mistakes,
) -> Located:
    """Return one branch of a step, its parents and values filled in.

    :param own: the values of its axes.
    """
    step = template.step
    if not isinstance(step.value, dict):
        return step
    if "matrix" in step.value:
        step = step.drop("matrix")
    within, values = template.within[own].within, template.within[own].agreed
    if template.unsure:  # its axes are reported; no second mistake
        values = {**within[0], **values}

    def unknown(word: str) -> str:
        if word in axes.names:
            return f"step {name} is one for all values of {word}: name it in the step's matrix"
        if word in axes.words:
            return f"not every branch of step {name} has one and the same {word}"
        return nearest(word, values)

    step = fill(step, "matrix", values, mistakes, unknown=unknown)
    after = step.get("after")
    if after is not None:
        step = step.put({"after": _branches_of(after, within, templates)})
    parents = step.get("input", "from")
    if parents is None:
        return step
    source = step.value["input"].put({"from": _branches_of(parents, within, templates)})
    return step.put({"input": source})


def _branches_of(
    steps: Located, within: list[Combination], templates: Mapping[str, _Template]
) -> Located:
    """Return the branches of the named steps that share one of these combinations."""
    named = steps.value if isinstance(steps.value, tuple) else (steps,)
    found: list[Located] = []
    for parent in named:
        if not isinstance(parent.value, str) or parent.value not in templates:
            found.append(parent)
            continue
        branches = dict.fromkeys(templates[parent.value].of(c) for c in within)
        found += [parent.scalar(branch) for branch in branches]
    return Located(tuple(found), steps.node)


def _agreed(within: list[Combination]) -> dict[str, Scalar]:
    """Return the values that all these combinations share."""
    first = within[0]
    return {
        key: value
        for key, value in first.items()
        if all(key in other and other[key] == value for other in within)
    }


def label(value: Scalar) -> str:
    """Write a value as part of a name: ``gamma``, ``20``, ``m5`` for -5, ``0.5``."""
    text = str(value)
    if not isinstance(value, str) and text.startswith("-"):
        text = f"m{text[1:]}"
    return _PLAIN.sub("-", text).strip("-._")


def once(reason: str, branches: Mapping[str, str]) -> str:
    """Replace names of branches in a reason by those of the steps as written."""
    if not branches:
        return reason
    return re.sub(r"[A-Za-z0-9_.-]+", lambda m: branches.get(m[0], m[0]), reason)
