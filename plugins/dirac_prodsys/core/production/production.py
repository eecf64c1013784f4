"""Defines what a user asks for: the production model, in any dialect.

Invariant: frozen, closed (unknown keys are errors) and strict (a number is not a string), so that
every field of an existing ``Production`` was meant. Strings may contain ``${{ name }}``
placeholders; ``plan.compile`` fills them, from names only: there is no code in a production.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import Field, PrivateAttr, StrictBool, StrictStr

from dirac_prodsys.core.models import Model
from dirac_prodsys.core.problems import Path, Problem
from dirac_prodsys.core.production.loops import LoopModel
from dirac_prodsys.core.production.notify import Notify
from dirac_prodsys.core.production.parameters import Parameter, values_for
from dirac_prodsys.core.production.policy import Approval, OnCancel, OnCancelForm
from dirac_prodsys.core.production.schedule import Schedule
from dirac_prodsys.core.production.step import Step, TypeModel
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

#: our own dialect
NATIVE = "native"


class SourceFile(Protocol):
    """The file that a production was read from."""

    @property
    def combinations(self) -> int:
        """Return the number of combinations of its matrix; 0: it has none."""

    def at_place(self, problem: Problem) -> DefinitionError:
        """Return a problem of the production at its place in the file."""

    def written(self, path: Path) -> Any:
        """Return what is written at a place, its placeholders not filled; None: nothing."""

    def as_written(self, step: str) -> str:
        """Return the step of the file that a step is a branch of; else its own name."""

    def bind(self, values: Mapping[str, Any]) -> Production:
        """Return the production with these values of its parameters; defaults for the others.

        :raises DefinitionErrors: a value is not allowed, or makes the production wrong.
        """


class Production(Model):
    """A production: steps that turn events into datasets.

    :param name: also the dag_id; ``[A-Za-z0-9_.-]``.
    :param vo: virtual organisation that owns the files.
    :param connection: Airflow connection ID of type ``dirac``.
    :param links: name → address, for people.
    :param schedule: what begins its runs, besides people; None: nothing.
    :param parameters: values that a run may choose, by name.
    :param approval: asked before anything is created.
    :param on_cancel: what a run that did not complete leaves on the grid.
    :param notify: who receives which notices; None: the deployment's rules.
    :param registry: whether its runs are entered in DIRAC's ProductionSystem.
    :param types: transformation types of the site, beside those that are known everywhere.
    :param loops: steps that are gone through again; ``steps`` has all their passes.
    :param dialect: whose rules make queries and metadata of the steps: :data:`NATIVE`, or a
        community, whose steps may derive the metadata of their output from those of their input.
    :param source: the text it was read from, and
    :param file: that text's file name; both shown to people, never interpreted again.
    """

    name: StrictStr
    vo: StrictStr
    description: StrictStr = ""
    connection: StrictStr = "dirac_default"
    tags: tuple[StrictStr, ...] = ()
    links: dict[StrictStr, StrictStr] = Field(default={})
    schedule: Schedule | None = None
    parameters: dict[StrictStr, Parameter] = Field(default={})
    types: dict[StrictStr, TypeModel] = Field(default={})
    approval: Approval | None = None
    on_cancel: OnCancelForm = OnCancel(action="stop")
    registry: StrictBool = True
    notify: Notify | None = None
    steps: tuple[Step, ...]
    loops: dict[StrictStr, LoopModel] = Field(default={})
    dialect: str = NATIVE
    source: StrictStr = Field(default="", repr=False)
    file: StrictStr = ""
    _origin: SourceFile | None = PrivateAttr(default=None)
    _named: tuple[tuple[Step, ...], dict[str, Step]] = PrivateAttr(default=((), {}))

    def read_from(self, origin: SourceFile) -> Production:
        """Return this production with its file: places of mistakes, values of parameters."""
        self._origin = origin
        return self

    @property
    def branches(self) -> int:
        """Return the number of combinations of its matrix; 0: it has none."""
        return 0 if self._origin is None else self._origin.combinations

    def bind(self, values: Mapping[str, Any]) -> Production:
        """Return the production of a run that chose these values of its parameters.

        :raises DefinitionErrors: a value is unknown, missing or not allowed, or makes the
            production wrong.
        """
        if self._origin is not None and self.parameters:
            return self._origin.bind(values)
        try:
            values_for(self.parameters, values)
        except DefinitionError as error:
            raise DefinitionErrors([error]) from None
        return self

    def at_place(self, problem: Problem) -> DefinitionError:
        """Return the problem at its place; by its path alone if the production was not read."""
        if self._origin is None:
            return problem.unplaced(self.file)
        return self._origin.at_place(problem)

    def written(self, path: Path) -> Any:
        """Return what is written at a place, placeholders not filled; None if not read."""
        return None if self._origin is None else self._origin.written(path)

    def as_written(self, step: str) -> str:
        """Return the step of the file that a step is a branch of; else its own name."""
        return step if self._origin is None else self._origin.as_written(step)

    def step(self, name: str) -> Step:
        """Return the step of that name; KeyError if there is none."""
        if self._named[0] is not self.steps:  # new, or a copy with other steps
            self._named = self.steps, {step.name: step for step in self.steps}
        return self._named[1][name]
