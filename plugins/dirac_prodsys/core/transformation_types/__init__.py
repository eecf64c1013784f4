"""The types of transformations that a step may have: one file per family, found by being here.

A file of this folder declares ``TYPES``; nothing else has to be told of it. The words are DIRAC's:
a type must also stand in the site's ``Operations/Transformations`` to be worked on by its agents.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dirac_prodsys.core.problems import nearest
from dirac_prodsys.errors import DefinitionError


@dataclass(frozen=True)
class TransformationType:
    """What a type of transformation is by default.

    :param name: DIRAC's Type, and the JobType of its jobs.
    :param needs_input: it works on files; otherwise the production says how many tasks it has.
    :param body: what its tasks are: jobs, or requests of the data management system.
    :param plugin: DIRAC's task-making plugin.
    :param group_size: files per task.
    :param sent_as: DIRAC's Type where that is another word; empty: the same.
    """

    name: str
    needs_input: bool = True
    body: Literal["job", "request"] = "job"
    plugin: str = "Standard"
    group_size: float = 1.0
    sent_as: str = ""


@functools.cache
def transformation_types() -> dict[str, TransformationType]:
    """All types by name."""
    found: dict[str, TransformationType] = {}
    for module in pkgutil.iter_modules(__path__):
        family = importlib.import_module(f"{__name__}.{module.name}")
        found.update({kind.name: kind for kind in family.TYPES})
    return found


def transformation_type(
    name: str, declared: Mapping[str, TransformationType] | None = None
) -> TransformationType:
    """The type of that name.

    :param declared: types that the production itself declares.
    :raises DefinitionError: there is none.
    """
    found = (declared or {}).get(name) or transformation_types().get(name)
    if found is None:
        known = {**transformation_types(), **(declared or {})}
        reason = f"unknown transformation type {name!r}"
        hint = f"{nearest(name, known)}; a type of the site is declared under types"
        raise DefinitionError(reason, hint, code="unknown-word")
    return found
