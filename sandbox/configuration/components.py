"""Builds the options of services, agents, executors and the job wrapper.

They are DIRAC's templates, changed by the table of differences.

Invariant: what is not in :mod:`sandbox.configuration.differences` is as DIRAC's templates have it.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diraccfg import CFG

from sandbox.configuration.differences import DIFFERENCES, Difference
from sandbox.configuration.profiles import (
    AGENTS_OF_ALL,
    EXECUTORS,
    JOB_AGENT,
    TRANSFORMATION_AGENTS,
    Profile,
)
from sandbox.state import State

Section = dict[str, Any]


def dirac_folder() -> Path:
    """Return the folder of the DIRAC package; importing it would read the environment.

    :raises ModuleNotFoundError: DIRAC is not installed.
    """
    spec = importlib.util.find_spec("DIRAC")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("DIRAC is not installed in this environment", name="DIRAC")
    return Path(next(iter(spec.submodule_search_locations)))


def wrapper_template(state: State) -> Path:
    """Return the path of the job wrapper's template, which `configuration` writes."""
    return state.etc / "job-wrapper-template.py"


def component(state: State, system: str, kind: str, name: str, port: int = 0) -> Section:
    """Return the section of one service, agent or executor.

    :param kind: ``Services``, ``Agents`` or ``Executors``.
    :param port: port of a service.
    """
    section: Section = _template(system)[kind][name].getAsDict()
    facts = _facts(state, port)
    for difference in DIFFERENCES:
        _set(section, (system, kind, name), difference, facts)
    return section


def agents(state: State, profile: Profile) -> dict[str, Section]:
    """Return agents, executors and the job wrapper, by system."""
    names = AGENTS_OF_ALL
    if not profile.local_executor:
        names = (*dict.fromkeys((*AGENTS_OF_ALL, *TRANSFORMATION_AGENTS)), JOB_AGENT)
    found: dict[str, Section] = {}
    for agent in names:
        system, name = agent.split("/")
        section = component(state, system, "Agents", name)
        found.setdefault(system, {}).setdefault("Agents", {})[name] = section
    if not profile.local_executor:
        jobs = found["WorkloadManagement"]
        jobs["Executors"] = {
            name: component(state, "WorkloadManagement", "Executors", name) for name in EXECUTORS
        }
        # its template only shows the defaults of the code, in Python's notation
        jobs["JobWrapper"] = {}
        for difference in DIFFERENCES:
            _set(
                jobs["JobWrapper"],
                ("WorkloadManagement", "JobWrapper"),
                difference,
                _facts(state),
            )
    return found


def _facts(state: State, port: int = 0) -> dict[str, str]:
    """Return the facts that values of the table may name."""
    return {"storage": str(state.storage), "etc": str(state.etc), "port": str(port)}


def _set(
    section: Section, place: tuple[str, ...], difference: Difference, facts: Mapping[str, str]
) -> None:
    """Set an option of a section, or of its subsections, if the difference is about it."""
    *holder, option = difference.place.split("/")
    if len(holder) > len(place):  # it belongs to a subsection
        below = holder[len(place)]
        if _fits(holder[: len(place)], place):
            for name in list(section) if below == "*" else [below]:
                if isinstance(section.setdefault(name, {}), dict):
                    _set(section[name], (*place, name), difference, facts)
    elif _fits(holder, place):
        value = difference.value
        section[option] = value.format(**facts) if isinstance(value, str) else value


def _fits(parts: list[str], place: tuple[str, ...]) -> bool:
    return len(parts) == len(place) and all(
        part in ("*", given) for part, given in zip(parts, place, strict=True)
    )


@functools.cache
def _template(system: str) -> CFG:
    template = CFG()
    template.loadFromFile(str(dirac_folder() / f"{system}System" / "ConfigTemplate.cfg"))
    return template
