"""Defines ``wait_for:`` of a step as a user writes it: what must exist before the step starts.

Invariant: an entry names one thing; ``core/gates`` checks it when the step is planned, with the
placeholders filled in.
"""

from __future__ import annotations

from pydantic import Field, StrictStr, field_validator, model_validator

from dirac_prodsys.core.gates.condition import ConditionError, read_condition
from dirac_prodsys.core.models import Model, invalid
from dirac_prodsys.core.production.policy import Hours

_KINDS = ("dataset", "file", "value", "production")


class ValueModel(Model):
    """A condition on the numbers in a small file.

    :param file: LFN of the file: JSON, YAML, or lines of ``name = number``; at most 64 KiB.
    :param when: what must hold: names, numbers, ``>= > <= < == !=``, ``and``, ``or``, parentheses.
    """

    file: StrictStr
    when: StrictStr

    @field_validator("when")
    @classmethod
    def _is_a_condition(cls, when: str) -> str:
        try:
            read_condition(when)
        except ConditionError as error:
            reason = f"{when!r} is no condition: {error.reason}"
            raise invalid(reason, "write it as: auc >= 0.8 and events > 1000") from None
        return when


class WaitFor(Model):
    """One thing that a step waits for before it starts.

    :param dataset: name of a dataset that must exist.
    :param file: LFN of a file that must exist.
    :param value: a number in a small file.
    :param production: another production, of which a run must have made the dataset of ``step``.
    :param step: its step.
    :param within: hours after which waiting fails the run; none: it waits on.
    """

    dataset: StrictStr | None = None
    file: StrictStr | None = None
    value: ValueModel | None = None
    production: StrictStr | None = None
    step: StrictStr | None = None
    within: Hours | None = Field(default=None)

    @model_validator(mode="after")
    def _says_one_thing(self) -> WaitFor:
        given = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            reason = (
                f"{' and '.join(given)} stand in one entry" if given else "nothing is waited for"
            )
            raise invalid(reason, "write one of dataset, file, value, or production with step")
        if (self.production is None) != (self.step is None):
            raise invalid("production and step go together", "name both: the step has the dataset")
        return self
