"""Reads the configuration of a grid as its agents read it: sections, defaults, types, names.

An agent may run under another name: its section then has the option ``Module``
(``AgentReactor``, 9.1). Agents run without a VO, so of ``Operations`` they read the defaults.

Invariant: the defaults are those of DIRAC's code, not of its templates: an option that is not in
the configuration has the value of the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dirac_prodsys.core.doctor.facts import Facts, GridFacts, known

#: sections that doctor reads
SECTIONS = (
    "/DIRAC/Configuration",
    "/Operations",
    "/Resources/Shares",
    "/Systems/Transformation/Agents",
    "/Systems/RequestManagement/Agents",
)

#: lists of types that agents work on if the configuration names none
JOBS, REQUESTS = "Transformations/DataProcessing", "Transformations/DataManipulation"
_DEFAULT_TYPES = {JOBS: ("MCSimulation", "Merge"), REQUESTS: ("Replication", "Removal")}

#: list of types to which tasks can be added
EXTENDABLE = "Transformations/ExtendableTransfTypes"

INPUT_DATA = "InputDataAgent"
TRANSFORMATION = "TransformationAgent"
WORKFLOW_TASK = "WorkflowTaskAgent"
REQUEST_TASK = "RequestTaskAgent"
MC_EXTENSION = "MCExtensionAgent"
CLEANING = "TransformationCleaningAgent"
REQUEST_EXECUTING = "RequestExecutingAgent"

#: agent → system; those that productions cannot do without
SYSTEMS = {
    INPUT_DATA: "Transformation",
    TRANSFORMATION: "Transformation",
    WORKFLOW_TASK: "Transformation",
    REQUEST_TASK: "Transformation",
    CLEANING: "Transformation",
    REQUEST_EXECUTING: "RequestManagement",
}

#: what DIRAC reads as "no"
_FALSE = ("n", "no", "false", "0")


def split(text: str) -> list[str]:
    """Return the values of a list of the configuration."""
    return [part.strip() for part in text.split(",") if part.strip()]


def is_set(text: str) -> bool:
    """Return whether DIRAC reads a text as true (``List.py``, ``Configuration``)."""
    return bool(text) and text.lower() not in _FALSE


@dataclass(frozen=True)
class AgentSettings:
    """The section of one agent.

    :param name: name under which it runs.
    :param options: its options; an agent without a section has none.
    :param path: of the section.
    """

    name: str
    path: str
    options: Mapping[str, str]

    def value(self, option: str, default: str = "") -> str:
        """Return an option; an empty one counts as not set, as DIRAC reads it."""
        return self.options.get(option, "") or default

    def types(self, option: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return the types that it works on."""
        return tuple(split(self.value(option))) or default


@dataclass(frozen=True)
class GridSettings:
    """The options of a grid, by path."""

    options: Mapping[str, str]
    vo: str = ""

    def option(self, path: str) -> str:
        """Return an option; empty if there is none."""
        return self.options.get(path, "")

    def below(self, section: str) -> dict[str, str]:
        """Return the options below a section, by their path in it."""
        start = f"{section}/"
        return {k.removeprefix(start): v for k, v in self.options.items() if k.startswith(start)}

    def operations(self, path: str, *, vo: bool = False) -> str:
        """Return an option of ``Operations``.

        :param vo: as a client of the VO reads it; otherwise as an agent does.
        """
        own = self.option(f"/Operations/{self.vo}/{path}") if vo and self.vo else ""
        return own or self.option(f"/Operations/Defaults/{path}")

    def types(self, family: str) -> tuple[str, ...]:
        """Return the types of a family: :data:`JOBS` or :data:`REQUESTS`."""
        return tuple(split(self.operations(family))) or _DEFAULT_TYPES[family]

    @property
    def extendable(self) -> tuple[str, ...]:
        """Return the types to which tasks can be added, as they have no input."""
        return tuple(split(self.operations(EXTENDABLE))) or ("MCSimulation", "Simulation")

    def agents(self, module: str) -> list[AgentSettings]:
        """Return the sections of an agent: under its own name, and where another names it."""
        root = f"/Systems/{SYSTEMS.get(module, 'Transformation')}/Agents"
        sections: dict[str, dict[str, str]] = {}
        for path, value in self.below(root).items():
            name, _, option = path.partition("/")
            sections.setdefault(name, {})[option] = value
        others = [n for n, own in sections.items() if own.get("Module") == module and n != module]
        names = [*([module] if module in sections else []), *others]
        common = sections.get(module, {})
        return [
            AgentSettings(name, f"{root}/{name}", {**common, **sections[name]}) for name in names
        ]

    def is_request(self, type_: str) -> bool:
        """Return whether tasks of that type become requests."""
        return type_ in self.types(REQUESTS)


def grid_of(facts: Facts) -> GridFacts:
    """Return what is known of the grid.

    :raises NotThere: no grid was asked.
    """
    return known(facts.grid)


def settings_of(facts: Facts) -> GridSettings:
    """Return the configuration of the grid.

    :raises NotThere: it is not there.
    """
    grid = grid_of(facts)
    return GridSettings(known(grid.options), grid.vo)
