"""Asks the grid for the failed jobs of a step that somebody looks at: once for all viewers.

A look takes long where there are many jobs. So it is made by one thread, a viewer waits for it for
a moment, and after that is shown what was seen last, with its age.

Invariant: however many look, the jobs of a step are asked for at most once a minute, and for less
than a tenth of the time. While nobody looks, nothing is asked.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock

from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.reports.page.rows import StepView
from dirac_prodsys.core.reports.page.step_page import JobsNow
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.procedures.reports import failed_jobs
from dirac_prodsys.provider.page.from_grid import Grids

#: seconds between two looks at the same jobs, and how many times longer than a look they are
_EVERY, _TIMES = 60.0, 10.0
#: seconds that a viewer waits for the first look
_PATIENCE = 2.0
#: most steps whose jobs are remembered, the last looked at
_KEPT = 100

Key = tuple[str, int, str]


@dataclass
class _Look:
    """What is known of the jobs of a step.

    :param due: when they are asked for again, by the clock that never turns back.
    """

    found: JobsNow = field(default_factory=JobsNow)
    due: float = 0.0
    running: Future[None] | None = None


class JobLooks:
    """Remembers the jobs of steps.

    :param clock: seconds since the epoch.
    """

    def __init__(self, grids: Grids, clock: Callable[[], float] = time.time) -> None:
        self._grids, self._clock = grids, clock
        self._looks: OrderedDict[Key, _Look] = OrderedDict()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="production-page-jobs")

    def of(self, connection: str, step: StepView) -> JobsNow:
        """Return the jobs of a step as they were seen last, and see to it that they are seen."""
        number, name = step.track.key[1], step.track.key[0]
        key = connection, number, name
        with self._lock:
            look = self._looks.setdefault(key, _Look())
            self._looks.move_to_end(key)
            while len(self._looks) > _KEPT:
                self._looks.popitem(last=False)
            if look.running is None and time.monotonic() >= look.due:
                look.running = self._pool.submit(self._ask, key, look, step.track.step.type)
            running = look.running
        if running is not None and look.found.at is None:
            wait([running], _PATIENCE)
        return look.found

    def _ask(self, key: Key, look: _Look, type_: str) -> None:
        connection, number, name = key
        begin = time.monotonic()
        try:
            kind = TRANSFORMATION_TYPES.get(type_)
            requests = kind is not None and kind.body == "request"
            gateway = self._grids.gateway(connection)
            report = failed_jobs(gateway, number, name, by_requests=requests)
            look.found = JobsNow(report, datetime.fromtimestamp(self._clock(), UTC))
        except ProdsysError as error:
            look.found = replace(look.found, why=f"the grid does not answer: {error.reason}")
        except Exception as error:  # other words may hold a secret
            look.found = replace(look.found, why=f"not seen now: {type(error).__name__}")
        now = time.monotonic()
        with self._lock:
            look.due, look.running = now + max(_EVERY, _TIMES * (now - begin)), None
