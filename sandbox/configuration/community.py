"""Defines who and what exists on the sandbox grid: people, groups, sites, storage, metadata.

Some names are fixed by others: the catalogue is `DIRACFileCatalog` because CTADIRAC hard-codes it
(CTADIRAC Core/Workflow/Modules/ProdDataManager.py), and the metadata fields are those that
CTAO's productions write and those of the example production.
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

#: Catalogue metadata on directories: field -> type (DataManagementSystem/DB/FileCatalogComponents).
DIRECTORY_METADATA = {
    # CTAO
    "MCCampaign": "VARCHAR(128)",
    "site": "VARCHAR(128)",
    "particle": "VARCHAR(128)",
    "thetaP": "float",
    "phiP": "float",
    "array_layout": "VARCHAR(128)",
    "airshower_sim_prog": "VARCHAR(128)",
    "airshower_sim_prog_version": "VARCHAR(128)",
    "tel_sim_prog": "VARCHAR(128)",
    "tel_sim_prog_version": "VARCHAR(128)",
    "analysis_prog": "VARCHAR(128)",
    "analysis_prog_version": "VARCHAR(128)",
    "data_level": "int",
    "outputType": "VARCHAR(128)",
    "configuration_id": "int",
    "merged": "int",
    "sct": "VARCHAR(128)",
    "systematics": "VARCHAR(128)",
    "view_cone": "VARCHAR(128)",
    # the example production
    "production": "VARCHAR(128)",
    "run": "VARCHAR(128)",
    "step": "VARCHAR(128)",
}

#: Catalogue metadata on files.
FILE_METADATA = {
    "nsb": "int",
    "split": "VARCHAR(128)",
    "div_ang": "VARCHAR(128)",
    "runNumber": "VARCHAR(128)",
    "model_version": "VARCHAR(128)",
    "jobID": "VARCHAR(128)",
    # the TransformationCleaningAgent searches for this one (TransfIDMeta); a file field, because
    # directories are shared
    "TransformationID": "int",
}
