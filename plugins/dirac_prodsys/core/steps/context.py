"""Says which step of which run is being planned, and where in the file the planner is.

Everything that reads a part of a step needs the same five things: the production, the step, the
values of its placeholders, the path of that part, and where mistakes are noted.

Invariant: a placeholder has the same value wherever it stands in a step.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.steps.placeholders import fill
from dirac_prodsys.errors import DefinitionError


def run_values(production: Production, run: str) -> dict[str, str]:
    """Return the values of the placeholders that a whole run shares."""
    return {"production": production.name, "run": run, "vo": production.vo}


@dataclass(frozen=True)
class StepContext:
    """A step, or a part of it, in one run; all keys are read from this part.

    :param keys: path of the part below the step.
    """

    production: Production
    step: Step
    run: str
    problems: Problems
    keys: Path = ()

    @property
    def path(self) -> Path:
        """Return the path of this part in the production."""
        return ("steps", self.step.name, *self.keys)

    @cached_property
    def values(self) -> dict[str, str]:
        """Return the values of the placeholders."""
        values = run_values(self.production, self.run) | {"step": self.step.name}
        if self.step.turn is not None:
            values["pass"] = str(self.step.turn.number)
        if self.step.run_numbers is not None:
            values["first_run"] = str(self.step.run_numbers.first)
        return values

    @property
    def quiet(self) -> StepContext:
        """Return the same context with mistakes of its own, for what somebody else reports."""
        return replace(self, problems=Problems())

    def below(self, *keys: str | int) -> StepContext:
        """Return the context of a part of this part."""
        return replace(self, keys=(*self.keys, *keys))

    def fill(self, value: Any, *keys: str | int) -> Any:
        """Return ``value`` with its placeholders filled in; mistakes are noted."""
        return fill(value, self.values, (*self.path, *keys), self.problems)

    def add(
        self,
        keys: Path,
        reason: str,
        hint: str = "",
        *,
        on_key: bool = False,
        code: str = DefinitionError.code,
    ) -> None:
        """Note one mistake."""
        self.problems.add((*self.path, *keys), reason, hint, on_key=on_key, code=code)

    def at(self, *keys: str | int) -> AbstractContextManager[None]:
        """Turn a :class:`DefinitionError` raised inside into a mistake there, and go on."""
        return self.problems.at(*self.path, *keys)
