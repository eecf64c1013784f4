"""Reads the definition of a run anew, for what only it knows: branches and labels.

Invariant: a definition that cannot be read any more, because this version reads it otherwise or
because it needs files beside it, costs only these.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.language.axes import Axes, read_axes
from dirac_prodsys.core.language.located import NOWHERE, Located, Mistakes
from dirac_prodsys.core.language.matrix import label
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.reports.page.answers.production import Change
from dirac_prodsys.core.run.edge_labels import labels
from dirac_prodsys.core.text.document import Text

#: definitions and plans that are kept, the last used
_KEPT = 16
#: most lines of a difference
_LINES = 2000


@dataclass(frozen=True)
class Branch:
    """A step as a branch of a matrix.

    :param written: the step of the file; :param values: axis → value.
    """

    written: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Definition:
    """A definition that was read, with its plan for a run."""

    production: Production
    plan: ProductionPlan

    def branches(self) -> dict[str, Branch]:
        """Map each step to the branch that it is."""
        axes = self.axes()
        found = {}
        for step in self.plan.steps:
            written = self.production.as_written(step.name)
            found[step.name] = Branch(written)
        if axes is None:
            return found
        for written in {one.written for one in found.values()}:
            for combination in axes.combinations:
                own = {axis: combination[axis] for axis in self._axes_of(written, axes)}
                name = "-".join((written, *map(label, own.values())))
                if name in found and found[name].written == written:
                    values = {axis: str(value) for axis, value in own.items()}
                    found[name] = Branch(written, values)
        return found

    def axes(self) -> Axes | None:
        """Return the axes of its matrix; None: it has none."""
        matrix = self.production.written(("matrix",))
        if not matrix:
            return None
        return read_axes(Located(matrix, NOWHERE), Mistakes(Text("", "")))

    def labels(self) -> dict[str, str]:
        """Map each step to the most telling condition of its input."""
        return labels(self.production, self.plan)

    def _axes_of(self, written: str, axes: Axes) -> Sequence[str]:
        named = self.production.written(("steps", written, "matrix"))
        if named is None:
            return axes.names
        own = {str(each.value) for each in named}
        return [name for name in axes.names if name in own]


def read_definition(
    text: str, file: str, run: str, parameters: Mapping[str, Any]
) -> Definition | None:
    """Return a definition with its plan; None: it cannot be read any more.

    :param run: tag of the run; :param parameters: values that it was given.
    """
    return _read(text, file, run, json.dumps(dict(parameters), sort_keys=True, default=str))


@lru_cache(maxsize=_KEPT)
def _read(text: str, file: str, run: str, parameters: str) -> Definition | None:
    try:
        production = load_production(text, file)
        bound = production.bind(json.loads(parameters))
        return Definition(bound, compile_plan(bound, run=run))
    except Exception:  # written for another version, or for files that are not here
        return None


def changes(before: str, after: str) -> tuple[Change, ...]:
    """Return what differs between two definitions, as a unified difference."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    found = []
    for line in list(lines)[2 : _LINES + 2]:
        sign = line[:1] if line[:1] in "+-@" else " "
        found.append(Change(sign=sign, text=line if sign == "@" else line[1:]))
    return tuple(found)
