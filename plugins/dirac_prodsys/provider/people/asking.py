"""Asks a person while the same task waits for the grid.

Airflow's question belongs to a task instance, not to its operator: a deferred task may have one.
It stands under Required Actions as any other, and the answer resumes the task as an event of its
trigger would (``update_hitl_detail`` of Airflow's API, for tasks that are deferred or awaiting
input). So one wait notices both: the person in Airflow, and whatever a person does in DIRAC.

Invariant: the question is put once for each attempt of a task. Airflow keeps its first text, so
the text must be true whenever it is answered. If a question cannot be put, the log reports it, and
the wait goes on. An answer outlives the attempt that it was given to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

#: seconds after which it counts as not known whether there was an answer
_PATIENCE = 20.0


def put(context: Context, subject: str, body: str, options: Sequence[str]) -> bool:
    """Ask; return whether that was possible.

    :param body: Markdown.
    :param options: the last one does nothing: Airflow shows it as the first choice.
    """
    from airflow.sdk.execution_time.hitl import upsert_hitl_detail

    task_instance: Any = context.get("ti")
    if task_instance is None:
        return False
    try:
        upsert_hitl_detail(
            ti_id=task_instance.id,
            options=list(options),
            subject=subject,
            body=body,
            defaults=[options[-1]],
            params={},
        )
    except Exception as error:
        log.warning("nobody can be asked in Airflow, DIRAC is watched on: %s", error)
        return False
    return True


async def earlier(task_instance: Any) -> dict[str, Any] | None:
    """Return the answer given to an earlier attempt, as the event that it was; None: there is none.

    If a person answers before Airflow 3.3's scheduler has heard that the worker deferred, it takes
    that report for a failure and tries the task again under the same ID (Airflow's issue 67287).
    The answer then stands in Airflow's database, and putting the question again would remove it.
    Only a trigger can read it.
    """
    if task_instance is None or (getattr(task_instance, "try_number", None) or 1) < 2:
        return None
    from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail

    try:
        async with asyncio.timeout(_PATIENCE):
            found = await sync_to_async(get_hitl_detail_content_detail)(ti_id=task_instance.id)
    except Exception as error:  # also: no question was put
        log.debug("no answer to an earlier attempt: %s", error)
        return None
    if not found.response_received:
        return None
    return found.model_dump(mode="json", include={"chosen_options", "responded_by_user"})


def answer(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the chosen option and the person; None if the event is no answer."""
    chosen = event.get("chosen_options")
    if not chosen:
        return None
    who = event.get("responded_by_user") or {}
    name = who.get("name") if isinstance(who, Mapping) else getattr(who, "name", None)
    return str(chosen[0]), str(name or "somebody")
