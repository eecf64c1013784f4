"""The verb that tells what a grid has: asked of the catalogue and of the configuration.

Invariant: one call and the configuration of the connection, which is read once anyway.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.inventory import Inventory
from dirac_prodsys.core.grid.task_plugins import PLUGINS
from dirac_prodsys.gateway.dirac.configuration import GridConfiguration
from dirac_prodsys.gateway.records import Configured
from dirac_prodsys.gateway.verbs.services import ServiceCalls

#: what agents work on where the configuration does not say (``TransformationAgent.initialize``)
DEFAULT_TYPES = {
    "DataProcessing": ("MCSimulation", "Merge"),
    "DataManipulation": ("Replication", "Removal"),
}


class InventoryVerbs(ServiceCalls):
    """What :class:`ProductionGateway` says about the grid itself."""

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


def configured(tree: GridConfiguration) -> Configured:
    """What a configuration has.

    Lists of types count wherever they stand below ``Operations``: agents for all read the defaults,
    and a virtual organisation may have agents of its own.
    """
    kinds = tree.sections("/Resources/Sites")
    sites = [site for kind in kinds for site in tree.sections(f"/Resources/Sites/{kind}")]
    types: set[str] = set()
    for family, default in DEFAULT_TYPES.items():
        option = f"Transformations/{family}"
        said = [
            kind
            for scope in tree.sections("/Operations")
            for kind in tree.options(f"/Operations/{scope}/{option}")
        ]
        types.update(said or default)
    return Configured(
        storage_elements=frozenset(
            tree.sections("/Resources/StorageElements")
            + tree.option_names("/Resources/StorageElementGroups")
        ),
        sites=frozenset(sites),
        transformation_types=frozenset(types),
        unset=frozenset(
            section
            for plugin in PLUGINS.values()
            for section in plugin.needs
            if not tree.option_names(section)
        ),
    )
