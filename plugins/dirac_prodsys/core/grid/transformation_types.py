"""Lists the types of transformations that a step may have: one row each.

The words are DIRAC's: the agents work on a type only if the site's ``Operations/Transformations``
lists it, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dirac_prodsys.core.problems import nearest
from dirac_prodsys.errors import DefinitionError


@dataclass(frozen=True)
class TransformationType:
    """The defaults of a type of transformation.

    :param name: DIRAC's Type, and the JobType of its jobs.
    :param needs_input: whether it works on files; otherwise the production says how many tasks it
        has.
    :param body: what its tasks are: jobs, or requests of the data management system.
    :param plugin: DIRAC's task-making plugin.
    :param group_size: files per task.
    :param sent_as: DIRAC's Type if that is another word; empty: the same.
    """

    name: str
    needs_input: bool = True
    body: Literal["job", "request"] = "job"
    plugin: str = "Standard"
    group_size: float = 1.0
    sent_as: str = ""


#: all types by name
TRANSFORMATION_TYPES: Mapping[str, TransformationType] = {
    kind.name: kind
    for kind in (
        # makes files out of nothing; in DIRAC's ``ExtendableTransfTypes`` by default, so that tasks
        # can be added
        TransformationType("MCSimulation", needs_input=False),
        # jobs turn files into files
        TransformationType("DataProcessing"),
        TransformationType("DataReprocessing"),
        TransformationType("Merging"),
        TransformationType("Training"),
        TransformationType("ApplyModel"),
        # requests copy or remove files, and no job runs: the Transformation System looks up
        # Replication and Removal to treat tasks as requests (``TransformationAgent``)
        TransformationType("Replication", body="request", plugin="Broadcast"),
        TransformationType("Moving", body="request", plugin="Broadcast", sent_as="Replication"),
        TransformationType("Removal", body="request"),
    )
}


def transformation_type(
    name: str, declared: Mapping[str, TransformationType] | None = None
) -> TransformationType:
    """Return the type of that name.

    :param declared: types that the production itself declares.
    :raises DefinitionError: there is none.
    """
    found = (declared or {}).get(name) or TRANSFORMATION_TYPES.get(name)
    if found is None:
        known = {**TRANSFORMATION_TYPES, **(declared or {})}
        reason = f"unknown transformation type {name!r}"
        hint = f"{nearest(name, known)}; a type of the site is declared under types"
        raise DefinitionError(reason, hint, code="unknown-word")
    return found
