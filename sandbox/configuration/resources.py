"""Writes the sections of the global configuration about people, resources and rules.

Each option that is not DIRAC's default has a comment why the sandbox needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.configuration import community
from sandbox.configuration.needs import Needs
from sandbox.configuration.profiles import Profile
from sandbox.state import State

Section = dict[str, Any]


def listed(items: Iterable[str]) -> str:
    """Return a list as DIRAC's configuration writes it."""
    return ", ".join(items)


def registry(needs: Needs) -> Section:
    """Return people, groups, VOs and the one host."""
    return {
        "DefaultGroup": "sim_user",
        "DefaultProxyTime": 864000,
        "Users": {
            user: {"DN": community.distinguished_name(user), "Email": f"{user}@localhost"}
            for user in community.USERS
        },
        "Groups": {
            group.name: {
                "Users": listed(group.users),
                "Properties": listed(group.properties),
                "VO": group.vo,
            }
            for group in needs.groups
        },
        "Hosts": {
            community.HOST: {
                "DN": community.distinguished_name(community.HOST),
                "Properties": "TrustedHost, CSAdministrator, JobAdministrator, FullDelegation, "
                "ProxyManagement, Operator, ProductionManagement, SiteManager, "
                "ServiceAdministrator",
            }
        },
        "VO": {vo: {"VOAdmin": "admin", "VOAdminGroup": f"{vo}_prod"} for vo in needs.all_vos},
    }


def operations(profile: Profile, needs: Needs) -> Section:
    """Return the rules for all VOs."""
    accounting = "Accounting" if "Accounting/DataStore" in profile.services else ""
    file_protocol = "file"
    storage = listed(community.STORAGE_ELEMENTS)
    outputs = dict.fromkeys(community.OUTPUT_PACKAGES, storage)
    return {
        "Defaults": {
            # without the service, each file operation would complain that it cannot report
            "MonitoringBackends": {"Default": accounting},
            "EMail": {"Production": "nobody@localhost", "Logging": "nobody@localhost"},
            "DataManagement": {
                "AccessProtocols": file_protocol,
                "WriteProtocols": file_protocol,
                "RegistrationProtocols": file_protocol,
                "ThirdPartyProtocols": file_protocol,
            },
            "JobDescription": {"AllowedJobTypes": listed((*community.JOB_TYPES, *needs.types))},
            "InputDataPolicy": {
                "Default": "DIRAC.WorkloadManagementSystem.Client.DownloadInputData",
                "Download": "DIRAC.WorkloadManagementSystem.Client.DownloadInputData",
                "Protocol": "DIRAC.WorkloadManagementSystem.Client.InputDataByProtocol",
            },
            "Shifter": {
                role: {"User": "prodmgr", "Group": "sim_prod"}
                for role in ("ProductionManager", "DataManager")
            },
            "Services": {
                "Catalogs": {
                    "CatalogList": community.CATALOGUE,
                    community.CATALOGUE: _catalogue(),
                }
            },
            "Transformations": {
                "DataProcessing": listed((*community.DATA_PROCESSING, *needs.types)),
                "DataManipulation": listed((*community.DATA_MANIPULATION, *needs.request_types)),
                "ExtendableTransfTypes": listed(community.EXTENDABLE),
            },
            "ProductionOutputs": outputs,
            "ProductionOutputsFailover": outputs,
        }
    }


def _catalogue() -> Section:
    return {
        "CatalogType": "FileCatalog",
        "AccessType": "Read-Write",
        "Status": "Active",
        "Master": "True",
        "CatalogURL": "DataManagement/FileCatalog",
    }


def resources(state: State, ports: dict[str, int], needs: Needs) -> Section:
    """Return catalogue, storage elements and sites."""
    disks = {
        name: {
            "BackendType": "File",
            "AccessProtocols": "file",
            "WriteProtocols": "file",
            "File": {
                "PluginName": "File",
                "Protocol": "file",
                "Path": str(state.storage / name),
                "Host": community.HOST,
                "Access": "remote",
            },
        }
        for name in (*community.STORAGE_ELEMENTS, *needs.storage_elements)
    }
    store = ports.get("WorkloadManagement/SandboxStore")
    if store is not None:
        disks[community.SANDBOX_STORAGE] = {
            "BackendType": "DISET",
            "AccessProtocols": "dips",
            "WriteProtocols": "dips",
            "DIP": {
                "PluginName": "DIP",
                "Protocol": "dips",
                "Host": community.HOST,
                "Port": store,
                "Path": "/WorkloadManagement/SandboxStore",
                "Access": "remote",
            },
        }
    return {
        "FileCatalogs": {community.CATALOGUE: _catalogue()},
        "StorageElements": disks,
        "StorageElementGroups": {"SE-USER": listed(community.STORAGE_ELEMENTS)},
        "Computing": {"CEDefaults": {}, "InProcess": {}, "Pool": {}},
        "Sites": _sites(needs),
    }


def _sites(needs: Needs) -> Section:
    sites: Section = {}
    first = community.SITES[0]
    for site in community.SITES:
        grid, place, _country = site.name.split(".")
        queue = {"maxCPUTime": 1000000, "SI00": 2400}
        sites.setdefault(grid, {})[site.name] = {
            "Name": place,
            "SE": listed([site.storage, *(needs.storage_elements if site == first else ())]),
            "CEs": {site.ce: {"CEType": "InProcess", "Queues": {"local": queue}}},
        }
    return sites
