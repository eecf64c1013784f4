"""Begins runs of DAGs from within a task.

Invariant: one run of an ID, however often this is repeated and whoever does it at the same time:
Airflow refuses a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowException, ErrorType


def begin_run(dag_id: str, run: str, conf: Mapping[str, Any], note: str) -> bool:
    """Trigger a run; return whether it is new.

    :param note: shown with the run.
    :raises AirflowException: Airflow did not take it; may be tried again.
    """
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    asked = TriggerDagRun(dag_id=dag_id, run_id=run, conf=dict(conf), note=note)
    answer = SUPERVISOR_COMMS.send(asked)
    if not isinstance(answer, ErrorResponse):
        return True
    if answer.error != ErrorType.DAGRUN_ALREADY_EXISTS:
        raise AirflowException(f"run {run} cannot be begun: {answer.error}: {answer.detail}")
    return False
