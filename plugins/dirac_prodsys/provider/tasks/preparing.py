"""Defines the first and the last task of ``prepare``: the values of a run, and the final check.

Invariant: nothing is written to the grid here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.dirac_versions import makes_datasets
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.parameters import taken
from dirac_prodsys.core.run.generations import left_out
from dirac_prodsys.errors import NotFound, ProdsysError
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from dirac_prodsys.provider.people.params import (
    generation_of_run,
    given_values,
    values_of_run,
)
from dirac_prodsys.provider.tasks.event_runs import begin_runs
from dirac_prodsys.provider.tasks.production_task import ProductionTask
from dirac_prodsys.provider.waiting.task_states import task_states

if TYPE_CHECKING:
    from airflow.sdk import Context


class DiracBeginRunOperator(ProductionTask):
    """Return the values that a run took, and the tag by which the grid knows it.

    :param retired: the production has no file any more: none of its runs begins. (Runs that have
        begun use a version in which it had one.)
    """

    def __init__(self, *, retired: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retired = retired

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Read what the run was triggered with; a run that events began may trigger others instead.

        A run that goes on from here never fails here, so that its end always comes.

        :raises AirflowFailException: the production is retired, or an event lacks a value.
        :raises AirflowSkipException: each event has a run of its own.
        """
        if self.retired:
            reason = (
                f"production {self.production.name} is retired, and nothing of this run is created"
            )
            raise AirflowFailException(f"{reason}\n  hint: {_RETIRED}")
        run_id = str(context["run_id"])
        begin_runs(context, self.production, self.log)
        tag = naming.run_tag(run_id)
        try:
            values = values_of_run(context, self.production)
        except ProdsysError as error:  # the tasks that plan the run fail with it
            self.log.error("%s", error)
            values = given_values(context)
        self._tell_generation(context)
        chosen = taken(self.production.parameters, values)
        self.log.info("run %s, tag %s; parameters: %s", run_id, tag, chosen or "none")
        self.records(context).run_began(values)
        return {"tag": tag, "parameters": values}

    def _tell_generation(self, context: Context) -> None:
        """Log what has a part in a later generation, and what is to be reopened after it."""
        try:
            generation = generation_of_run(context)
            if generation is None:
                return
            values = values_of_run(context, self.production)
            plan = self.plan(context)
            run = naming.run_tag(str(context["run_id"]))
            whole = compile(self.production, run=run, parameters=values)
        except (ProdsysError, AirflowFailException) as error:  # the tasks that plan fail with it
            self.log.error("%s", error)
            return
        names = ", ".join(step.name for step in plan.steps)
        self.log.info("generation %d of run %s: %s", generation.number, generation.run, names)
        if rest := left_out(whole, plan):
            self.log.warning(
                "%s would find files of earlier generations, too: reopen when this run is complete",
                ", ".join(rest),
            )


class DiracVerifyOperator(ProductionTask):
    """Verify that everything is created before anything starts.

    Returns ``{"created", "later"}``: step → ID of its transformation, and the steps that create
    theirs during the run.

    :param created: step → ID of the task that creates its transformation.
    :param late: the other steps.
    :param approval: ID of the task by which a person agrees to the run; empty: nobody is asked.
    """

    def __init__(
        self, *, created: Mapping[str, str], late: Sequence[str], approval: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.created = dict(created)
        self.late = tuple(late)
        self.approval = approval

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Ask Airflow and the grid.

        :raises AirflowFailException: a transformation was not created, or is gone; nobody agreed;
            the grid cannot make the datasets.
        """
        # an approval that was cleared alone may have been refused while a create went on
        tasks = [*filter(None, [self.approval]), *sorted(self.created.values())]
        states = task_states(context["dag"].dag_id, str(context["run_id"]), tasks)
        bad = [f"{task} is {states.get(task)}" for task in tasks if states.get(task) != "success"]
        if bad:
            raise AirflowFailException(f"nothing starts: {', '.join(bad)}\n  hint: {_HINT}")
        plan = self.plan(context)
        self.records(context).plan(plan)
        planned = {step.name: step.transformation.name for step in plan.steps}
        names = {name: planned[name] for name in self.created if name in planned}
        found = self.on_grid(lambda gateway: find_newest(gateway, list(names.values())), state)
        gone = [name for step, name in names.items() if name not in found]
        if gone:
            reason = f"nothing starts: the grid has no {', '.join(gone)}"
            raise AirflowFailException(str(NotFound(reason, _HINT)))
        if any(step.dataset is not None for step in plan.steps):
            self._demand_datasets(state)
        made = {step: found[name].id for step, name in names.items()}
        self.log.info("created: %s", ", ".join(f"{step} {number}" for step, number in made.items()))
        late = [step for step in self.late if step in planned]
        for step in late:
            self.log.info("%s is created later: what it takes is not known yet", step)
        return {"created": made, "later": late}

    def _demand_datasets(self, state: Mapping[str, Any]) -> None:
        """Refuse a grid that makes none, before weeks of jobs and not after them.

        :raises AirflowFailException: its file catalogue is of such a version.
        """
        version = self.on_grid(lambda gateway: gateway.ping().services[CATALOGUE], state)
        if not makes_datasets(version):
            raise AirflowFailException(
                "nothing starts: the production makes datasets, and the file catalogue of DIRAC "
                f"{version.lstrip('v')} cannot\n"
                "  hint: use a grid of DIRAC 9.1, or take `dataset:` out of the file"
            )


_RETIRED = "the page of this DAG says why; put its file back, then trigger a new run"
_HINT = "mend what the tasks in 'create' say, then clear them with what comes after them"
