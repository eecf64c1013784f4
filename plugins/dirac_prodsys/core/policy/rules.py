"""Holds the rules of one step as primitives, which travel in triggers for weeks.

Invariant: fields may be added but never renamed or dropped, and a missing field has its default: a
wait that began under an older version goes on under this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from dirac_prodsys.core.grid.snapshot import known_fields
from dirac_prodsys.core.grid.specs import RequestSpec, TransformationSpec
from dirac_prodsys.core.recovery.rules import RecoveryRules

#: seconds without progress after which a wait reports what stands still: half the time after which
#: the TransformationAgent looks again at files that it could not group (``NoUnusedDelay``, 6 h)
STALL_AFTER = 3 * 3600.0

#: always written, so that plans of simple steps stay as they are
_PLAIN = ("needs_input", "tasks", "flush", "max_flushes", "min_processed", "listed", "by_hand")


@dataclass(frozen=True)
class StepRules:
    """The rules of one step.

    :param needs_input: whether the type works on files; otherwise ``tasks`` decide.
    :param tasks: number of good tasks that complete a step without input.
    :param flush: ``auto``, ``manual`` (a person does it) or ``never`` (the rest is left).
    :param max_flushes: number of flushes before giving up.
    :param min_processed: fraction of the attached files that must be Processed, 0 to 1.
    :param listed: number of input files if the production lists them; None: the catalogue knows.
    :param expected: number of files that the query must find before the step is complete, because
        the parents made as many; None: whatever it finds.
    :param by_hand: without input: only a person knows how many tasks are enough, and completes the
        transformation.
    :param max_problematic: number of files that may end in another state than Processed; replaces
        ``min_processed`` if that is 1, and applies beside it if it is less.
    :param give_up_after: seconds without progress after which the step is decided by what has been
        done; None: never.
    :param stall_after: seconds without progress after which a wait reports what stands still.
    :param report_every: seconds between two tables of jobs that are sent to people, at least; 0:
        none is sent; None: as the site has it.
    :param group_size: files per task; 0: unknown.
    :param leaves_rests: False for plugins that make tasks of any number of files.
    :param by_requests: tasks are requests of the data management system, which change the catalogue
        themselves.
    :param extend: tasks that may be added to replace failed ones, as a fraction of ``tasks``.
    :param extend_chunk: number of tasks added at a time.
    :param max_tasks: maximum number of tasks, failed ones included; 0: as ``extend`` says.
    :param tolerance: fraction of ``tasks`` that may be missing in the end.
    :param max_failed: fraction of failed tasks above which no tasks are added.
    :param ready_at: wait only until this fraction of the work is done, and leave the rest of the
        wait to others; 0: to the end.
    :param recovery: what happens to files that stay behind.
    """

    needs_input: bool
    tasks: int | None = None
    flush: str = "auto"
    max_flushes: int = 10
    min_processed: float = 1.0
    listed: int | None = None
    expected: int | None = None
    by_hand: bool = False
    max_problematic: int | None = None
    give_up_after: float | None = None
    stall_after: float = STALL_AFTER
    report_every: float | None = None
    group_size: float = 0.0
    leaves_rests: bool = True
    by_requests: bool = False
    extend: float = 0.0
    extend_chunk: int = 50
    max_tasks: int = 0
    tolerance: float = 0.0
    max_failed: float = 0.3
    ready_at: float = 0.0
    recovery: RecoveryRules = field(default_factory=RecoveryRules)

    def shaped(self, spec: TransformationSpec) -> StepRules:
        """Return these rules, completed with how the transformation makes its tasks.

        A task of one file is made of any file: there is never a rest to flush. All plugins respect
        the group size, Broadcast as well (``TransformationPlugin._Broadcast``).
        """
        by_size = spec.plugin == "BySize"
        return replace(
            self,
            group_size=0.0 if by_size else spec.group_size,
            leaves_rests=by_size or spec.group_size > 1,
            by_requests=isinstance(spec.body, RequestSpec),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        standard = _standard(self.needs_input)
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found = {
            name: value
            for name, value in found.items()
            if name in _PLAIN or value != getattr(standard, name)
        }
        if "recovery" in found:
            found["recovery"] = self.recovery.to_dict()
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StepRules:
        """Inverse of :meth:`to_dict`; unknown keys are ignored, missing ones get their default."""
        known = known_fields(cls, data)
        if "recovery" in known:
            known["recovery"] = RecoveryRules.from_dict(known["recovery"])
        return cls(**known)


@cache
def _standard(needs_input: bool) -> StepRules:
    return StepRules(needs_input)
