"""Writes the task log of a wait, and remembers it for the next part of the wait.

Invariant: only changes are written, and not too many: a wait lasts weeks. Written lines are
repeated at the head of the log that Airflow begins when the task has deferred anew.
"""

from __future__ import annotations

import re
import time
from typing import Any

from dirac_prodsys.core.policy import DECISIVE, Verdict
from dirac_prodsys.core.reports.story import Story
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.provider.waiting.poller import Look

#: seconds between two lines of progress in a task's log
PROGRESS_EVERY = 60.0


class WaitLog:
    """Writes a wait's log: changes only, and not too many of them.

    :param story: what it has written so far.
    """

    def __init__(self, log: Any, story: Story | None = None) -> None:
        self.last = ""
        self.story = story or Story()
        self.log = log
        self._written_at = -PROGRESS_EVERY
        self._down = False
        self._alarm = ""

    def begin(self) -> None:
        """Repeat what was written before the task deferred last."""
        for line in self.story.opening_lines():
            self.log.info("%s", line)

    def warn(self, text: str) -> None:
        """Write one line about a problem."""
        self.log.warning("%s", text)
        self._keep(text, matters=True)

    def tell(self, text: str) -> None:
        """Write one line about a change for the better."""
        self.log.info("%s", text)
        self._keep(text, matters=True)

    def outage(self, look: Look) -> None:
        """Write one line when the grid goes, one when it is back."""
        if bool(look.outage) == self._down:
            return
        self._down = not self._down
        if self._down:
            self.warn(f"DIRAC does not answer, waiting on: {look.outage}")
        else:
            self.tell("DIRAC answers again")

    def progress(self, verdict: Verdict) -> None:
        """Write the verdict's reason when it has changed, and its alarm when it is another one."""
        now = time.monotonic()
        alarm = re.sub(r"\d+", "#", verdict.alarm)
        if alarm != self._alarm:
            self._alarm = alarm
            if verdict.alarm:
                self.warn(verdict.alarm)
        reason, decisive = verdict.reason, verdict.kind in DECISIVE
        if reason == self.last or not (decisive or now - self._written_at >= PROGRESS_EVERY):
            return
        self.last, self._written_at = reason, now
        self.log.info("%s", reason)
        self._keep(reason, matters=decisive)

    def _keep(self, text: str, *, matters: bool) -> None:
        self.story = self.story.saying(text, time.time(), matters=matters)


def reason_of(error: Exception) -> str:
    """Return an error in words for a person."""
    return error.reason if isinstance(error, ProdsysError) else f"{type(error).__name__}: {error}"
