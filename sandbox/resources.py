"""The sections of the global configuration: registry, operations, resources, agents.

Each option that is not DIRAC's default says here why the sandbox needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox import community
from sandbox.profiles import CONFIGURATION, Profile
from sandbox.state import State

Section = dict[str, Any]


def _list(items: Any) -> str:
    return ", ".join(items)


def registry() -> Section:
    """People, groups, VOs and the one host."""
    return {
        "DefaultGroup": "sim_user",
        "DefaultProxyTime": 864000,
        "Users": {
            user: {"DN": community.distinguished_name(user), "Email": f"{user}@localhost"}
            for user in community.USERS
        },
        "Groups": {
            group.name: {
                "Users": _list(group.users),
                "Properties": _list(group.properties),
                "VO": group.vo,
            }
            for group in community.GROUPS
        },
        "Hosts": {
            community.HOST: {
                "DN": community.distinguished_name(community.HOST),
                "Properties": "TrustedHost, CSAdministrator, JobAdministrator, FullDelegation, "
                "ProxyManagement, Operator, ProductionManagement, SiteManager, "
                "ServiceAdministrator",
            }
        },
        "VO": {vo: {"VOAdmin": "admin", "VOAdminGroup": f"{vo}_prod"} for vo in community.VOS},
    }


def wrapper_template(state: State) -> Path:
    """The job wrapper's template, as `configuration` writes it."""
    return state.etc / "job-wrapper-template.py"


def service_overrides(state: State) -> dict[str, Section]:
    """What differs from DIRAC's own service templates."""
    return {
        # the template names the HTTPS handler
        CONFIGURATION: {"HandlerPath": "DIRAC/ConfigurationSystem/Service/ConfigurationHandler.py"},
        "DataManagement/FileCatalog": {
            "DirectoryMetadata": "DirectoryMetadata",
            "FileMetadata": "FileMetadata",
            "DatasetManager": "DatasetManager",
        },
        "Accounting/DataStore": {"RunBucketing": "False"},
        "Framework/ProxyManager": {"MaxThreads": 20},
        "WorkloadManagement/JobManager": {"MaxParametricJobs": 1000},
        "WorkloadManagement/SandboxStore": {
            "BasePath": str(state.storage / "sandboxes"),
            "MaxThreads": 20,
        },
        "WorkloadManagement/OptimizationMind": {"Authorization": {"Default": "authenticated"}},
    }


def agents(state: State, profile: Profile) -> dict[str, Section]:
    """Agents, executors and the job wrapper, by system."""
    task_status = (
        "Submitted, Submitting, Received, Checking, Staging, Waiting, Matched, Running, "
        "Completing, Completed, Stalled, Rescheduled, Killed, Deleted, Scheduled, Assigned"
    )
    tasks = {
        "PollingTime": 2,
        "LogLevel": "ERROR",
        "SubmitTasks": "yes",
        # off by default: without them no task and no file ever leaves Submitted and Assigned
        "MonitorTasks": "yes",
        "MonitorFiles": "yes",
        "CheckReserved": "yes",
        "maxNumberOfThreads": 1,
        "TaskUpdateStatus": task_status,
    }
    transformation = {
        "TransformationAgent": {
            "PollingTime": 2,
            "LogLevel": "ERROR",
            "PluginLocation": "DIRAC.TransformationSystem.Agent.TransformationPlugin",
            "transformationStatus": "Active, Completing, Flush",
        },
        "InputDataAgent": {"PollingTime": 2, "LogLevel": "ERROR", "RefreshOnly": "False"},
    }
    if profile.local_executor:
        return {"Transformation": {"Agents": transformation}}
    transformation |= {
        "WorkflowTaskAgent": {
            **tasks,
            "BulkSubmission": "true",
            "TransType": _list(community.DATA_PROCESSING),
        },
        "RequestTaskAgent": {**tasks, "TransType": _list(community.DATA_MANIPULATION)},
        "MCExtensionAgent": {"PollingTime": 2, "LogLevel": "ERROR"},
        "TransformationCleaningAgent": {
            "PollingTime": 5,
            "LogLevel": "ERROR",
            "EnableFlag": "True",
            "TransfIDMeta": "TransformationID",
            # the other default, TransformationDB, needs OutputDirectories on each transformation
            "DirectoryLocations": "MetadataCatalog",
        },
    }
    return {
        "Transformation": {"Agents": transformation},
        "RequestManagement": {"Agents": {"RequestExecutingAgent": _request_agent()}},
        "WorkloadManagement": {
            "Agents": {"JobAgent": _job_agent(state)},
            "Executors": {
                "Optimizers": {"Load": "JobPath, JobSanity, InputData, JobScheduling"},
                **{
                    name: {"LogLevel": "ERROR"}
                    for name in ("JobPath", "JobSanity", "InputData", "JobScheduling")
                },
            },
            "JobWrapper": {
                "BufferLimit": 10485760,
                "CleanUpFlag": "True",
                "DefaultCPUTime": 600,
                "MinOutputDataBufferGB": 0,
                "DiskSE": "-SE",
                "TapeSE": "-tape",
                "StopMargin": 0,
                # the watchdog looks every 10 s whether the payload has ended
                "PollingTime": 1,
            },
        },
    }


def _request_agent() -> Section:
    data = "DIRAC/DataManagementSystem/Agent/RequestOperations"
    transformation = "DIRAC/TransformationSystem/Agent/RequestOperations"
    places = {
        name: f"{data}/{name}"
        for name in (
            "ReplicateAndRegister",
            "RemoveReplica",
            "RemoveFile",
            "RegisterFile",
            "RegisterReplica",
            "PhysicalRemoval",
        )
    }
    places["SetFileStatus"] = f"{transformation}/SetFileStatus"
    return {
        "PollingTime": 1,
        "LogLevel": "ERROR",
        "RequestsPerCycle": 100,
        "MinProcess": 1,
        "MaxProcess": 2,
        "ProcessPoolQueueSize": 20,
        "BulkRequest": 0,
        "FTSMode": "False",
        "OperationHandlers": {
            name: {"Location": place, "LogLevel": "ERROR", "MaxAttempts": 8}
            for name, place in places.items()
        },
    }


def _job_agent(state: State) -> Section:
    return {
        "PollingTime": 1,
        "LogLevel": "ERROR",
        "DefaultLogLevel": "INFO",
        "CEType": "InProcess",
        "FillingModeFlag": "True",
        # a pilot ends after a few idle cycles; this one is the whole farm
        "StopAfterFailedMatches": 10**9,
        "StopAfterHostFailures": 10**9,
        "StopOnApplicationFailure": "False",
        "SubmissionDelay": 0,
        "MinimumTimeLeft": 10,
        "JobWrapperTemplate": str(wrapper_template(state)),
    }


def operations(profile: Profile) -> Section:
    """Rules for all VOs."""
    accounting = "Accounting" if "Accounting/DataStore" in profile.services else ""
    file_protocol = "file"
    storage = _list(community.STORAGE_ELEMENTS)
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
            "JobDescription": {"AllowedJobTypes": _list(community.JOB_TYPES)},
            "JobScheduling": {"CheckJobLimits": "False", "RescheduleDelays": 0},
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
                "DataProcessing": _list(community.DATA_PROCESSING),
                "DataManipulation": _list(community.DATA_MANIPULATION),
                "ExtendableTransfTypes": _list(community.EXTENDABLE),
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


def resources(state: State, ports: dict[str, int]) -> Section:
    """Catalogue, storage elements and sites."""
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
        for name in community.STORAGE_ELEMENTS
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
        "StorageElementGroups": {"SE-USER": _list(community.STORAGE_ELEMENTS)},
        "Computing": {"CEDefaults": {}, "InProcess": {}, "Pool": {}},
        "Sites": _sites(),
    }


def _sites() -> Section:
    sites: Section = {}
    for name, storage in community.SITES.items():
        grid, place, _country = name.split(".")
        queue = {"maxCPUTime": 1000000, "SI00": 2400}
        ce = community.WORKER_CE if name == community.WORKER_SITE else f"ce-{place.lower()}"
        sites.setdefault(grid, {})[name] = {
            "Name": place,
            "SE": _list(storage),
            "CEs": {ce: {"CEType": "InProcess", "Queues": {"local": queue}}},
        }
    return sites
