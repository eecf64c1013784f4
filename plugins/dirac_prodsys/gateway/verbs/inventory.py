"""Reports what a grid has, from the catalogue and the configuration.

Invariant: it needs one call and the configuration of the connection, which is read once anyway.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.inventory import Inventory
from dirac_prodsys.gateway.verbs.services import ServiceCalls


class InventoryVerbs(ServiceCalls):
    """Implements the verb of :class:`ProductionGateway` about the grid itself."""

    def inventory(self) -> Inventory:
        """See :meth:`ProductionGateway.inventory`."""
        fields: dict[str, Any] = self._fc("getMetadataFields")
        configured = self._configured()
        return Inventory(
            directory_fields=dict(fields["DirectoryMetaFields"]),
            file_fields=dict(fields["FileMetaFields"]),
            storage_elements=configured.storage_elements,
            sites=configured.sites,
            transformation_types=configured.transformation_types,
            unset=configured.unset,
        )
