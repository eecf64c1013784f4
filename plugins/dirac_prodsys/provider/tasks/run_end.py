"""Ends every run: stops, leaves or cleans what did not complete, as the production says.

``on_cancel`` is an Airflow teardown. It runs whatever way the run ends: a task failed, or a person
marked a task or the whole run as failed. ``begin`` is its setup and comes before everything, so
that clearing any task clears these two as well, and the end of the run is checked again.

Invariant: repeatable at any moment, and touches only transformations with names of this run. What
happens to the work on the grid never decides whether the run succeeded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.run.end import Ending, EndingAct, StepAtEnd, action_of, end_of_run, ending
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest, own_directories
from dirac_prodsys.gateway.procedures.stops import stop
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.deployment.site import why_not_clean
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.tasks.production_task import ProductionTask
from dirac_prodsys.provider.triggers import DiracGatewayTrigger
from dirac_prodsys.provider.waiting.event_time import earliest_event
from dirac_prodsys.provider.waiting.task_states import task_states

if TYPE_CHECKING:
    from airflow.sdk import Context


class DiracEndRunOperator(ProductionTask):
    """Carry out ``on_cancel`` for every step of a run that did not complete.

    Returns what was done, by step: ``stop``, ``clean`` or ``nothing``; skipped where a run
    completed.

    :param last: IDs of the tasks after which a run has nothing more to do.
    """

    def __init__(self, *, last: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.last = tuple(last)

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, str]:
        """Check how the run ended, and every transformation of it; then act, step by step.

        :param state: ``until``: time of the last check of a stop that an agent may undo, seconds
            since the epoch; ``done``: what earlier checks did.
        """
        how = ending(self._states(context), self.last)
        if how == "completed":
            raise AirflowSkipException("the run completed: there is nothing to stop")
        plan = self.plan(context)
        flushed: set[str] = set()

        def end(gateway: ProductionGateway) -> tuple[EndingAct, ...]:
            remains = self._remains(gateway, plan)
            remains = {
                step: self._as_allowed(context, gateway, plan, left)
                for step, left in remains.items()
            }
            flushed.update(step for step, left in remains.items() if _is_flushed(left))
            acts: list[EndingAct] = []
            partings = end_of_run(how, list(remains.values()))
            for parting in partings:
                snapshot = remains[parting.step].snapshot
                if snapshot is not None and parting.fate != "nothing":
                    self._check_current(context)
                    spec = plan.step(parting.step).transformation
                    still = self._still(context, gateway, plan, how, parting, snapshot)
                    if still.fate == parting.fate:
                        named = {"step": parting.step, "reason": parting.reason}
                        records = self.records(context)
                        records.before(parting.fate, snapshot.id, snapshot.name, **named)
                        self._act(gateway, parting, snapshot.id, spec, str(context["run_id"]))
                        records.after(parting.fate, snapshot.id, snapshot.name, **named)
                    else:
                        self.log.warning(
                            "%s: not to %s: %s", still.step, parting.fate, still.reason
                        )
                    parting = still
                acts.append(parting)
            return tuple(acts)

        partings = self.on_grid(end, state)
        for parting in partings:
            self.log.info("%s: %s (%s)", parting.step, parting.fate, parting.reason)
        done = {each.step: str(each.fate) for each in partings}
        again = [step for step in flushed if done[step] == "stop"]
        done |= {
            step: fate for step, fate in (state.get("done") or {}).items() if fate != "nothing"
        }
        self._look_again(done, again, state.get("until") or 0.0)
        return done

    def _look_again(self, done: Mapping[str, str], again: Sequence[str], until: float) -> None:
        """Defer for another check, because an agent may undo a stop.

        A TransformationAgent that is busy with a flush ends it by setting Active, whatever the
        status is by then.

        :raises TaskDeferred: that can still happen.
        """
        if again:
            cycle = DiracHook(self.dirac_conn_id).settings().agent_cycle
            until = time.time() + 2 * cycle
        if time.time() >= until:
            return
        self.log.info("an agent may end a flush by setting Active: looking on for a while")
        self.defer(
            trigger=DiracGatewayTrigger(
                dirac_conn_id=self.dirac_conn_id,
                state={"until": until, "done": dict(done)},
                not_before=max(earliest_event(), until),
            ),
            method_name="after_outage",
        )

    def _remains(
        self, gateway: ProductionGateway, plan: ProductionPlan, steps: Sequence[str] = ()
    ) -> dict[str, StepAtEnd]:
        """Return what is left of these steps; of all steps, if none are named."""
        names = {
            step.name: step.transformation.name
            for step in plan.steps
            if not steps or step.name in steps
        }
        records = find_newest(gateway, list(names.values()))
        snapshots = gateway.snapshot([record.id for record in records.values()])
        return {
            step: StepAtEnd(
                step,
                action_of(self.production, step),
                snapshots.get(records[name].id) if name in records else None,
            )
            for step, name in names.items()
        }

    def _as_allowed(
        self, context: Context, gateway: ProductionGateway, plan: ProductionPlan, left: StepAtEnd
    ) -> StepAtEnd:
        """Replace a cleaning by a stop where the site lets nobody clean unasked."""
        if left.action != "clean" or left.snapshot is None:
            return left
        kept = why_not_clean(context, gateway, self.production, plan, left.snapshot.id)
        if kept:
            self.log.warning("%s is not cleaned, only stopped: %s", left.step, kept)
            return replace(left, action="stop")
        return left

    def _still(
        self,
        context: Context,
        gateway: ProductionGateway,
        plan: ProductionPlan,
        how: Ending,
        parting: EndingAct,
        seen: Snapshot,
    ) -> EndingAct:
        """Decide again right before acting: the steps before this one took time."""
        step = parting.step
        now = self._as_allowed(context, gateway, plan, self._remains(gateway, plan, [step])[step])
        if now.snapshot is None or now.snapshot.id != seen.id:
            return EndingAct(
                step, "nothing", f"transformation {seen.id} is not the step's any more"
            )
        (again,) = end_of_run(how, [now])
        if again.fate == "clean":
            vo = gateway.settings.vo or gateway.ping().vo
            for one in gateway.list_transformations(ids=[seen.id]):
                if one.group != self.production.name or one.vo not in ("", vo):
                    reason = f"transformation {seen.id} is of {one.group}, VO {one.vo}, by now"
                    return EndingAct(step, "nothing", reason)
        return again

    def _act(
        self,
        gateway: ProductionGateway,
        parting: EndingAct,
        transformation: int,
        spec: TransformationSpec,
        run_id: str,
    ) -> None:
        if parting.fate == "stop":
            stop(gateway, transformation, f"run {run_id} did not complete")
            return
        for line in preview(gateway, transformation, spec):
            self.log.info("%s", line)
        gateway.clean_transformation(transformation)

    def _check_current(self, context: Context) -> None:
        """Skip if a person has cleared this run: an old attempt goes on for some seconds."""
        mine = self._states(context).get(self.task_id, "running")
        if mine != "running":
            raise AirflowSkipException(f"this attempt is over: the task is {mine}")

    def _states(self, context: Context) -> dict[str, str | None]:
        return task_states(context["dag"].dag_id, str(context["run_id"]))


def preview(gateway: ProductionGateway, transformation: int, spec: TransformationSpec) -> list[str]:
    """Return what cleaning a transformation would remove, in lines for people."""
    lines = [f"cleaning transformation {transformation} {spec.name}"]
    share = gateway.output_share(transformation)
    lines.append(f"{share.files} files of {share.bytes} bytes carry its ID, and go")
    if share.staying:
        lines.append(f"{share.staying} files of its output do not, and stay")
    stored = gateway.stored_files(own_directories(spec, transformation))
    lines += [
        f"{path} holds {size.files} files, {size.size} bytes"
        for path, size in sorted(stored.items())
    ]
    return lines


def _is_flushed(left: StepAtEnd) -> bool:
    return left.snapshot is not None and left.snapshot.status == TransformationStatus.FLUSH
