"""The options of services, agents, executors and the job wrapper.

Each one that is not DIRAC's default says here why the sandbox needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox import community
from sandbox.needs import Needs
from sandbox.profiles import CONFIGURATION, Profile
from sandbox.resources import listed
from sandbox.state import State

Section = dict[str, Any]


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
    needs = Needs.kept(state)
    manipulation = listed((*community.DATA_MANIPULATION, *needs.request_types))
    requests = {"RequestTaskAgent": {**tasks, "TransType": manipulation}}
    if profile.local_executor:
        return {
            "Transformation": {"Agents": {**transformation, **requests}},
            "RequestManagement": {"Agents": {"RequestExecutingAgent": _request_agent()}},
        }
    transformation |= {
        "WorkflowTaskAgent": {
            **tasks,
            "BulkSubmission": "true",
            "TransType": listed((*community.DATA_PROCESSING, *needs.types)),
        },
        **requests,
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
