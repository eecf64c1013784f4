"""What a wait writes into its task's log.

Invariant: changes only, and not too many of them: a wait lasts weeks.
"""

from __future__ import annotations

import re
import time
from typing import Any

from dirac_prodsys.core.policy import DECISIVE, Verdict
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.provider.poller import Look

#: seconds between two lines of progress in a task's log
_PROGRESS_EVERY = 60.0


class Diary:
    """What a wait writes into its task's log: changes only, and not too many of them."""

    def __init__(self, log: Any) -> None:
        self.last = ""
        self._log = log
        self._written_at = -_PROGRESS_EVERY
        self._down = False
        self._alarm = ""

    def outage(self, look: Look) -> None:
        """One line when the grid goes, one when it is back."""
        if bool(look.outage) == self._down:
            return
        self._down = not self._down
        if self._down:
            self._log.warning("DIRAC does not answer, waiting on: %s", look.outage)
        else:
            self._log.info("DIRAC answers again")

    def progress(self, verdict: Verdict) -> None:
        """The verdict's reason, when it has changed; its alarm, when it is another one."""
        now = time.monotonic()
        alarm = re.sub(r"\d+", "#", verdict.alarm)
        if alarm != self._alarm:
            self._alarm = alarm
            if verdict.alarm:
                self._log.warning("%s", verdict.alarm)
        reason, decisive = verdict.reason, verdict.kind in DECISIVE
        if reason == self.last or not (decisive or now - self._written_at >= _PROGRESS_EVERY):
            return
        self.last, self._written_at = reason, now
        self._log.info("%s", reason)


def reason_of(error: Exception) -> str:
    """An error in words for a person."""
    return error.reason if isinstance(error, ProdsysError) else f"{type(error).__name__}: {error}"
