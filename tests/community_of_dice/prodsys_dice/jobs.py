"""The job types: ``dice:Throw`` says what it leaves by itself, ``dice:Count`` does not."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictInt, StrictStr

from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.job_types import JobAttributes, JobContext, JobType
from dirac_prodsys.core.models import Model


class Throw(Model):
    """Throws a die.

    :param version: of the program.
    :param sides: of the die.
    """

    type: Literal["dice:Throw"]
    version: StrictStr
    sides: StrictInt = Field(default=6, ge=2)


class Count(JobAttributes):
    """Counts how often each side came up.

    :param version: of the program.
    """

    type: Literal["dice:Count"]
    version: StrictStr

    def body(self, context: JobContext) -> CommunityBody:
        """The neutral body."""
        names = ",".join(output.name for output in context.outputs)
        settings = (("version", self.version), ("outputs", names))
        return CommunityBody(kind="dice", job_class="Count", settings=settings)


JOB_TYPES = (
    JobType("dice:Throw", Throw, transformation="MCSimulation", derives=True),
    JobType("dice:Count", Count, transformation="Merging"),
)
