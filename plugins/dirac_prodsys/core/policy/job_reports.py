"""Decides when the table of a transformation's jobs is sent to people: on change, and not often.

What was sent last is kept with the transformation in DIRAC, so that no retry and no clear sends it
again. A wait looks at the jobs as rarely as people want the table: the counts of its tasks, which
it sees anyway, tell whether there can be anything new.

Invariant: pure. Between two tables there is at least the time that the policy says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dirac_prodsys.core.grid.jobs import JobReport
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import BAD_TASKS, GOOD_TASKS
from dirac_prodsys.core.policy.history import History
from dirac_prodsys.core.policy.notices import Notice, parameter
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.text.wording import by_state

#: the additional parameter of a transformation that keeps what was sent last
PARAMETER = parameter("job report")


@dataclass(frozen=True)
class SentReport:
    """The last table that was sent, or is about to be.

    :param digest: of the table.
    :param at: seconds since the epoch.
    :param sent: False: a task began to send it, and nobody knows whether it arrived.
    """

    digest: str
    at: float
    sent: bool = False

    def to_text(self) -> str:
        """Return the value of the parameter."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> SentReport | None:
        """Inverse of :meth:`to_text`; None: no table was sent, or the text is invalid."""
        try:
            data: Any = json.loads(text) if text else None
            return (
                None if data is None else cls(str(data["digest"]), float(data["at"]), data["sent"])
            )
        except (ValueError, KeyError, TypeError):
            return None


def digest_of(report: JobReport) -> str:
    """Return what two tables have in common that say the same: samples of jobs do not count."""
    rows = [(r.status, r.minor, r.application, r.site, r.total) for r in report.rows]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def is_due(last: SentReport | None, digest: str, now: float, every: float) -> bool:
    """Whether a table is to be sent.

    :param every: seconds between two tables, at least.
    """
    if last is None or (last.digest == digest and not last.sent):
        return True
    return last.digest != digest and now - last.at >= every


def may_be_new(snapshot: Snapshot, rules: StepRules, history: History, now: float) -> bool:
    """Whether it is time to look at the jobs for a table: one has ended since the last look."""
    every = rules.report_every
    if not every or now - history.jobs_at < every:
        return False
    return ended(snapshot) not in ("", history.jobs_seen)


def looked_at(snapshot: Snapshot, history: History, now: float) -> History:
    """Return the history after a look at the jobs."""
    return replace(history, jobs_at=now, jobs_seen=ended(snapshot))


def ended(snapshot: Snapshot) -> str:
    """Return the numbers of tasks that ended, as one text; empty: none did."""
    over = {state: n for state, n in snapshot.tasks.items() if state in _OVER and n}
    return json.dumps(over, sort_keys=True) if over else ""


_OVER = frozenset(map(str, GOOD_TASKS | BAD_TASKS))


def of_jobs(report: JobReport, step: str) -> Notice:
    """Return the notice with the table."""
    statuses: Mapping[str, int] = report.by_status()
    lines = [f"{report.total:,} {report.unit}: {by_state(statuses)}"]
    lines += [f"{cause.total} {report.unit}: {cause.text}" for cause in report.causes()]
    return Notice("jobs", (digest_of(report),), "\n".join(lines), step, report.to_html())
