"""A step on its way to a transformation: what it is given, what it takes and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass

from dirac_prodsys.core.ctao.inputs import Input
from dirac_prodsys.core.ctao.job_types import CtaoType
from dirac_prodsys.core.ctao.outputs import Output
from dirac_prodsys.core.ctao.settings import Settings
from dirac_prodsys.core.production import Step


@dataclass(frozen=True)
class Draft:
    """A step.

    :param output: None if only its jobs will know it.
    """

    step: Step
    settings: Settings
    taken: Input
    output: Output | None

    @property
    def kind(self) -> CtaoType:
        """Its job type."""
        return self.settings.kind

    @property
    def parents(self) -> tuple[str, ...]:
        """Names of the steps that it names; one at most."""
        return self.step.parents

    @property
    def limit(self) -> int | None:
        """How many files it takes, in a trial."""
        limit: int | None = self.settings.get("input_limit")
        return limit
