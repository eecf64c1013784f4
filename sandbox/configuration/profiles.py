"""Defines what runs in each profile: services, databases, agents and the processes they share.

`light` is the Transformation, Production and Data Management Systems with a local executor in
place of the WMS. `full` adds the whole WMS. A client waits 4 s for each service that has a URL and
does not run, so the configuration names exactly the services of the profile.
"""

from __future__ import annotations

from dataclasses import dataclass

CONFIGURATION = "Configuration/Server"
TRANSFORMATION_MANAGER = "Transformation/TransformationManager"

_LIGHT_SERVICES = (
    CONFIGURATION,
    TRANSFORMATION_MANAGER,
    "Production/ProductionManager",
    "DataManagement/FileCatalog",
    "RequestManagement/ReqManager",
    "ResourceStatus/ResourceStatus",
    # for the portal's view of transformations, and for dirac-prod-get-trans
    "Monitoring/WebApp",
)
_FULL_SERVICES = (
    *_LIGHT_SERVICES,
    "Framework/ProxyManager",
    "Accounting/DataStore",
    "WorkloadManagement/SandboxStore",
    "WorkloadManagement/OptimizationMind",
    "WorkloadManagement/JobMonitoring",
    "WorkloadManagement/JobStateUpdate",
    "WorkloadManagement/Matcher",
    "WorkloadManagement/WMSAdministrator",
    "WorkloadManagement/PilotManager",
    # last: connects to OptimizationMind while it initialises
    "WorkloadManagement/JobManager",
)
#: System -> databases, each from DIRAC's own <System>System/DB/<database>.sql. The same for both
#: profiles: an empty database costs nothing, and a state may change its profile after a `down`.
DATABASES = {
    "Transformation": ("TransformationDB",),
    "Production": ("ProductionDB",),
    "DataManagement": ("FileCatalogDB",),
    "RequestManagement": ("ReqDB",),
    "ResourceStatus": ("ResourceStatusDB", "ResourceManagementDB"),
    "WorkloadManagement": (
        "JobDB",
        "JobLoggingDB",
        "TaskQueueDB",
        "SandboxMetadataDB",
        "PilotAgentsDB",
    ),
    "Framework": ("ProxyDB",),
    "Accounting": ("AccountingDB",),
}
TRANSFORMATION_AGENTS = (
    "Transformation/TransformationAgent",
    "Transformation/InputDataAgent",
    "Transformation/WorkflowTaskAgent",
    "Transformation/RequestTaskAgent",
    "Transformation/MCExtensionAgent",
    "Transformation/TransformationCleaningAgent",
)
LIGHT_AGENTS = TRANSFORMATION_AGENTS[:2]
REQUEST_AGENT = "RequestManagement/RequestExecutingAgent"
JOB_AGENT = "WorkloadManagement/JobAgent"
#: agents that the configuration of every profile describes
AGENTS_OF_ALL = (*LIGHT_AGENTS, "Transformation/RequestTaskAgent", REQUEST_AGENT)
#: the optimizers, and the process that they share
EXECUTORS = ("Optimizers", "JobPath", "JobSanity", "InputData", "JobScheduling")


@dataclass(frozen=True)
class Profile:
    """One size of grid.

    :param services: services, in the order in which they start.
    :param agents: process name -> the agents that take turns in it.
    :param local_executor: run tasks without a WMS; otherwise each site gets a worker node.
    """

    name: str
    services: tuple[str, ...]
    agents: dict[str, tuple[str, ...]]
    local_executor: bool

    def ports(self) -> list[str]:
        """Return the names that need a port each."""
        wms = ["opensearch"] if "WorkloadManagement/JobMonitoring" in self.services else []
        return ["mariadb", *wms, *self.services]


PROFILES = {
    "light": Profile("light", _LIGHT_SERVICES, {}, local_executor=True),
    # requests are carried out in the name of their owner, by the owner's proxy
    "data": Profile(
        "data",
        (*_LIGHT_SERVICES, "Framework/ProxyManager"),
        {"agents": ("Transformation/RequestTaskAgent",), "request-agent": (REQUEST_AGENT,)},
        local_executor=True,
    ),
    "full": Profile(
        "full",
        _FULL_SERVICES,
        {
            "agents": TRANSFORMATION_AGENTS,
            "request-agent": (REQUEST_AGENT,),
        },
        local_executor=False,
    ),
}
