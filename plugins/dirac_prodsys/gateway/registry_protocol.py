"""What entering runs in DIRAC's ProductionSystem asks of a production system.

They are verbs of their own, as nothing depends on them: a backend without them, or a grid without
the service, runs productions all the same.

Invariant: as for :class:`ProductionGateway`: blocking, repeatable, in our errors only. And none of
them ever changes a transformation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dirac_prodsys.core.registry import Member, RegisteredProduction


@runtime_checkable
class RegistryGateway(Protocol):
    """Productions, as the ProductionSystem lists them."""

    def find_production(self, name: str) -> RegisteredProduction | None:
        """Look up by exact name; None when there is none."""

    def register_production(
        self, name: str, description: str, members: Sequence[Member]
    ) -> RegisteredProduction:
        """Enter a production, or adopt the one of that name; then the members that it lacks.

        A member must be New. One whose link to its parents the ProductionSystem refuses is
        entered without parents; one that it refuses altogether is told in ``notes``. A production
        that gets members is New afterwards.
        """

    def mark_production(self, name: str, status: str) -> str:
        """Let a production have this status, and nothing else; return the one that it has then.

        What DIRAC's own clients would refuse (such as Completed → Active) is left as it is.

        :raises NotFound: there is no such production.
        :raises GatewayRejected: the service did not take the status.
        """
