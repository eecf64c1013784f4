"""Writes the records of a task: before and after each act.

Invariant: never in the way: whatever fails here is a line in the log.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core import naming
from dirac_prodsys.provider.reporting import ledger_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from dirac_prodsys.core.grid.jobs import JobReport
    from dirac_prodsys.core.grid.snapshot import Snapshot
    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.core.policy.notices import Notice
    from dirac_prodsys.core.production.production import Production
    from dirac_prodsys.core.reports.dataset_content import StepOutput
    from dirac_prodsys.core.reports.ledger.made_from import Place
    from dirac_prodsys.core.reports.ledger.record import Record
    from dirac_prodsys.core.run.end import Ending
    from dirac_prodsys.core.steps.step_plan import StepPlan
    from dirac_prodsys.gateway.procedures.dataset_making import MadeDataset

log = logging.getLogger(__name__)


class TaskRecords:
    """Writes records on behalf of a task.

    :param production: the one that the task serves; None for a task written by hand.
    :param step: name of its step; empty: the task serves the run.
    """

    def __init__(
        self, context: Mapping[str, Any], production: Production | None, step: str = ""
    ) -> None:
        self._context = context
        self._production = production
        self._step = step

    def place(self, transformation: int | None = None, name: str = "", step: str = "") -> Place:
        """Return where the records of the task belong."""
        from dirac_prodsys.core.reports.ledger.made_from import Place, campaign_of

        production = self._production
        return Place(
            vo=production.vo if production is not None else "",
            production=production.name if production is not None else "",
            run=naming.run_tag(str(self._context.get("run_id") or "run")),
            step=step or self._step,
            transformation=transformation,
            name=name,
            campaign=campaign_of(production.tags) if production is not None else "",
        )

    def occasion(self, *more: Any) -> str:
        """Return what is the same in each retry, and another one after a clear.

        :param more: what sets this act apart from others of the task, as JSON.
        """
        cleared = getattr(self._context.get("dag_run"), "clear_number", 0) or 0
        if not more:
            return str(cleared)
        text = json.dumps(more, sort_keys=True, default=str)
        return f"{cleared}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def write(self, make: Callable[[datetime], Record | list[Record]]) -> None:
        """Write what ``make`` returns for this moment. Raises nothing."""
        try:
            recorder = ledger_settings.recorder()
            if recorder is None:
                return
            from dirac_prodsys.core.reports.ledger.record import moment

            made = make(moment(time.time()))
            recorder.write(*(made if isinstance(made, list) else [made]))
        except Exception as error:
            log.warning("nothing is recorded: %s: %s", type(error).__name__, error)

    def before(
        self, act: str, number: int | None, name: str, *more: Any, reason: str = "", step: str = ""
    ) -> None:
        """Record that the task begins to act on a transformation. Raises nothing."""
        self._act(act, "before", number, name, more, reason=reason, step=step)

    def after(
        self,
        act: str,
        number: int | None,
        name: str,
        *more: Any,
        result: Mapping[str, Any] | None = None,
        reason: str = "",
        step: str = "",
    ) -> None:
        """Record what came of it. Raises nothing."""
        self._act(act, "after", number, name, more, result=result, reason=reason, step=step)

    def run_began(self, parameters: Mapping[str, Any]) -> None:
        """Record that a run begins, and of what. Raises nothing."""

        def make(at: datetime) -> list[Record]:
            from dirac_prodsys.core.reports.ledger.made_from import definition_of, digest_of
            from dirac_prodsys.core.reports.ledger.records import RunRecord

            production, place = self._production, self.place()
            if production is None:
                return []
            bundle = getattr(self._context.get("ti"), "bundle_instance", None)
            source = str(getattr(bundle, "name", "") or "")
            commit = str(getattr(bundle, "version", "") or "")
            run = self._context.get("dag_run")
            began = RunRecord(
                at=at,
                state="began",
                run_id=str(self._context.get("run_id") or ""),
                parameters=json.loads(json.dumps(dict(parameters), default=str)),
                by=getattr(run, "triggering_user_name", None) or "",
                definition=digest_of(production.source),
                connection=production.connection,
                occasion=self.occasion(),
                **place.to_dict(),
            )
            return [definition_of(production, place, at, source=source, commit=commit), began]

        self.write(make)

    def plan(self, plan: ProductionPlan) -> None:
        """Record the plan of the run. Raises nothing."""

        def make(at: datetime) -> list[Record]:
            from dirac_prodsys.core.reports.ledger.made_from import plan_of

            production = self._production
            return [] if production is None else [plan_of(plan, production, self.place(), at)]

        self.write(make)

    def run_ended(self, how: Ending, failed: Sequence[str]) -> None:
        """Record how the run ended. Raises nothing.

        :param failed: IDs of its failed tasks.
        """

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.records import RunRecord

            return RunRecord(
                at=at,
                state=how,
                run_id=str(self._context.get("run_id") or ""),
                reason=f"failed tasks: {', '.join(sorted(failed))}" if failed else "",
                occasion=self.occasion(),
                **self.place().to_dict(),
            )

        self.write(make)

    def made(
        self,
        step: StepPlan,
        number: int,
        name: str,
        *,
        adopted: bool,
        plan: ProductionPlan | None = None,
    ) -> None:
        """Record a step and its transformation. Raises nothing.

        :param plan: of the whole run; None: the step belongs to no production.
        """

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.events import events_wanted
            from dirac_prodsys.core.reports.ledger.made_from import events_declared, step_of

            target, place = None, self.place(number, name)
            if plan is not None and self._production is not None:
                declared = functools.partial(events_declared, self._production)
                target = events_wanted(plan, step.name, declared)
            return step_of(step, place, at, adopted=adopted, target=target)

        self.write(make)

    def final(self, snapshot: Snapshot) -> None:
        """Record the counts of a transformation from just before it is completed."""

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import counts_of

            return counts_of(snapshot, self.place(), at, final=True, occasion=self.occasion())

        self.write(make)

    def completed(self, snapshot: Snapshot) -> None:
        """Record the counts of a transformation from just after it was completed.

        Jobs that ended in between are in these alone.
        """

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import counts_of

            occasion = f"{self.occasion()}/completed"
            return counts_of(snapshot, self.place(), at, occasion=occasion)

        self.write(make)

    def output(self, found: StepOutput, number: int, name: str) -> None:
        """Record the files that a step made, and where they are. Raises nothing."""

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import storage_of

            return storage_of(found, self.place(number, name), at, occasion=self.occasion())

        self.write(make)

    def dataset(self, made: MadeDataset, number: int | None) -> None:
        """Record a dataset as the catalogue has it, and where its files are. Raises nothing."""
        found = made.record

        def make(at: datetime) -> list[Record]:
            from dirac_prodsys.core.reports.ledger.made_from import dataset_of, storage_of

            dataset = dataset_of(
                found,
                self.place(number),
                at,
                adopted=found.adopted,
                size=made.bytes,
                events=made.events,
                run_ranges=made.run_ranges,
            )
            if not made.places:
                return [dataset]
            name = "" if made.transformation is None else made.transformation.name
            place, occasion = self.place(number, name), self.occasion(found.name)
            return [dataset, storage_of(made.output, place, at, occasion=occasion)]

        self.write(make)

    def jobs(self, report: JobReport, number: int, name: str) -> None:
        """Record the jobs of a transformation by status, cause and site. Raises nothing."""

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import jobs_of

            return jobs_of(report, self.place(number, name), at)

        self.write(make)

    def notice(self, notice: Notice, to: tuple[str, ...]) -> None:
        """Record a notice that was sent. Raises nothing."""

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import notice_of

            return notice_of(notice, self.place(), at, to)

        self.write(make)

    def events(self, lines: Sequence[str], number: int, name: str) -> None:
        """Record what happened during a wait, one record a line. Raises nothing."""

        def make(at: datetime) -> list[Record]:
            from dirac_prodsys.core.reports.ledger.records import EventRecord

            place, occasion = self.place(number, name).to_dict(), self.occasion()
            return [
                EventRecord(at=at, word="wait", text=line, occasion=occasion, **place)
                for line in lines
            ]

        self.write(make)

    def answer(
        self,
        option: str,
        by: str,
        question: str,
        *more: Any,
        number: int | None = None,
        name: str = "",
    ) -> None:
        """Record what a person answered to a question of the task. Raises nothing.

        :param by: who; empty: nobody did in time.
        :param more: as for :meth:`occasion`.
        """

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.records import ActionRecord

            return ActionRecord(
                at=at,
                action="answer",
                by=by or "nobody",
                phase="after",
                result=option,
                text=question,
                run_id=str(self._context.get("run_id") or ""),
                occasion=self.occasion(self._step, question, *more),
                **self.place(number, name).to_dict(),
            )

        self.write(make)

    def action(self, action: str, number: int, name: str, *, vo: str, **given: Any) -> None:
        """Record what a person does to a transformation of any production. Raises nothing.

        :param given: the other fields of ``ActionRecord``.
        """

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import Place, place_of_name
            from dirac_prodsys.core.reports.ledger.records import ActionRecord

            place, occasion = place_of_name(Place(vo), number, name), self.occasion()
            return ActionRecord(at=at, action=action, occasion=occasion, **given, **place.to_dict())

        self.write(make)

    def counts(
        self, snapshot: Snapshot, action: str, run: str, *, vo: str, final: bool, after: bool
    ) -> None:
        """Record the counts of a transformation around what a person does to it. Raises nothing.

        :param run: Airflow's ID of the run that does it.
        :param final: it is about to be completed.
        :param after: it was done.
        """

        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import (
                Place,
                counts_of,
                place_of_name,
            )

            place = place_of_name(Place(vo), snapshot.id, snapshot.name)
            occasion = self.occasion(run, action, after)
            return counts_of(snapshot, place, at, final=final, occasion=occasion)

        self.write(make)

    def _act(
        self,
        act: str,
        phase: Any,
        number: int | None,
        name: str,
        more: tuple[Any, ...],
        *,
        step: str,
        **given: Any,
    ) -> None:
        def make(at: datetime) -> Record:
            from dirac_prodsys.core.reports.ledger.made_from import act_of

            place = self.place(number, name, step)
            return act_of(act, phase, place, at, occasion=self.occasion(*more), **given)

        self.write(make)
