"""Plans the run that a task belongs to, from what its run was given and its loops returned.

Compiling a large production takes seconds, so an attempt of a task compiles once. What it looked up
on the grid for the plan stays the same for as long.

Invariant: nothing is shared between attempts, or between runs. Of other tasks only the results of
the run's own loops are read; a missing result is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core import naming
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.run.generations import plan_of_run
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.provider.people.params import generation_of_run, values_of_run

if TYPE_CHECKING:
    from airflow.sdk import Context

LookUp = Callable[[Iterable[str]], Mapping[str, Mapping[str, Any]]]


class RunPlan:
    """The plan of a task's run, kept for one attempt of the task."""

    def __init__(self, production: Production) -> None:
        self.production = production
        self._attempt: Context | None = None
        self._queries: dict[str, Mapping[str, Any]] = {}
        self._plans: dict[str, ProductionPlan] = {}

    def of(
        self,
        context: Context,
        last: Mapping[str, int],
        datasets: Iterable[str] = (),
        look_up: LookUp | None = None,
    ) -> ProductionPlan:
        """Return the plan of the run.

        :param context: what Airflow gives to an attempt; another one begins another attempt.
        :param last: last passes of the loops that have ended, as far as they matter.
        :param datasets: names of datasets whose queries the plan is to hold.
        :param look_up: returns these queries.
        :raises AirflowFailException: the production cannot be planned.
        """
        if context is not self._attempt:
            self._attempt, self._queries, self._plans = context, {}, {}
        missing = [name for name in datasets if name not in self._queries]
        if missing and look_up is not None:
            self._queries.update(look_up(missing))
        try:
            values = values_of_run(context, self.production)
            generation = generation_of_run(context)
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None
        given: dict[str, Any] = {
            "run": naming.run_tag(str(context["run_id"])),
            "parameters": values,
            "last": dict(last),
            "datasets": {name: self._queries[name] for name in datasets} or None,
        }
        key = repr(given)  # a text, because 1 and True are equal and not the same value
        if key not in self._plans:
            try:
                self._plans[key] = plan_of_run(self.production, generation=generation, **given)
            except ProdsysError as error:
                raise AirflowFailException(str(error)) from None
        return self._plans[key]


def is_first_run(context: Mapping[str, Any]) -> bool:
    """Check whether all steps have a part in the run: it is no later generation.

    :raises AirflowFailException: it is asked to be one that it cannot be.
    """
    try:
        return generation_of_run(context) is None
    except ProdsysError as error:
        raise AirflowFailException(str(error)) from None


def last_passes(context: Context, loops: Iterable[str]) -> dict[str, int]:
    """Map each loop that has ended in this run to its last pass."""
    found = {}
    for loop in loops:
        last = result_of(context, f"{naming.group_id(loop)}.done").get("last")
        if isinstance(last, int):
            found[loop] = last
    return found


def result_of(context: Context, task_id: str) -> Mapping[str, Any]:
    """Return the result of a task of this run; empty if it has none."""
    instance: Any = context.get("ti")
    found = None if instance is None else instance.xcom_pull(task_ids=task_id)
    return found if isinstance(found, Mapping) else {}
