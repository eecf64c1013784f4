"""Lists all checks: those of the grid, those of Airflow, and those of communities.

Invariant: a code names one check, for ever.
"""

from __future__ import annotations

from dirac_prodsys.core.community import communities
from dirac_prodsys.core.doctor import (
    access,
    agent_settings,
    agents,
    airflow_settings,
    catalogue,
    destinations,
)
from dirac_prodsys.core.doctor.check import Check

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
    """Return the checks of communities, by the community's name in sentences.

    :raises DefinitionError: a community offers checks that cannot be loaded.
    """
    return {
        one.words: tuple(one.offered(one.grid_checks)) for one in communities() if one.grid_checks
    }


def grid_checks() -> tuple[Check, ...]:
    """Return all checks of a grid.

    :raises DefinitionError: see :func:`of_communities`.
    """
    topics = (*OF_GRIDS.values(), *of_communities().values())
    return tuple(check for checks in topics for check in checks)


def airflow_checks() -> tuple[Check, ...]:
    """Return all checks of an Airflow."""
    return tuple(check for checks in OF_AIRFLOWS.values() for check in checks)
