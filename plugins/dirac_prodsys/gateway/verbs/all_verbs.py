"""All verbs of a grid that speaks DIRAC's services, in one class.

Invariant: the real services and the grid in memory are used by the very same code; what differs
between the two stands in ``dirac.py`` and ``memory.py``.
"""

from __future__ import annotations

from dirac_prodsys.gateway.verbs.actions import ActionVerbs
from dirac_prodsys.gateway.verbs.comparison import ComparisonVerbs
from dirac_prodsys.gateway.verbs.consistency import ConsistencyVerbs
from dirac_prodsys.gateway.verbs.datasets import DatasetVerbs
from dirac_prodsys.gateway.verbs.files import FileVerbs
from dirac_prodsys.gateway.verbs.inventory import InventoryVerbs
from dirac_prodsys.gateway.verbs.outputs import OutputVerbs
from dirac_prodsys.gateway.verbs.registry import RegistryVerbs
from dirac_prodsys.gateway.verbs.replicas import ReplicaVerbs
from dirac_prodsys.gateway.verbs.requests import RequestVerbs
from dirac_prodsys.gateway.verbs.small_files import SmallFileVerbs


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
