"""All verbs of a grid that speaks DIRAC's services, in one class.

Invariant: the real services and the grid in memory are used by the very same code; what differs
between the two stands in ``dirac.py`` and ``memory.py``.
"""

from __future__ import annotations

from dirac_prodsys.gateway.dirac_actions import ActionVerbs
from dirac_prodsys.gateway.dirac_comparison import ComparisonVerbs
from dirac_prodsys.gateway.dirac_consistency import ConsistencyVerbs
from dirac_prodsys.gateway.dirac_datasets import DatasetVerbs
from dirac_prodsys.gateway.dirac_files import FileVerbs
from dirac_prodsys.gateway.dirac_inventory import InventoryVerbs
from dirac_prodsys.gateway.dirac_outputs import OutputVerbs
from dirac_prodsys.gateway.dirac_registry import RegistryVerbs
from dirac_prodsys.gateway.dirac_replicas import ReplicaVerbs
from dirac_prodsys.gateway.dirac_requests import RequestVerbs
from dirac_prodsys.gateway.dirac_small_files import SmallFileVerbs


class DiracVerbs(
    DatasetVerbs,
    ConsistencyVerbs,
    ComparisonVerbs,
    FileVerbs,
    InventoryVerbs,
    OutputVerbs,
    RegistryVerbs,
    ReplicaVerbs,
    RequestVerbs,
    SmallFileVerbs,
    ActionVerbs,
):
    """What :class:`ProductionGateway` asks for, by DIRAC's services."""
