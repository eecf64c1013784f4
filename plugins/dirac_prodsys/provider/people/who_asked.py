"""Finds out who asked for a run, as Airflow knows it.

Invariant: the answer never comes from a field of a request, or from a value of a form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context


def triggered_by(context: Context) -> str | None:
    """Return Airflow's user who triggered the run; None: it was no user of Airflow's.

    The API server takes it from the session or token of the request, and no field of the request
    sets it. Airflow's own command line writes the name of the user of the operating system.
    """
    return getattr(context.get("dag_run"), "triggering_user_name", None) or None
