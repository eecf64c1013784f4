"""Checks the settings of agents that bite a production: types, monitoring, cleaning, input data.

Only the central configuration can be seen from here. An agent without a section there has its
options in a file of its host, or those of the code.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.doctor import grid_settings as agents
from dirac_prodsys.core.doctor.check import Check, Trouble
from dirac_prodsys.core.doctor.facts import Facts, Missing, Needed, NotThere, known
from dirac_prodsys.core.doctor.grid_settings import (
    EXTENDABLE,
    JOBS,
    REQUESTS,
    AgentSettings,
    GridSettings,
    grid_of,
    is_set,
    settings_of,
    split,
)
from dirac_prodsys.core.grid.status import TaskStatus

#: states in which a task waits for its job, and that monitoring must look at
_UNDER_WAY = tuple(
    str(state)
    for state in (TaskStatus.SUBMITTED, TaskStatus.WAITING, TaskStatus.RUNNING, TaskStatus.MATCHED)
)

#: days that what DIRAC knows of a transformation should stay after its end
_KEPT_DAYS = 2.0

_MANAGER = "let the grid's manager change it"


def _sections(settings: GridSettings, module: str) -> list[AgentSettings]:
    """Return the sections of an agent.

    :raises NotThere: the configuration has none: its options cannot be seen from here.
    """
    found = settings.agents(module)
    if not found:
        raise NotThere(Missing(f"the configuration has no section of {module}"))
    return found


def _types(facts: Facts) -> Iterator[Trouble]:
    """Yield the types that are in no list of ``Operations/Transformations``."""
    settings = settings_of(facts)
    both = {*settings.types(JOBS), *settings.types(REQUESTS)}
    for type_, needed in _by_type(facts.needs).items():
        if type_ not in both:
            family = REQUESTS if needed[0].body == "request" else JOBS
            yield Trouble(
                f"no agent works on type {type_} ({_named(needed)})",
                f"let the grid's manager add {type_} to Operations/Defaults/{family}",
            )


def _all_types(facts: Facts) -> str:
    settings = settings_of(facts)
    jobs, requests = (", ".join(settings.types(family)) for family in (JOBS, REQUESTS))
    return f"agents work on jobs of type {jobs}, and on requests of type {requests}"


def _by_type(needs: tuple[Needed, ...]) -> dict[str, list[Needed]]:
    found: dict[str, list[Needed]] = {}
    for one in needs:
        found.setdefault(one.type, []).append(one)
    return found


def _named(needed: list[Needed]) -> str:
    """Name the first of these, and how many more there are."""
    more = f" and {len(needed) - 1} more" if len(needed) > 1 else ""
    return f"{needed[0].what}{more}"


def _types_of_agents(facts: Facts) -> Iterator[Trouble]:
    """Yield the types that an agent leaves out by a list of its own."""
    settings = settings_of(facts)
    jobs, requests = settings.types(JOBS), settings.types(REQUESTS)
    lists = (
        (agents.TRANSFORMATION, "TransformationTypes", (*jobs, *requests), "makes no task"),
        (agents.INPUT_DATA, "TransformationTypes", (*jobs, *requests), "attaches no file"),
        (agents.WORKFLOW_TASK, "TransType", jobs, "submits no job"),
        (agents.REQUEST_TASK, "TransType", requests, "submits no request"),
        (agents.CLEANING, "TransformationTypes", (*jobs, *requests), "cleans nothing"),
    )
    if not any(settings.agents(module) for module, *_ in lists):
        raise NotThere(Missing("the configuration has no section of these agents"))
    for module, option, family, without in lists:
        sections = settings.agents(module)
        taken = {type_ for one in sections for type_ in one.types(option, family)}
        for type_, needed in _by_type(facts.needs).items():
            of_input = module == agents.INPUT_DATA and all(one.tasks_given for one in needed)
            if sections and type_ in family and type_ not in taken and not of_input:
                yield Trouble(
                    f"{module} {without} of type {type_} ({_named(needed)}): its {option} is "
                    f"{', '.join(sorted(taken))}",
                    f"let the grid's manager add {type_} to {sections[0].path}/{option}, or empty "
                    "that option: then the lists of Operations count",
                )


def _two_families(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    for type_ in sorted({*settings.types(JOBS)} & {*settings.types(REQUESTS)}):
        yield Trouble(
            f"{type_} is in both Operations/Defaults/{JOBS} and {REQUESTS}: its tasks are "
            "submitted as jobs and as requests"
        )


def _extendable(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    taken = {type_.lower() for type_ in settings.extendable}
    for type_, needed in _by_type(facts.needs).items():
        if any(one.tasks_given for one in needed) and type_.lower() not in taken:
            yield Trouble(
                f"no task can be added to type {type_} ({_named(needed)})",
                f"let the grid's manager add it to Operations/Defaults/{EXTENDABLE}",
            )


def _request_monitoring(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.REQUEST_TASK):
        off = [name for name in ("MonitorTasks", "MonitorFiles") if not one.value(name)]
        if off:
            yield Trouble(
                f"{one.name} has {' and '.join(off)} empty: files stay Assigned when their request "
                "is Done, until a wait finds that nothing moves",
                f"let the grid's manager set {' and '.join(off)} of {one.path} to yes",
            )


def _task_monitoring(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.WORKFLOW_TASK):
        if not one.value("MonitorTasks"):
            yield Trouble(
                f"{one.name} has MonitorTasks empty: tasks stay Submitted. We ask job monitoring "
                "instead, and set those that have ended",
            )


def _file_monitoring(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.WORKFLOW_TASK):
        if not one.value("MonitorFiles"):
            yield Trouble(
                f"{one.name} has MonitorFiles empty: files of jobs that die without a word stay "
                "Assigned until a wait looks at them"
            )


def _monitored_states(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    for module in (agents.WORKFLOW_TASK, agents.REQUEST_TASK):
        for one in settings.agents(module):
            states = split(one.value("TaskUpdateStatus"))
            wanted = _UNDER_WAY if module == agents.WORKFLOW_TASK else _UNDER_WAY[:1]
            lost = [state for state in wanted if states and state not in states]
            if one.value("MonitorTasks") and lost:
                yield Trouble(
                    f"{one.name} never looks again at tasks that are {', '.join(lost)}: its "
                    "TaskUpdateStatus lacks them",
                    f"let the grid's manager add them to {one.path}/TaskUpdateStatus",
                )


def _flush_is_seen(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.TRANSFORMATION):
        states = split(one.value("transformationStatus"))
        lost = [state for state in ("Active", "Flush") if states and state not in states]
        if lost:
            yield Trouble(
                f"{one.name} does not work on transformations that are {' or '.join(lost)}",
                f"let the grid's manager add it to {one.path}/transformationStatus",
            )


def _credentials(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    roles = {name.partition("/")[0] for name in settings.below("/Operations/Defaults/Shifter")}
    for module in (agents.WORKFLOW_TASK, agents.REQUEST_TASK, agents.CLEANING):
        for one in settings.agents(module):
            for option in ("shifterProxy", "ShifterCredentials"):
                role = one.value(option)
                if role and role not in roles:
                    yield Trouble(
                        f"{one.name} is to act as {role} ({option}), and Operations/Defaults/"
                        "Shifter has no such role: it does nothing",
                        f"let the grid's manager define Shifter/{role}, or empty {option}: then "
                        "it acts as the author of each transformation",
                    )


def _extension(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    sections = settings.agents(agents.MC_EXTENSION)
    if sections and all(one.value("EnableFlag", "True") != "True" for one in sections):
        return
    extendable = settings.extendable
    taken = {t for one in sections for t in one.types("TransformationTypes", extendable)}
    for one in known(grid_of(facts).work).transformations:
        if one.max_tasks and one.type in (taken or extendable):
            yield Trouble(
                f"{one.name} has MaxNumberOfTasks {one.max_tasks}: an MCExtensionAgent makes so "
                "many tasks, and replaces failed ones, beside the production"
            )


def _multi_vo(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.INPUT_DATA):
        if is_set(one.value("MultiVO")):
            yield Trouble(
                f"{one.name} has MultiVO = True: DIRAC 9.1 does not give it the author's DN, and "
                "it fails in every cycle (KeyError AuthorDN)"
            )


def _refresh_only(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.INPUT_DATA):
        if is_set(one.value("RefreshOnly")):
            key = one.value("DateKey")
            how = f"by {key}: files that get their metadata later" if key else "without DateKey"
            rest = " are missed for a day" if key else ": each cycle logs an error"
            yield Trouble(f"{one.name} has RefreshOnly = True {how}{rest}")


def _agent_cycle(facts: Facts) -> Iterator[Trouble]:
    grid = grid_of(facts)
    for one in _sections(settings_of(facts), agents.INPUT_DATA):
        try:
            polling = float(one.value("PollingTime", "120"))
        except ValueError:
            continue
        if 0 < grid.agent_cycle < polling:
            yield Trouble(
                f"agent_cycle of the connection is {grid.agent_cycle:g} s, and {one.name} looks "
                f"every {polling:g} s: a step may be flushed before its last files are attached",
                f"set agent_cycle to {polling:g} or more",
            )


def _cleaning_directories(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.CLEANING):
        places = split(one.value("DirectoryLocations")) or ["TransformationDB", "MetadataCatalog"]
        if "TransformationDB" not in places:
            yield Trouble(
                f"{one.name} does not read OutputDirectories: its DirectoryLocations is "
                f"{', '.join(places)}. It removes files that carry the transformation's ID, and "
                "leaves directories"
            )


def _cleaning_field(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    inventory = known(grid_of(facts).inventory)
    sections = settings.agents(agents.CLEANING)
    field = (
        sections[0].value("TransfIDMeta", "TransformationID") if sections else "TransformationID"
    )
    if field not in {*inventory.file_fields, *inventory.directory_fields}:
        yield Trouble(
            f"the catalogue has no metadata field {field}, by which the cleaning agent finds the "
            "files of a transformation",
            f"let a catalogue manager define it: meta index -f {field} int",
        )


def _archive(facts: Facts) -> Iterator[Trouble]:
    for one in _sections(settings_of(facts), agents.CLEANING):
        try:
            days = float(one.value("ArchiveAfter", "7"))
        except ValueError:
            continue
        if days < _KEPT_DAYS:
            yield Trouble(
                f"{one.name} archives Completed transformations after {days:g} days: their files "
                "and tasks are forgotten before a run can report on them"
            )


CHECKS = (
    Check(
        "types",
        "agents work on the types of the productions",
        "error",
        _types,
        "let the grid's manager add the type to Operations/Defaults/Transformations",
        _all_types,
    ),
    Check(
        "types-of-agents",
        "no agent leaves out a type of the productions",
        "error",
        _types_of_agents,
        _MANAGER,
    ),
    Check(
        "types-twice",
        "no type is one of jobs and one of requests",
        "error",
        _two_families,
        "let the grid's manager take it out of one of the lists",
    ),
    Check(
        "types-extendable",
        "tasks can be added where there is no input",
        "error",
        _extendable,
        _MANAGER,
    ),
    Check(
        "flush-is-seen",
        "the TransformationAgent works on Active and on Flush",
        "error",
        _flush_is_seen,
        _MANAGER,
    ),
    Check(
        "request-monitoring",
        "the RequestTaskAgent follows tasks and files",
        "warning",
        _request_monitoring,
        _MANAGER,
    ),
    Check(
        "agent-credentials",
        "roles in whose name agents act are defined",
        "error",
        _credentials,
        _MANAGER,
    ),
    Check(
        "input-data-multi-vo",
        "the InputDataAgent has MultiVO off",
        "error",
        _multi_vo,
        "let the grid's manager set MultiVO to False until DIRAC is mended",
    ),
    Check(
        "monitored-states",
        "task monitoring looks at all states on the way",
        "warning",
        _monitored_states,
        _MANAGER,
    ),
    Check(
        "agent-cycle",
        "agent_cycle of the connection is not shorter than the InputDataAgent's",
        "warning",
        _agent_cycle,
        "set agent_cycle to the polling time of the InputDataAgent",
    ),
    Check(
        "input-data-refresh-only",
        "the InputDataAgent asks for all files",
        "warning",
        _refresh_only,
        "let the grid's manager set RefreshOnly to False",
    ),
    Check(
        "mc-extension",
        "the MCExtensionAgent adds no tasks beside a production",
        "warning",
        _extension,
        "set it to 0 by TransformationClient.setTransformationParameter; max_tasks of a policy "
        "does what is meant",
    ),
    Check(
        "cleaning-directories",
        "the cleaning agent reads the directories that transformations name",
        "warning",
        _cleaning_directories,
        "let the grid's manager add TransformationDB to DirectoryLocations",
    ),
    Check(
        "cleaning-field",
        "the catalogue has the field by which the cleaning agent finds files",
        "warning",
        _cleaning_field,
        _MANAGER,
    ),
    Check(
        "archive-after",
        "what DIRAC knows of a transformation stays for days after its end",
        "warning",
        _archive,
        "let the grid's manager set ArchiveAfter to 7, or more if Airflow may be down for longer",
    ),
    Check(
        "task-monitoring",
        "the WorkflowTaskAgent follows tasks",
        "note",
        _task_monitoring,
        "nothing to do; MonitorTasks = yes shows the states of tasks in DIRAC's own tools, too",
    ),
    Check(
        "file-monitoring",
        "the WorkflowTaskAgent follows files",
        "note",
        _file_monitoring,
        "nothing to do; recovery of a step sets such files, as often as its policy allows",
    ),
)
