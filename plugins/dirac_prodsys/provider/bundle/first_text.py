"""Keeps each run on the text with which it began, where Airflow has no versions of the DAG's file.

Without versions, Airflow draws a task from the newest text, and takes the order of tasks from the
newest DAG. So the first task of a run stores the text and the values of the run as its XCom, and
each later task compares:

* With the same tasks in the same order, the task works by the first text: an edit is for the runs
  that begin after it.
* With other tasks, or another order, it fails and says what to do: what Airflow would run then is
  neither the first production nor the second.

Invariant: a run does nothing on the grid by another text than its first.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.run.dag_shape import VERSION
from dirac_prodsys.errors import DefinitionError, ProdsysError
from dirac_prodsys.provider.dag_builder import build_dag
from dirac_prodsys.provider.people.params import given_values
from dirac_prodsys.provider.tasks.preparing import DiracBeginRunOperator

#: key of the XCom of a run's first task
KEY = "first_text"


def keep_first_text(dag: DAG) -> None:
    """Have every task of a production's DAG keep its run on the first text."""
    (begin,) = (task for task in dag.tasks if isinstance(task, DiracBeginRunOperator))
    for task in dag.tasks:
        # not the argument ``pre_execute``: Airflow would store its source with the DAG
        task.pre_execute = functools.partial(_work_by_first_text, begin)


def _work_by_first_text(begin: DiracBeginRunOperator, context: Any) -> None:
    """Prepare a task that is about to work, or to resume.

    :param begin: the first task of the DAG.
    :raises AirflowFailException: the task cannot work by the first text.
    """
    instance, production = context["ti"], begin.production
    task: BaseOperator = instance.task  # a copy of the DAG's
    if task.task_id == begin.task_id:
        stored = {
            "text": production.source,
            "file": production.file,
            "shape": VERSION,
            "parameters": given_values(context),
        }
        instance.xcom_push(key=KEY, value=stored)
        return
    first = instance.xcom_pull(task_ids=begin.task_id, key=KEY)
    if first is None:
        return  # a person marked the first task as done
    context["params"] = first["parameters"]
    if first["shape"] != VERSION or first["text"] != production.source:
        # every attribute, for the step's rules and its production stand in several
        vars(task).update(vars(_first_task(task, first).prepare_for_execution()))


def _first_task(task: BaseOperator, first: Mapping[str, Any]) -> BaseOperator:
    """Return the task as the first text of the run has it.

    :raises AirflowFailException: the first text gives another DAG.
    """
    file = str(first["file"])
    try:
        if first["shape"] != VERSION:
            raise DefinitionError(
                f"{file}: its runs were begun by a version that drew DAGs otherwise", _OLD_SHAPE
            )
        dag = build_dag(load_production(first["text"], file))
    except ProdsysError as error:
        raise AirflowFailException(str(error)) from None
    then, now = _order(dag), _order(task.dag)
    if then != now:
        gone, new = sorted(then.keys() - now.keys()), sorted(now.keys() - then.keys())
        parts = [f"without {', '.join(gone)}"] if gone else []
        parts += [f"with {', '.join(new)}"] if new else []
        change = " and ".join(parts) or "with the same tasks in another order"
        reason = f"{file} was edited after this run had begun: its DAG is now {change}"
        raise AirflowFailException(f"{reason}\n  hint: {_EDITED}")
    return dag.get_task(task.task_id)


def _order(dag: DAG) -> dict[str, frozenset[str]]:
    """Map each task to those that come after it."""
    return {task.task_id: frozenset(task.downstream_task_ids) for task in dag.tasks}


_OLD_SHAPE = "let those runs end with that version, then trigger new ones"
_EDITED = (
    f"put back the text that this run began with (XCom {KEY} of its first task), then clear the "
    "failed tasks; or stop its transformations by production_operations. What it has on the grid "
    "goes on. With ProductionsDagBundle, a run keeps its DAG"
)
