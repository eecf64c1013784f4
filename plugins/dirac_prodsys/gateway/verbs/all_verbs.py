"""Joins all verbs of a grid with DIRAC's services in one class.

Invariant: the same code uses the real services and the grid in memory; the differences are in
``dirac/`` and ``memory/``.
"""

from __future__ import annotations

from dirac_prodsys.gateway.verbs.actions import ActionVerbs
from dirac_prodsys.gateway.verbs.comparison import ComparisonVerbs
from dirac_prodsys.gateway.verbs.datasets import DatasetVerbs
from dirac_prodsys.gateway.verbs.examination import GridExaminationVerbs
from dirac_prodsys.gateway.verbs.file_groups import FileGroupVerbs
from dirac_prodsys.gateway.verbs.file_records import FileRecordVerbs
from dirac_prodsys.gateway.verbs.files import FileVerbs
from dirac_prodsys.gateway.verbs.registry import RegistryVerbs
from dirac_prodsys.gateway.verbs.replicas import ReplicaVerbs
from dirac_prodsys.gateway.verbs.requests import RequestVerbs
from dirac_prodsys.gateway.verbs.small_files import SmallFileVerbs


class DiracVerbs(
    DatasetVerbs,
    ComparisonVerbs,
    GridExaminationVerbs,
    FileGroupVerbs,
    FileRecordVerbs,
    FileVerbs,
    RegistryVerbs,
    ReplicaVerbs,
    RequestVerbs,
    SmallFileVerbs,
    ActionVerbs,
):
    """Implements all verbs of :class:`ProductionGateway` by DIRAC's services."""
