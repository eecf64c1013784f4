"""Reads what the tasks of loops returned in a run: their results, and the last pass of each loop.

Invariant: reads results of the run's own tasks, and nothing else; a missing result is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core import naming

if TYPE_CHECKING:
    from airflow.sdk import Context


def last_passes(context: Context, loops: Iterable[str]) -> dict[str, int]:
    """Map each loop that has ended in this run to its last pass."""
    found = {}
    for loop in loops:
        last = told(context, f"{naming.group_id(loop)}.done").get("last")
        if isinstance(last, int):
            found[loop] = last
    return found


def told(context: Context, task_id: str) -> Mapping[str, Any]:
    """Return the result of a task of this run; empty if it has none."""
    instance: Any = context.get("ti")
    found = None if instance is None else instance.xcom_pull(task_ids=task_id)
    return found if isinstance(found, Mapping) else {}
