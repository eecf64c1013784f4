"""Checks the site's limits right before a step starts: its files, and its tasks.

Files that are selected by metadata may lie anywhere. Whether they are too much to be removed
unasked is known only after counting. So the task that starts a step asks the catalogue, and a
person if the site's file requires it. The question belongs to that task: no other task could be
marked as a success instead, and no answer of another task could be written by hand.

Invariant: nothing that the site limits becomes Active before it was checked; only what was agreed
to starts, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from dirac_prodsys.core import naming
from dirac_prodsys.core.actions.preview import human_bytes
from dirac_prodsys.core.grid.status import FileStatus, TransformationStatus
from dirac_prodsys.core.policy.notices import Notice
from dirac_prodsys.core.run import approval
from dirac_prodsys.core.site.file import Limits, RemovalApproval
from dirac_prodsys.core.site.limits import tasks_asked, within
from dirac_prodsys.core.site.removals import Share, must_ask, removing
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.errors import SiteError
from dirac_prodsys.gateway.procedures.generations import newer_files
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.deployment.site import limits as limits_of_task
from dirac_prodsys.provider.deployment.site import removal_approval, site_file, vo_of
from dirac_prodsys.provider.people.approval import APPROVE, REJECT, who_and_when
from dirac_prodsys.provider.people.notify import NoticeSender
from dirac_prodsys.provider.tasks.step_task import StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context

#: most files outside the allowed places that a message names
_NAMED = 10

#: key in the state that an attempt which met an outage leaves
AGREED = "agreed"


class AsksBeforeStart(StepTask):
    """A task that starts a step, and first asks what the site wants asked."""

    asks_site = True

    def answered(self, context: Context, event: Mapping[str, Any], share: Mapping[str, Any]) -> Any:
        """Go on if somebody agreed to the removal.

        :param share: ``files`` and ``bytes`` that the question was about.
        """
        agreed = agreed_by(event, self.step or "")
        self.log.info("%s agrees to the removal of %s files", agreed["by"], share["files"])
        question = f"removal of {share['files']} files"
        self.records(context).answer(APPROVE, str(agreed["by"]), question)
        return self.work(context, {AGREED: {**agreed, **share}})

    def look_for_site(self, context: Context, state: Mapping[str, Any], step: StepPlan) -> None:
        """Check what the site limits before the step starts.

        :param state: ``agreed``: the answer to the question asked here.
        :raises AirflowFailException: the site does not allow it.
        :raises TaskAwaitingInput: nobody has agreed to a removal yet.
        """
        if self.production is None:
            return
        allowed = limits_of_task(context)
        if allowed is not None and allowed.tasks_per_production is not None:
            self._look_at_quota(context, state, allowed.tasks_per_production)
        if not removing(step.transformation):
            return
        rule, users = removal_approval(context, self._vos(state))
        if rule is None and (allowed is None or allowed.removals is None):
            return

        def look(gateway: ProductionGateway) -> Share | None:
            record = self.find(gateway, step.transformation.name)
            if record.status != TransformationStatus.NEW:
                return None  # it was checked when it started; an attempt died afterwards
            copying = None
            if step.verified_at:
                copied = self.plan(
                    context, with_datasets=False, of=step.parents[0]
                ).transformation.name
                copying = self.find(gateway, copied).id
            return removal(gateway, step, allowed, copying)

        share = self.on_grid(look, state)
        if share is None or rule is None:
            return
        self.log.info("%d files, %d bytes would be removed", share.files, share.bytes)
        if must_wait(step, rule, users, share, state.get(AGREED) or {}):
            subject = f"Let step {step.name} remove {_amount(share)}?"
            notice = Notice("needs_person", (f"{step.name}: removal",), subject, step.name)
            NoticeSender(context, self.dirac_conn_id, self.production).send(notice)
            _ask(context, step, rule, users, share, subject)

    def _vos(self, state: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the VO by the production and by the grid: an author could write one alone."""
        if self.production is None or site_file() is None:
            return ()
        return self.production.vo, self.on_grid(vo_of, state)

    def _look_at_quota(self, context: Context, state: Mapping[str, Any], most: int) -> None:
        plan = self.plan_of_run(context, state, with_datasets=False)
        if self.production is None:
            return
        asked = tasks_asked(self.production, plan)
        run = naming.SEPARATOR.join((plan.production, plan.run, ""))
        self.on_grid(lambda grid: demand_quota(grid, plan.production, run, asked, most), state)


def removal(
    gateway: ProductionGateway, step: StepPlan, limits: Limits | None, copying: int | None
) -> Share:
    """Return what a step would remove now.

    :param copying: ID of the transformation that made the verified copies, if the step takes those.
    :raises SiteError: a file lies where the site allows no removal.
    """
    lfns = _selected(gateway, step, copying)
    places = None if limits is None else limits.removals
    elsewhere = [] if places is None else [lfn for lfn in lfns if not within(lfn, places)]
    if elsewhere:
        raise SiteError(
            f"step {step.name} would remove {len(elsewhere)} files where the site does not allow "
            f"it: {', '.join(elsewhere[:_NAMED])}{' …' if len(elsewhere) > _NAMED else ''}",
            f"removals are allowed below {', '.join((places or ())[:_NAMED])}: narrow the input",
        )
    known = not step.parents or step.start == "on_complete"
    return Share(len(lfns), gateway.size_of(lfns), known=known)


def _selected(gateway: ProductionGateway, step: StepPlan, copying: int | None) -> Sequence[str]:
    if copying is not None:
        copied = gateway.attached_files(copying, [str(FileStatus.PROCESSED)])
        return sorted(file.lfn for file in copied)
    if step.newer is not None:
        return newer_files(gateway, step.newer)
    spec = step.transformation
    if spec.files:
        return spec.files
    query = spec.input_query if step.sample is None else step.sample.query
    if query is None:
        return ()
    return gateway.selected_files(query)


def must_wait(
    step: StepPlan,
    rule: RemovalApproval,
    users: Sequence[str],
    share: Share,
    agreed: Mapping[str, Any],
) -> bool:
    """Check whether a removal waits for an answer that was not given yet.

    :param users: who may answer.
    :param agreed: the answer: ``by`` and ``id`` of the person, and the ``files`` and ``bytes``
        agreed to.
    :raises AirflowFailException: more would be removed than was agreed to, or the person who
        agreed may not.
    """
    if not must_ask(rule, share):
        return False
    if not agreed:
        return True
    if {agreed["by"], agreed["id"]}.isdisjoint(users):
        raise AirflowFailException(
            f"{agreed['by']} agreed to the removal of step {step.name}, and the site lets only "
            f"{', '.join(users)} do so\n  hint: {_HINT}"
        )
    if share.known and (share.files > agreed["files"] or share.bytes > agreed["bytes"]):
        raise AirflowFailException(
            f"{agreed['by']} agreed to the removal of {agreed['files']} files, and by now "
            f"{share.files} would be removed ({human_bytes(share.bytes)})\n"
            "  hint: clear this task to be asked again"
        )
    return False


def agreed_by(event: Mapping[str, Any], step: str) -> dict[str, str]:
    """Return who agreed: ``by``, a name, and ``id``.

    :raises AirflowFailException: somebody refused, or nobody answered in time.
    """
    who = event.get("responded_by_user") or {}
    if list(event.get("chosen_options") or ()) == [APPROVE]:
        return {"by": str(who.get("name")), "id": str(who.get("id"))}
    how = f"by {who.get('name')}" if who else "by silence: nobody answered within the time"
    raise AirflowFailException(f"the removal of step {step} was refused {how}\n  hint: {_HINT}")


def demand_quota(gateway: ProductionGateway, group: str, run: str, asked: int, most: int) -> None:
    """Check that the tasks of all runs of a production stay below the site's quota.

    :param group: TransformationGroup: the production.
    :param run: prefix of the names of this run's transformations: these count as ``asked``.
    :param asked: tasks that this run asks for.
    :raises SiteError: they exceed it.
    """
    others = [
        one.id for one in gateway.list_transformations([group]) if not one.name.startswith(run)
    ]
    there = sum(sum(one.tasks.values()) for one in gateway.snapshot(others).values())
    if there + asked > most:
        raise SiteError(
            f"{there:,} tasks of production {group} are on the grid and this run asks for "
            f"{asked:,} more; the site allows {most:,} (tasks_per_production)",
            "clean or delete runs that are not needed, or ask for a higher quota",
        )


def _ask(
    context: Context,
    step: StepPlan,
    rule: RemovalApproval,
    users: Sequence[str],
    share: Share,
    subject: str,
) -> NoReturn:
    from airflow.sdk.execution_time.hitl import upsert_hitl_detail

    instance: Any = context["ti"]
    operations = ", ".join(removing(step.transformation))
    within = None if rule.within is None else timedelta(hours=rule.within)
    who_asked = who_and_when(context, rule.within, REJECT)
    upsert_hitl_detail(
        ti_id=instance.id,
        options=[APPROVE, REJECT],
        subject=subject[: approval.MAX_SUBJECT],
        body=approval.before_removal(step, f"{operations}: {_amount(share)}", who_asked),
        # needed even without a time limit: Airflow shows this one as the first choice
        defaults=[REJECT],
        params={},
        assigned_users=[{"id": user, "name": user} for user in users],
    )
    raise TaskAwaitingInput(
        method_name="answered",
        kwargs={"share": {"files": share.files, "bytes": share.bytes}},
        timeout=within,
    )


def _amount(share: Share) -> str:
    more = "" if share.known else " so far, and what comes later"
    return f"{share.files:,} files, {human_bytes(share.bytes)}{more}"


_HINT = "to be asked again, clear this task with what comes after it"
