"""Who asked for a run, as Airflow knows it.

Invariant: the answer is never what a field of a request, or a value of a form, says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context


def triggered_by(context: Context) -> str | None:
    """Airflow's user who triggered the run; None: it was no user of Airflow's.

    The API server writes it from the session or token of the request, and no field of the request
    says it. Airflow's own command line writes the name of the user of the operating system.
    """
    return getattr(context.get("dag_run"), "triggering_user_name", None) or None
