"""Defines who and what exists on the sandbox grid: people, groups, sites and storage.

One name is fixed by others: the catalogue is `DIRACFileCatalog` because CTADIRAC hard-codes it
(CTADIRAC Core/Workflow/Modules/ProdDataManager.py).
"""

from __future__ import annotations

from dataclasses import dataclass

VOS = ("ctao", "sim")
USERS = ("alice", "bob", "prodmgr", "pilot", "admin")
ORGANISATION = "DIRAC sandbox"
HOST = "localhost"
CATALOGUE = "DIRACFileCatalog"


@dataclass(frozen=True)
class Group:
    """A DIRAC group: its users and its properties."""

    name: str
    vo: str
    users: tuple[str, ...]
    properties: tuple[str, ...]


def distinguished_name(common_name: str) -> str:
    """Return the certificate subject of a user or host, in DIRAC's form."""
    return f"/O={ORGANISATION}/CN={common_name}"


def groups_of(vo: str) -> tuple[Group, ...]:
    """Return the groups that each VO has."""
    production = (
        "NormalUser",
        "JobAdministrator",
        "JobSharing",
        "ProductionManagement",
        "FileCatalogManagement",
        "FullDelegation",
    )
    return (
        Group(
            f"{vo}_user",
            vo,
            ("alice", "bob", "prodmgr", "admin"),
            ("NormalUser", "ProductionUser"),
        ),
        Group(f"{vo}_prod", vo, ("prodmgr", "admin"), production),
        Group(f"{vo}_pilot", vo, ("pilot",), ("GenericPilot", "LimitedDelegation")),
    )


GROUPS = (
    *(group for vo in VOS for group in groups_of(vo)),
    Group(
        "dirac_admin",
        "sim",
        ("admin",),
        (
            "NormalUser",
            "AlarmsManagement",
            "ServiceAdministrator",
            "CSAdministrator",
            "JobAdministrator",
            "FullDelegation",
            "ProxyManagement",
            "Operator",
            "ProductionManagement",
            "FileCatalogManagement",
            "SiteManager",
            "TrustedHost",
        ),
    ),
)


@dataclass(frozen=True)
class Site:
    """A site with a disk and a worker node.

    :param storage: its storage element; DIRAC wants each to be local to one site only
        (DMSHelpers.getSitesForSE), and sends a job to the site of its input files.
    :param slots: how many jobs run there at once, on the full grid.
    """

    name: str
    storage: str
    ce: str
    slots: int


SITES = (
    Site("SIM.SiteA.org", "DISK-A-SE", "ce-a.localhost", 2),
    Site("SIM.SiteB.org", "DISK-B-SE", "ce-b.localhost", 1),
)
STORAGE_ELEMENTS = tuple(site.storage for site in SITES)
SANDBOX_STORAGE = "ProductionSandboxSE"

#: Transformation types by family (Operations/Transformations), as CTAO has them.
DATA_PROCESSING = (
    "MCSimulation",
    "DataReprocessing",
    "DataProcessing",
    "Merging",
    "Training",
    "ApplyModel",
    # of its observations
    "Calibration",
    "Merge",
)
DATA_MANIPULATION = ("Replication", "Removal")
EXTENDABLE = ("MCSimulation",)

#: WMS job types that jobs of these transformations carry: DIRAC's own, then CTADIRAC's.
JOB_TYPES = (
    "MPI",
    "User",
    "Test",
    "hello",
    *DATA_PROCESSING,
    "DL0_Reprocessing",
    "EvnDispProcessing",
)

#: Program packages for which CTADIRAC's jobs look up ProductionOutputs/<package>.
OUTPUT_PACKAGES = (
    "corsika_simtelarray",
    "simpipe",
    "evndisplay",
    "ctapipe",
    *(f"ctapipe_dl{level}" for level in range(6)),
)
