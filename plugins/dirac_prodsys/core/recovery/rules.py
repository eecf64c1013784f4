"""Declares what happens to files that stay behind: by state, and by the error of their job.

Invariant: rules are primitives that travel; the first rule that fits decides, and a file that fits
none is tried again within its bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from dirac_prodsys.core.grid.snapshot import known_fields
from dirac_prodsys.core.grid.status import FileStatus

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.jobs import JobState

#: ``retry``: the file becomes Unused; ``retry_elsewhere``: likewise, and its task's site is
#: avoided; ``give_up``: it ends; ``ask``: it stays as it is until a person has decided
RecoveryAction = Literal["retry", "retry_elsewhere", "give_up", "ask"]
#: ``passive``: only say what would be done
Mode = Literal["active", "passive", "off"]

#: failure states, by the name of their rule
STATES = {
    "max_reset": FileStatus.MAX_RESET,
    "problematic": FileStatus.PROBLEMATIC,
    "missing_in_fc": FileStatus.MISSING_IN_FC,
    "prob_in_fc": FileStatus.PROB_IN_FC,
}


@dataclass(frozen=True)
class ErrorRule:
    """What to do about jobs that ended like this.

    Patterns are those of a shell (``*``, ``?``, ``[…]``), and ignore upper and lower case.

    :param then: what to do.
    :param status: pattern of the job's Status.
    :param minor: pattern of its MinorStatus.
    :param application: pattern of its ApplicationStatus.
    :param site: pattern of its Site.
    :param max: how often a file is tried again for this cause; None: only the general bound counts.
    """

    then: RecoveryAction
    status: str = "*"
    minor: str = "*"
    application: str = "*"
    site: str = "*"
    max: int | None = None

    def fits(self, job: JobState) -> bool:
        """Whether the job ended like this."""
        pairs = (
            (job.status, self.status),
            (job.minor, self.minor),
            (job.application, self.application),
            (job.site, self.site),
        )
        return all(fnmatchcase(text.casefold(), pattern.casefold()) for text, pattern in pairs)

    @property
    def label(self) -> str:
        """Describe the rule in a few words."""
        patterns = {
            name: getattr(self, name)
            for name in ("status", "minor", "application", "site")
            if getattr(self, name) != "*"
        }
        return ", ".join(f"{name} {value!r}" for name, value in patterns.items()) or "any job"


@dataclass(frozen=True)
class RecoveryRules:
    """What happens to the files of a step that stay behind.

    :param mode: ``active``, ``passive`` (say what would be done) or ``off``.
    :param max_resets: how often one file is tried again, whatever the causes.
    :param max_per_cause: how many files are tried again for one cause; None: no bound.
    :param errors: rules by the error of the job; the first that fits decides.
    :param max_reset: what happens to files in this state; likewise the three others. If a rule for
        an error is ``ask``, ``give_up`` means ``ask`` here.
    """

    mode: Mode = "active"
    max_resets: int = 3
    max_per_cause: int | None = None
    errors: tuple[ErrorRule, ...] = ()
    max_reset: RecoveryAction = "give_up"
    problematic: RecoveryAction = "give_up"
    missing_in_fc: RecoveryAction = "give_up"
    prob_in_fc: RecoveryAction = "give_up"

    def by_error(self, job: JobState) -> ErrorRule:
        """Return the rule for a job; by default, its files are tried again."""
        return self._declared(job) or ErrorRule("retry")

    def by_request(self, failed: JobState, status: str) -> ErrorRule:
        """Return the rule for a file in this state after a failed request; by default, as for jobs.

        A state that a failed request causes says nothing about the file: the rule for the state, if
        it is not the default, applies where no error is declared.
        """
        action = self.by_state(status)
        return self._declared(failed) or ErrorRule("retry" if action == "give_up" else action)

    def _declared(self, job: JobState) -> ErrorRule | None:
        return next((rule for rule in self.errors if rule.fits(job)), None)

    def by_state(self, status: str) -> RecoveryAction:
        """Return what happens to files in this state; in other states the grid has given them up.

        Files that wait for a person's decision are MaxReset, so that the grid leaves them alone.
        """
        for name, state in STATES.items():
            if status == state:
                action: RecoveryAction = getattr(self, name)
                held = state is FileStatus.MAX_RESET and self._asks
                return "ask" if held and action == "give_up" else action
        return "give_up"

    @property
    def _asks(self) -> bool:
        return any(rule.then == "ask" for rule in self.errors)

    def looked_at(self, by_requests: bool) -> tuple[FileStatus, ...]:
        """Return the failure states whose files are looked into; a missing file may have come back.

        :param by_requests: whether tasks are requests: a file that a request failed on is
            Problematic.
        """
        failed = FileStatus.PROBLEMATIC if by_requests else None
        return tuple(
            state
            for state in STATES.values()
            if self.by_state(state) != "give_up" or state in (failed, FileStatus.MISSING_IN_FC)
        )

    def retried_states(self, by_requests: bool) -> tuple[FileStatus, ...]:
        """Return the failure states whose files are tried again."""
        again = [s for s in STATES.values() if self.by_state(s).startswith("retry")]
        asked = self.problematic == "ask" and not self.errors
        if by_requests and FileStatus.PROBLEMATIC not in again and not asked:
            again.append(FileStatus.PROBLEMATIC)
        return tuple(again)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "errors": [asdict(rule) for rule in self.errors]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RecoveryRules:
        """Inverse of :meth:`to_dict`; unknown keys are ignored, missing ones get their default."""
        found = known_fields(cls, data)
        if "errors" in found:
            found["errors"] = tuple(
                ErrorRule(**known_fields(ErrorRule, r)) for r in found["errors"]
            )
        return cls(**found)
