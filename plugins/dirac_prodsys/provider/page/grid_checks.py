"""Looks, now and then, for what is wrong with a grid, and asks Airflow for its components.

The checks cost the grid some calls: they are made only while somebody looks at the page of the
grid, and minutes apart, however many look.

Invariant: a viewer never waits for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow.api.common.airflow_health import get_airflow_health

from dirac_prodsys.core.doctor import check, needs, table
from dirac_prodsys.core.doctor.facts import Facts, Missing
from dirac_prodsys.core.reports.page.grid_page import Beat, Checked
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.procedures.examination import examine
from dirac_prodsys.provider.page.from_grid import Grids

#: seconds between two looks at a grid, and longest time of one question
EVERY, _MOST = 600.0, 20.0

_FIRST = Checked(every=EVERY, why="the checks are being made")


class GridChecks:
    """Keeps what was found wrong with each grid.

    :param grids: opens the connections.
    :param clock: seconds since the epoch.
    """

    def __init__(self, grids: Grids, clock: Callable[[], float]) -> None:
        self._grids, self._clock = grids, clock
        self._found: dict[str, Checked] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def checked(self, connection: str) -> Checked:
        """Return what was found last; look again if that was long ago."""
        with self._lock:
            found = self._found.get(connection, _FIRST)
            old = found.at is None or self._clock() - found.at > EVERY
            busy = connection in self._threads and self._threads[connection].is_alive()
            if old and not busy:
                thread = threading.Thread(
                    target=self.look, args=(connection,), name="grid-checks", daemon=True
                )
                self._threads[connection] = thread
                thread.start()
        return found

    def look(self, connection: str) -> None:
        """Look now."""
        try:
            made = self._look(connection)
        except ProdsysError as error:
            before = self._found.get(connection, _FIRST)
            made = replace(before, at=self._clock(), why=error.reason)
        except Exception as error:  # whatever a secrets backend or a driver raises
            before = self._found.get(connection, _FIRST)
            made = replace(before, at=self._clock(), why=type(error).__name__)
        self._found[connection] = made

    def wait(self, connection: str) -> None:
        """Wait until a look that is under way is over; for tests."""
        thread = self._threads.get(connection)
        if thread is not None:
            thread.join()

    def _look(self, connection: str) -> Checked:
        settings = self._grids.gateway(connection).settings
        asked = replace(settings, timeout=min(settings.timeout, _MOST))
        grid = examine(open_gateway(asked))
        diagnoses = check.examine(Facts(grid, needs=needs.of_grid(grid)), table.grid_checks())
        now = self._clock()
        left = None if isinstance(grid.proxy, Missing) else grid.proxy.ends - grid.now
        return Checked(tuple(diagnoses), now, EVERY, "", left)


def beats() -> list[Beat]:
    """Return the components of Airflow, and when each was last alive."""
    health: dict[str, dict[str, Any]] = get_airflow_health()
    return [
        Beat(name, str(found.get("status") or ""), _moment(found.get(f"latest_{name}_heartbeat")))
        for name, found in health.items()
    ]


def _moment(text: str | None) -> float | None:
    return None if not text else datetime.fromisoformat(text).timestamp()
