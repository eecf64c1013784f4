"""Lists every difference between the sandbox and DIRAC's defaults, each with its reason.

Services, agents and executors are configured by DIRAC's own ``ConfigTemplate.cfg`` of each system,
as an installation is; an option missing there has its default in the code. A row here replaces one
option. A sandbox that is kinder than a site hides what sites meet: waits may be shorter here,
because tests cannot wait; the actions of an agent may not differ.

Invariant: everything that differs is in this table, and everything in it differs;
``tests/unit/sandbox_demo/test_differences.py`` compares it with the configuration that is written.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One option of services, agents or executors.

    :param place: ``System/Kind/Component/Option``; ``*`` stands for any one part.
    :param value: may hold ``{storage}`` and ``{etc}``, folders of the grid, and ``{port}``.
    """

    place: str
    value: str | int
    reason: str


@dataclass(frozen=True)
class Change:
    """A change that a driver makes to DIRAC's code, because there is no option.

    :param by: the function that makes it, ``module.function`` below ``sandbox``.
    """

    by: str
    what: str
    reason: str


_WAIT = "tests cannot wait for it"
_SMALL = "one small machine has the whole grid"
_QUIET = "a log that a person reads when something fails, and nothing else"
_FARM = "a pilot ends and is replaced; the one of each site here is the whole farm"

_TRANSFORMATION = "Transformation/Agents"
_EXECUTING = "RequestManagement/Agents/RequestExecutingAgent"
_JOB_AGENT = "WorkloadManagement/Agents/JobAgent"

DIFFERENCES = (
    Difference("*/Services/*/Port", "{port}", "several grids run on one machine: a free one"),
    Difference("*/Services/*/LogLevel", "ERROR", _QUIET),
    Difference("*/Agents/*/LogLevel", "ERROR", _QUIET),
    Difference("*/Executors/*/LogLevel", "ERROR", _QUIET),
    Difference(
        "Configuration/Services/Server/HandlerPath",
        "DIRAC/ConfigurationSystem/Service/ConfigurationHandler.py",
        "the template names the handler that speaks HTTPS; here all services speak dips",
    ),
    Difference("Accounting/Services/DataStore/RunBucketing", "False", _SMALL),
    Difference("Framework/Services/ProxyManager/MaxThreads", 20, _SMALL),
    Difference("WorkloadManagement/Services/SandboxStore/MaxThreads", 20, _SMALL),
    Difference(
        "WorkloadManagement/Services/SandboxStore/BasePath",
        "{storage}/sandboxes",
        "all files of a grid lie in one folder",
    ),
    Difference(
        "WorkloadManagement/Services/OptimizationMind/Authorization/Default",
        "authenticated",
        "the template has no rule, and without one nobody is served",
    ),
    Difference(f"{_TRANSFORMATION}/TransformationAgent/PollingTime", 2, _WAIT),
    Difference(
        f"{_TRANSFORMATION}/TransformationAgent/PluginLocation",
        "sandbox.drivers.task_plugins",
        "DIRAC's own, and CTADIRAC's where scripts/setup-ctadirac has installed it",
    ),
    Difference(f"{_TRANSFORMATION}/InputDataAgent/PollingTime", 2, _WAIT),
    Difference(f"{_TRANSFORMATION}/MCExtensionAgent/PollingTime", 2, _WAIT),
    Difference(f"{_TRANSFORMATION}/TransformationCleaningAgent/PollingTime", 5, _WAIT),
    Difference(f"{_TRANSFORMATION}/WorkflowTaskAgent/PollingTime", 2, _WAIT),
    Difference(f"{_TRANSFORMATION}/RequestTaskAgent/PollingTime", 2, _WAIT),
    Difference(f"{_TRANSFORMATION}/WorkflowTaskAgent/maxNumberOfThreads", 1, _SMALL),
    Difference(f"{_TRANSFORMATION}/RequestTaskAgent/maxNumberOfThreads", 1, _SMALL),
    Difference(
        f"{_TRANSFORMATION}/WorkflowTaskAgent/TransType",
        "",
        "the template lists types of one site; empty, they are those of Operations",
    ),
    Difference(
        f"{_TRANSFORMATION}/WorkflowTaskAgent/TaskUpdateStatus",
        "Submitted, Submitting, Received, Checking, Staging, Waiting, Matched, Running, "
        "Completing, Completed, Stalled, Rescheduled, Killed, Deleted, Failed",
        "a task that is seen in a state not listed is never looked at again. The default looks "
        "every 10 minutes and meets states in between seldom; here it looks every few seconds",
    ),
    *(
        Difference(
            f"{_TRANSFORMATION}/{agent}/{option}",
            "yes",
            "off by default, and each site that runs productions sets it: without it no task and "
            "no file ever leaves Submitted and Assigned",
        )
        for agent in ("WorkflowTaskAgent", "RequestTaskAgent")
        for option in ("MonitorTasks", "MonitorFiles")
    ),
    Difference(f"{_EXECUTING}/PollingTime", 1, _WAIT),
    Difference(f"{_EXECUTING}/RequestsPerCycle", 100, _SMALL),
    Difference(f"{_EXECUTING}/MinProcess", 1, _SMALL),
    Difference(f"{_EXECUTING}/MaxProcess", 2, _SMALL),
    Difference(f"{_EXECUTING}/ProcessPoolQueueSize", 20, _SMALL),
    Difference(
        f"{_EXECUTING}/OperationHandlers/PhysicalRemoval/Location",
        "DIRAC/DataManagementSystem/Agent/RequestOperations/PhysicalRemoval",
        "the template lacks it; a site whose productions remove so adds it",
    ),
    Difference(
        f"{_EXECUTING}/OperationHandlers/*/MaxAttempts",
        8,
        "tests cannot wait for 256 attempts, each minutes after the one before it",
    ),
    Difference(f"{_EXECUTING}/OperationHandlers/*/LogLevel", "ERROR", _QUIET),
    Difference(f"{_JOB_AGENT}/PollingTime", 1, _WAIT),
    Difference(f"{_JOB_AGENT}/SubmissionDelay", 0, _WAIT),
    Difference(f"{_JOB_AGENT}/StopOnApplicationFailure", "False", _FARM),
    Difference(f"{_JOB_AGENT}/StopAfterFailedMatches", 10**9, _FARM),
    Difference(f"{_JOB_AGENT}/StopAfterHostFailures", 10**9, _FARM),
    Difference(
        f"{_JOB_AGENT}/JobWrapperTemplate",
        "{etc}/job-wrapper-template.py",
        "DIRAC's own with one wait less: it sleeps 5 s before it looks for the payload's process",
    ),
    Difference("WorkloadManagement/JobWrapper/PollingTime", 1, f"the end of a job: {_WAIT} (10 s)"),
    Difference("WorkloadManagement/JobWrapper/MinOutputDataBufferGB", 0, _SMALL),
    Difference(
        "WorkloadManagement/JobWrapper/DiskSE", "-SE", "how the storage elements here are named"
    ),
)

CHANGES = (
    Change(
        "drivers.agents.switch_off_control_groups",
        "JobAgent uses no control groups",
        "run as root, it would move every process of its group, the caller's shell included",
    ),
    Change(
        "drivers.agents.shorten_monitor_delay",
        "task and file monitoring look at what was untouched for 4 s, not for 10 minutes",
        _WAIT,
    ),
    Change(
        "drivers.agents.spare_files_without_job",
        "file monitoring takes a file whose task has no job for lost after 10 minutes still",
        "the delay of 10 minutes decides two things in DIRAC, and only one may be shortened",
    ),
    Change("drivers.agents.shorten_match_wait", "JobAgent asks again after 0.2 s, not 2 s", _WAIT),
    Change(
        "drivers.agents.serve_all_vos",
        "JobAgent offers itself to the groups of all VOs",
        "the one worker node of a site takes the jobs of every VO",
    ),
    Change(
        "drivers.services.bind_to_loopback",
        "services listen on 127.0.0.1 only",
        "they are nobody else's",
    ),
    Change(
        "drivers.services.shorten_submit_delay",
        "tasks are handed out at once, not 30 s after they were made",
        _WAIT,
    ),
)
