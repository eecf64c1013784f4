"""What checking asks of a production system, beside :mod:`gateway.recovery_protocol`.

Invariant: as for :class:`ProductionGateway`: blocking, in our errors only; here also read-only.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from dirac_prodsys.core.consistency import LiveTask


@runtime_checkable
class ConsistencyGateway(Protocol):
    """Tasks with all that is known of them."""

    def live_tasks(self, transformation: int, limit: int) -> list[LiveTask]:
        """Tasks that have not ended, with their input files; the oldest, up to ``limit`` of them.

        A task without input has no files. The service looks up each task's files by itself, so
        that this costs more than other calls.
        """
