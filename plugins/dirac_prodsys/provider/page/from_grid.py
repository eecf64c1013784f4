"""Asks the grid for the transformations of all runs that are not over: three calls a connection.

Invariant: an outage is no error: the last answer stays, with its age and the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.reports.page.rows import GridLook
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.hook import DiracHook

#: seconds after which a connection is read again
_SETTINGS_AGE = 600.0


@dataclass
class _Open:
    settings: GatewaySettings
    gateway: ProductionGateway
    read_at: float


@dataclass
class Grids:
    """Looks at the grids of all connections.

    :param clock: seconds since the epoch.
    :param every: seconds between two looks, or more where the connection says so.
    :param looks: connection → what its grid said last.
    :param asked: the connection that is asked just now; None: none.
    """

    clock: Callable[[], float] = time.time
    every: float = 1.0
    looks: dict[str, GridLook] = field(default_factory=dict)
    asked: str | None = None
    _open: dict[str, _Open] = field(default_factory=dict)

    def look(self, wanted: Mapping[str, Sequence[int]]) -> None:
        """Ask each grid for its transformations, unless it was asked just now.

        :param wanted: connection → IDs of transformations.
        """
        for connection, ids in wanted.items():
            before = self.looks.get(connection, GridLook())
            if (
                before.at is not None
                and self.clock() - before.at < before.every - 1
                and (not before.why and set(ids) <= set(before.snapshots))
            ):
                continue
            self.asked = connection
            self.looks[connection] = self._look(connection, ids, before)
            self.asked = None

    def is_late(self) -> None:
        """Say of the grid that is asked just now that it takes long."""
        if (connection := self.asked) is not None:
            before = self.looks.get(connection, GridLook())
            self.looks[connection] = replace(before, why="the grid takes long to answer")

    def settings(self, connection: str) -> GatewaySettings | None:
        """Return the settings of a connection; None: it cannot be read."""
        try:
            return self._opened(connection).settings
        except Exception:
            return None

    def gateway(self, connection: str) -> ProductionGateway:
        """Return the gateway of a connection.

        :raises ProdsysError: it cannot be opened.
        """
        return self._opened(connection).gateway

    def _look(self, connection: str, ids: Sequence[int], before: GridLook) -> GridLook:
        try:
            opened = self._opened(connection)
            found: dict[int, Snapshot] = opened.gateway.snapshot(sorted(ids)) if ids else {}
        except Exception as error:  # no error of the grid may end the page
            self._open.pop(connection, None)
            if isinstance(error, ProdsysError):
                why = f"the grid does not answer: {error.reason}"
            else:  # other words may hold a secret
                why = f"connection {connection!r} cannot be used: {type(error).__name__}"
            return replace(before, why=why)
        return GridLook(self.clock(), found, "", max(self.every, opened.settings.poll_interval))

    def _opened(self, connection: str) -> _Open:
        there = self._open.get(connection)
        if there is None or time.monotonic() - there.read_at > _SETTINGS_AGE:
            settings = DiracHook(connection).settings()
            if there is not None and there.settings == settings:
                gateway = there.gateway
            else:
                gateway = open_gateway(settings)
            there = self._open[connection] = _Open(settings, gateway, time.monotonic())
        return there
