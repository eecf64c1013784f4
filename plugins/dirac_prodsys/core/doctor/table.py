"""Lists all checks: those of the grid, those of Airflow, and those of communities.

Invariant: a code names one check, for ever.
"""

from __future__ import annotations

from dirac_prodsys.core.community import Community, communities
from dirac_prodsys.core.doctor import (
    access,
    agent_settings,
    agents,
    airflow_settings,
    catalogue,
    destinations,
)
from dirac_prodsys.core.doctor.check import Check, Trouble
from dirac_prodsys.errors import DefinitionError

#: topic → the checks of a grid
OF_GRIDS: dict[str, tuple[Check, ...]] = {
    "Access": access.CHECKS,
    "Agents": agents.CHECKS,
    "Settings of agents": agent_settings.CHECKS,
    "Where jobs may run": destinations.CHECKS,
    "The catalogue and the files": catalogue.CHECKS,
}
#: topic → the checks of an Airflow
OF_AIRFLOWS: dict[str, tuple[Check, ...]] = {"Airflow": airflow_settings.CHECKS}


def of_communities() -> dict[str, tuple[Check, ...]]:
    """Return the checks of communities, by the community's name in sentences."""
    return {one.words: _checks_of(one) for one in communities() if one.grid_checks}


def _checks_of(one: Community) -> tuple[Check, ...]:
    """Return the checks of a community; if they cannot be loaded, a check that says so."""
    try:
        return tuple(one.offered(one.grid_checks))
    except DefinitionError as error:
        trouble = Trouble(error.reason)
        title = f"the checks of {one.words} can be loaded"
        code = f"{one.name}-checks"
        return (Check(code, title, "warning", lambda _facts: (trouble,), error.hint),)


def grid_checks() -> tuple[Check, ...]:
    """Return all checks of a grid."""
    topics = (*OF_GRIDS.values(), *of_communities().values())
    return tuple(check for checks in topics for check in checks)


def airflow_checks() -> tuple[Check, ...]:
    """Return all checks of an Airflow."""
    return tuple(check for checks in OF_AIRFLOWS.values() for check in checks)


def markdown() -> str:
    """Return the list of all checks for ``docs/how-to/doctor.md``."""
    parts = []
    for topic, checks in {**OF_GRIDS, **of_communities(), **OF_AIRFLOWS}.items():
        rows = [
            f"| `{check.code}` | {check.severity} | {check.title} | {check.way_out} |"
            for check in checks
        ]
        head = ["| check | | what is so if all is well | the way out |", "|---|---|---|---|"]
        parts.append("\n".join([f"### {topic}", "", *head, *rows]))
    return "\n\n".join(parts) + "\n"
