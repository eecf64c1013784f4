"""Defines settings for how a step runs: policy, approval, cancellation.

The models check words and bounds; ``core/policy`` decides what they mean, and the tasks of the DAG
carry it out.

Invariant: times are hours as written, seconds in the rules; the default of a key never changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticKnownError

from dirac_prodsys.core.models import Model, Text, invalid
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.recovery.rules import ErrorRule, Mode, RecoveryAction, RecoveryRules

_HOUR = 3600.0

Hours = Annotated[StrictInt | StrictFloat, Field(gt=0)]
HoursOrNever = Annotated[StrictInt | StrictFloat, Field(ge=0)]
Fraction = Annotated[StrictFloat, Field(ge=0, le=1)]


class ErrorRuleModel(Model):
    """What to do about files whose job ended like this; patterns are those of a shell.

    :param then: ``retry``, ``retry_elsewhere``, ``give_up`` or ``ask``.
    :param status: pattern of the job's Status.
    :param minor: pattern of its MinorStatus.
    :param application: pattern of its ApplicationStatus.
    :param site: pattern of the site where it ran.
    :param max: how often a file is tried again for this cause.
    """

    then: RecoveryAction
    status: StrictStr = "*"
    minor: StrictStr = "*"
    application: StrictStr = "*"
    site: StrictStr = "*"
    max: StrictInt | None = Field(default=None, ge=0)


class Recovery(Model):
    """What becomes of files that stay behind.

    :param mode: ``active``; ``passive``: only say what would be done; ``off``.
    :param max_resets: how often one file is tried again, whatever the causes.
    :param max_per_cause: how many files are tried again for one cause.
    :param errors: rules by the error of the job; the first that fits decides.
    :param max_reset: what becomes of files in DIRAC's state MaxReset.
    :param problematic: of files that are Problematic.
    :param missing_in_fc: of files that are MissingInFC.
    :param prob_in_fc: of files that are ProbInFC.
    """

    mode: Mode = "active"
    max_resets: StrictInt = Field(default=3, ge=0)
    max_per_cause: StrictInt | None = Field(default=None, ge=1)
    errors: tuple[ErrorRuleModel, ...] = ()
    max_reset: RecoveryAction = "give_up"
    problematic: RecoveryAction = "give_up"
    missing_in_fc: RecoveryAction = "give_up"
    prob_in_fc: RecoveryAction = "give_up"

    def rules(self) -> RecoveryRules:
        """Return the rules as they travel."""
        return _recovery_rules(self)


@lru_cache(maxsize=64)  # nearly all steps share one
def _recovery_rules(recovery: Recovery) -> RecoveryRules:
    values = recovery.model_dump(exclude={"errors"})
    errors = tuple(ErrorRule(**rule.model_dump()) for rule in recovery.errors)
    return RecoveryRules(**values, errors=errors)


class Extension(Model):
    """Tasks added in place of failed ones, for types without input.

    :param up_to: as a fraction of ``tasks``.
    :param chunk: so many at a time.
    :param tolerance: fraction of ``tasks`` that may be missing in the end.
    :param max_failed: fraction of failed tasks above which none are added.
    """

    up_to: Annotated[StrictFloat, Field(gt=0, le=10)]
    chunk: StrictInt = Field(default=50, ge=1)
    tolerance: Fraction = 0.0
    max_failed: Fraction = 0.3


class Policy(Model):
    """When a step is flushed, is finished, and is given up.

    :param flush: ``auto`` (when its input is settled), ``manual`` (a person does it) or ``never``
        (the rest is left).
    :param max_flushes: how often late or recovered files may reopen the step.
    :param min_processed: fraction of the input files that must be Processed.
    :param max_problematic: number of files that may end otherwise than Processed.
    :param give_up_after: hours without progress after which the step is decided by what there is.
    :param stall_after: hours without progress after which the wait says what stands still.
    :param report_every: hours between two tables of the step's jobs that are sent to people, at
        least, and only when the table changed; 0: none is sent; not written: as the site has it.
    :param extend: for types without input.
    :param recovery: what becomes of files that stay behind.
    """

    flush: Literal["auto", "manual", "never"] = "auto"
    max_flushes: StrictInt = Field(default=10, ge=0)
    min_processed: Fraction = 1.0
    max_problematic: StrictInt | None = Field(default=None, ge=0)
    give_up_after: Hours | None = None
    stall_after: Hours = 3
    report_every: HoursOrNever | None = None
    extend: Extension | None = None
    recovery: Recovery = Recovery()

    def rules(
        self, *, needs_input: bool, tasks: int | None, listed: int | None, max_tasks: int = 0
    ) -> StepRules:
        """Return the rules of a step with this policy.

        :param max_tasks: maximum number of tasks in all; 0: not limited here.
        """
        found: dict[str, Any] = {"max_tasks": max_tasks}
        if self.give_up_after is not None:
            found["give_up_after"] = self.give_up_after * _HOUR
        if self.report_every is not None:
            found["report_every"] = self.report_every * _HOUR
        if self.extend is not None:
            found["extend"] = self.extend.up_to
            found["extend_chunk"] = self.extend.chunk
            found["tolerance"] = self.extend.tolerance
            found["max_failed"] = self.extend.max_failed
        return StepRules(
            needs_input=needs_input,
            tasks=tasks,
            flush=self.flush,
            max_flushes=self.max_flushes,
            min_processed=self.min_processed,
            listed=listed,
            max_problematic=self.max_problematic,
            stall_after=self.stall_after * _HOUR,
            recovery=self.recovery.rules(),
            **found,
        )


def start_fraction(start: str) -> float:
    """Return the fraction of its parents' work at which a step starts, 0 to 1; 0: not given."""
    found = _AT.fullmatch(start)
    return float(found[1]) / 100 if found else 0.0


def _start(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"at"}:
        written = f"at {value['at']}"
        if not 0 < start_fraction(written) <= 1:
            raise invalid(f"{value['at']!r} is no share of the parents' work", "write {at: 10%}")
        return written
    if value in ("streaming", "on_complete") or (
        isinstance(value, str) and 0 < start_fraction(value) <= 1
    ):
        return value
    raise PydanticKnownError("literal_error", {"expected": "'streaming' or 'on_complete'"})


_AT = re.compile(r"at (\d{1,3}(?:\.\d+)?)%")

#: with its parents, when they are complete, or when they have done a share of their work
Start = Annotated[
    str,
    BeforeValidator(_start),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["streaming", "on_complete"]},
                {
                    "type": "object",
                    "properties": {"at": {"type": "string", "pattern": r"^\d{1,3}(\.\d+)?%$"}},
                    "required": ["at"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class Approval(Model):
    """A person must agree before a step starts, or before a production creates anything.

    :param subject: what is asked, one line.
    :param text: what there is to know.
    :param approvers: users who may answer; none: all who may run the DAG.
    :param within: hours to answer in.
    :param otherwise: what no answer within that time means.
    """

    subject: Annotated[Text, Field(min_length=1, max_length=200)]
    text: StrictStr = ""
    approvers: tuple[StrictStr, ...] = ()
    within: Hours | None = None
    otherwise: Literal["reject", "approve"] = "reject"

    @model_validator(mode="after")
    def _has_an_end(self) -> Approval:
        if self.otherwise == "approve" and self.within is None:
            raise invalid("silence would mean yes at once", "add within: 24, hours")
        return self


class OnCancel(Model):
    """What a run that did not complete leaves on the grid.

    :param action: ``stop``: transformations are Stopped; ``leave``: they go on; ``clean``: they and
        their files are removed.
    :param confirm: must be true for ``clean``.
    """

    action: Literal["stop", "leave", "clean"]
    confirm: StrictBool = False

    @model_validator(mode="after")
    def _is_meant(self) -> OnCancel:
        if self.action == "clean" and not self.confirm:
            raise invalid(
                "clean removes the files of a cancelled run",
                "if that is meant, write {action: clean, confirm: true}",
            )
        return self


def _one_word(value: Any) -> Any:
    return {"action": value} if isinstance(value, str) else value


#: one word, or a mapping
OnCancelForm = Annotated[OnCancel, BeforeValidator(_one_word)]
