"""Defines the two tasks of ``production_operations``: a preview, and the act on that preview.

If asked, a preview offers to be carried out (``provider/actions/offer.py``).

Invariant: an action touches only transformations that the preview of the same run lists by ID, and
only if they still are as the preview showed: each is checked again right before. Each is acted on
once in a run, however often the task is killed, retried or cleared. Failures are reported beside
what was done. Who asked, and why, is written into DIRAC before the act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import NEVER_EXPIRE
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.core.actions.again import look_again
from dirac_prodsys.core.actions.commands import to_carry_out
from dirac_prodsys.core.actions.decision_table import ActionDecision
from dirac_prodsys.core.actions.outcome import ActionOutcome, Result, Word, outcome_of
from dirac_prodsys.core.actions.preview import Preview, PreviewRow, preview
from dirac_prodsys.core.actions.request import (
    MOST_UNSEEN,
    ActionRequest,
    one_line,
    read_request,
)
from dirac_prodsys.core.actions.selection import select
from dirac_prodsys.core.grid.inventory import FileShare
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    REMOVED_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.core.site.rights import demand_agreement, demand_right
from dirac_prodsys.errors import (
    GatewayDenied,
    GatewayUnavailable,
    NotFound,
    ProdsysError,
)
from dirac_prodsys.gateway.procedures.actions import carry_out, done_before, status_now
from dirac_prodsys.gateway.procedures.stops import LAST_ACTION
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.actions import reopening
from dirac_prodsys.provider.actions.offer import OFFER, accepted, is_offered, offer
from dirac_prodsys.provider.deployment.site import site, vo_of
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.people.params import given_values, triggered_by
from dirac_prodsys.provider.tasks import registry
from dirac_prodsys.provider.tasks.base import DiracTask

if TYPE_CHECKING:
    from airflow.sdk import Context

T = TypeVar("T")

PREVIEW_TASK, ACT_TASK = "preview", "act"

#: actions after which DIRAC forgets the counts
_FORGETS = frozenset({"clean", "delete"})

#: a preview looks up the files of at most so many transformations, and only counts the others
MOST_WEIGHED = 200


class _ActionOperator(DiracTask):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        #: the answer to an offer, kept over outages
        self.handed_on: dict[str, Any] = {}

    def on_grid(
        self, call: Callable[[ProductionGateway], T], state: Mapping[str, Any] | None = None
    ) -> T:
        """Call as the base does; an outage keeps the answer for the next attempt."""
        return super().on_grid(call, state or self.handed_on)

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Do the task; on failure, also leave the reason as XCom ``problem``.

        Whoever follows the run reads it there.
        """
        self.handed_on = dict(state)
        try:
            return self.do(context)
        except AirflowFailException as error:
            context["ti"].xcom_push(key="problem", value=str(error))
            raise

    def do(self, context: Context) -> dict[str, Any]:
        """Do the task's own work."""
        raise NotImplementedError

    def request(self, context: Context) -> ActionRequest:
        """Return the action that this run asks for, checked again: a form is not the only way in.

        :raises AirflowFailException: the action is impossible as asked, or the person may not ask
            for it.
        """
        try:
            given = {**given_values(context), **self.handed_on}
            request = read_request({name: given[name] for name in given if name != OFFER})
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None
        self.dirac_conn_id = request.connection or DiracHook.default_conn_name
        try:  # do not use a connection that the person may not use
            user, conn = triggered_by(context), self.dirac_conn_id
            demand_right(site(), user, request.action, conn, None, force=request.force)
        except ProdsysError as error:
            raise AirflowFailException(str(error)) from None
        return request

    def demand_right(
        self,
        context: Context,
        grid: ProductionGateway,
        request: ActionRequest,
        ids: Sequence[int] = (),
    ) -> None:
        """Check that the site lets whoever triggered the run do this to these transformations.

        The grid is asked for their names: names from another task may have been changed.

        :raises SiteError: it does not, or its file cannot be used.
        """
        allowed = site()
        if allowed is None:
            return
        user, vo = triggered_by(context), vo_of(grid)
        seen = grid.snapshot(list(ids)) if ids else {}
        demand_right(
            allowed,
            user,
            request.action,
            self.dirac_conn_id,
            vo,
            [one.name for one in seen.values()],
            force=request.force,
        )
        for number, one in seen.items():
            share = partial(grid.output_share, number)
            demand_agreement(allowed, user, request.action, vo, one, share)


class ProductionPreviewOperator(_ActionOperator):
    """Select the transformations, check them, and show what would be done to each.

    Returns :meth:`Preview.to_dict`; the table for people is in the log and XCom ``table``.
    """

    def do(self, context: Context) -> dict[str, Any]:
        """Make the preview; read only."""
        request = self.request(context)
        by, run = _who(context)
        self.log.info("%s asks: %s, %s", by, request.action, request.scope)
        if request.reason:
            self.log.info("reason: %s", request.reason)

        def look_if_allowed(gateway: ProductionGateway) -> Preview:
            self.demand_right(context, gateway, request)
            found = look(gateway, request)
            self.demand_right(context, gateway, request, [row.id for row in found.acts])
            return found

        made = self.on_grid(look_if_allowed)
        context["ti"].xcom_push(key="table", value=made.to_text())
        self.log.info("%s", made.to_text())
        commands = to_carry_out(request, made.digest) if request.preview and made.acts else []
        if commands:
            self.log.info("nothing was touched. To carry this out:\n%s", "\n".join(commands))
        if request.digest and request.digest != made.digest:
            raise AirflowFailException(
                f"what would be touched has changed: the digest is {made.digest}, and "
                f"{request.digest} was previewed\n  hint: look at a new preview, then act on it"
            )
        if _unseen(request, made):
            raise AirflowFailException(
                f"{request.action} cannot be undone, and {request.scope} means {len(made.acts)} "
                f"transformations: more than {MOST_UNSEEN} by a pattern\n  hint: look at the table "
                f"above, then act on it with digest {made.digest}; or name the run"
            )
        asked = {"by": by, "reason": request.reason, "run": run, "seal": made.seal}
        return {**made.to_dict(), **asked, "commands": commands}


class ProductionActionOperator(_ActionOperator):
    """Carry out the preview, one transformation after the other; skip a run that is only a preview.

    Returns :meth:`ActionOutcome.to_dict`, also as XCom ``outcome`` where something failed; the
    table for people is in the log and XCom ``table``.
    """

    def do(self, context: Context) -> dict[str, Any]:
        """Act, and continue where an earlier attempt stopped.

        :raises AirflowFailException: something was refused or failed; all else is done.
        """
        request = self.request(context)
        if request.preview:
            found = _shown(context, request)
            if is_offered(context, found):
                offer(context, request, found)
            raise AirflowSkipException(
                "a preview touches nothing; the same with preview: false does it"
            )
        plan = _shown(context, request)
        by, run = _who(context)
        ids = [row.id for row in plan.acts]
        self.on_grid(lambda gateway: self.demand_right(context, gateway, request, ids))
        results: list[Result] = []
        for row in plan.acts:
            result = self._earlier(context, row) or self._act(context, request, row, by, run)
            if result.word == "done":
                self._keep(context, result)
            else:
                self._forget(context, row)
            self.log.info("%d %s: %s, %s", row.id, row.name, result.word, result.why)
            results.append(result)
        outcome = outcome_of(plan, results, by=by, reason=request.reason, run=run)
        self._tell(context, outcome)
        registry.follow_all(self.dirac_conn_id, [each.name for each in results])
        if not outcome.good:
            raise AirflowFailException(
                f"{outcome.summary()}\n  hint: clear this task to try again what failed; what is "
                "done stays done"
            )
        return outcome.to_dict()

    def answered(
        self, context: Context, event: Mapping[str, Any] | None = None, digest: str = ""
    ) -> dict[str, Any]:
        """Carry out the preview, if the answer to its offer is yes."""
        return self.work(context, accepted(context, event or {}, digest))

    def _act(
        self, context: Context, request: ActionRequest, row: PreviewRow, by: str, run: str
    ) -> Result:
        why = f": {request.reason}" if request.reason else ""
        note = f"{request.action} by {by}{why} ({run})"
        self._record(context, request, row, by, run)

        def act(gateway: ProductionGateway) -> Result:
            self._count(context, gateway, request, row, run)
            try:
                word, done = self._once(context, gateway, request, row, note)
            except (GatewayUnavailable, GatewayDenied):
                raise  # this transformation is not the cause
            except ProdsysError as error:
                return Result(row.id, row.name, row.status, "failed", one_line(error.reason))
            self._count(context, gateway, request, row, run, after=True)
            return Result(row.id, row.name, row.status, word, done)

        result = self.on_grid(act)
        self._record(context, request, row, by, run, result)
        return result

    def _count(
        self,
        context: Context,
        gateway: ProductionGateway,
        request: ActionRequest,
        row: PreviewRow,
        run: str,
        *,
        after: bool = False,
    ) -> None:
        """Record the counts before what makes DIRAC forget them, and after it was completed."""
        completes = request.kind.sets == TransformationStatus.COMPLETED
        if not completes and (after or request.action not in _FORGETS):
            return
        seen = gateway.snapshot([row.id]).get(row.id)
        if seen is None or seen.name != row.name:
            return
        is_over = seen.status in ENDED_TRANSFORMATION | REMOVED_TRANSFORMATION
        if is_over != after:
            return  # an earlier attempt did it, or it was not done
        self.records(context).counts(
            seen,
            request.action,
            run,
            vo=gateway.settings.vo,
            final=completes and not after,
            after=after,
        )

    def _record(
        self,
        context: Context,
        request: ActionRequest,
        row: PreviewRow,
        by: str,
        run: str,
        result: Result | None = None,
    ) -> None:
        """Record the action in the ledger: before it, or with what came of it."""
        came_of = ("", "") if result is None else (result.word, result.why)
        self.records(context).action(
            request.action,
            row.id,
            row.name,
            vo=DiracHook(self.dirac_conn_id).settings().vo,
            by=by,
            reason=request.reason,
            phase="before" if result is None else "after",
            result=came_of[0],
            text=came_of[1],
            status=row.status,
            run_id=run,
        )

    def _once(
        self,
        context: Context,
        grid: ProductionGateway,
        request: ActionRequest,
        row: PreviewRow,
        note: str,
    ) -> tuple[Word, str]:
        """Check whether it is done already, and whether it is still to be done; then do it."""
        states = grid.status_changes(row.id) if request.kind.sets else ()
        before = self._before(context, row, states)
        if request.kind.by_run:
            return self._begin_run(grid, context, request, row, note)
        if done_before(grid, request, row, before):
            return "done", f"it has become {request.kind.sets} since this action began"
        decision = look_at(grid, request, row)
        now = status_now(grid, row.id)
        left = decision.answer == "leave"
        so = left and (request.action == "delete" or now in request.kind.means)
        if decision.answer == "act" or so:
            return "done", carry_out(grid, request, row, note, before)
        return "left" if left and now == row.status else "failed", decision.why

    def _begin_run(
        self,
        grid: ProductionGateway,
        context: Context,
        request: ActionRequest,
        row: PreviewRow,
        note: str,
    ) -> tuple[Word, str]:
        """Begin the run that does it, for all steps of the preview that are of the same run."""
        decision = look_at(grid, request, row)
        if decision.answer != "act":
            same = decision.answer == "leave" and status_now(grid, row.id) == row.status
            return "left" if same else "failed", decision.why
        grid.write_note(row.id, LAST_ACTION, note)
        plan = _shown(context, request)
        return "done", reopening.begin(grid, row, plan.acts, note)

    def _tell(self, context: Context, outcome: ActionOutcome) -> None:
        self.log.info("%s", outcome.to_text())
        context["ti"].xcom_push(key="outcome", value=outcome.to_dict())
        context["ti"].xcom_push(key="table", value=outcome.to_text())

    def _before(self, context: Context, row: PreviewRow, states: Sequence[str]) -> Sequence[str]:
        """Return the states set before the first attempt to act on it, and keep them."""
        store, key = context["task_state_store"], f"before-{row.id}"
        kept = store.get(key)
        if isinstance(kept, list):
            return kept
        store.set(key, list(states), retention=NEVER_EXPIRE)
        return states

    def _forget(self, context: Context, row: PreviewRow) -> None:
        """Forget a failed row, so that a cleared task begins it as if for the first time."""
        context["task_state_store"].set(f"before-{row.id}", -1, retention=NEVER_EXPIRE)

    def _earlier(self, context: Context, row: PreviewRow) -> Result | None:
        kept = context["task_state_store"].get(f"done-{row.id}")
        return Result(**kept) if isinstance(kept, dict) else None

    def _keep(self, context: Context, result: Result) -> None:
        store, key = context["task_state_store"], f"done-{result.id}"
        if store.get(key) is None:
            store.set(key, vars(result), retention=NEVER_EXPIRE)


def look(gateway: ProductionGateway, request: ActionRequest) -> Preview:
    """Return what a request would do, as the grid is now.

    :raises NotFound: the request matches no transformation.
    """
    vo = vo_of(gateway)
    named = not request.force and not set("*?") & set(request.production)
    listed = gateway.list_transformations([request.production] if named else [])
    selection = select(request, listed, vo=vo)
    if not selection.listed:
        left = "".join(f"\n  not ours: {line}" for line in selection.left_out[:20])
        raise NotFound(
            f"no transformation of ours is meant by {request.scope} (VO {vo}){left}",
            "`dirac-prodsys runs` lists productions and runs, `dirac-prodsys status` names and "
            "states; transformations of others need their whole name, force and a reason",
        )
    ids = [one.id for one in selection.listed]
    first = preview(request, selection, gateway.snapshot(ids), {})
    weighed = [row.id for row in first.acts[:MOST_WEIGHED]]
    if request.kind.by_run:
        others = gateway.list_transformations(sorted({one.group for one in selection.listed}))
        came = reopening.came(gateway, first.acts[:MOST_WEIGHED], others)
        snapshots = gateway.snapshot(ids)
        return preview(request, selection, snapshots, {}, came=came, others=others)
    shares = {number: _share(gateway, request, number) for number in weighed}
    return preview(request, selection, gateway.snapshot(ids), shares)


def _unseen(request: ActionRequest, made: Preview) -> bool:
    """Check whether a pattern matches too many transformations to act on without a preview."""
    if request.preview or request.digest or not request.kind.risky:
        return False
    return request.is_pattern and len(made.acts) > MOST_UNSEEN


def look_at(gateway: ProductionGateway, request: ActionRequest, row: PreviewRow) -> ActionDecision:
    """Decide about one transformation of a preview, as the grid is now."""
    return look_again(
        request,
        row,
        gateway.list_transformations(ids=[row.id]),
        gateway.snapshot([row.id]).get(row.id),
        vo=gateway.settings.vo or gateway.ping().vo,
    )


def _shown(context: Context, request: ActionRequest) -> Preview:
    """Return the preview of this run, exactly as it was shown.

    :raises AirflowFailException: it was changed, or there is none.
    """
    found = context["ti"].xcom_pull(task_ids=PREVIEW_TASK) or {}
    try:
        plan = Preview.from_dict(found)
    except (KeyError, TypeError) as error:
        raise AirflowFailException(f"there is no preview of this run: {error!r}") from error
    if plan.seal != found.get("seal"):
        raise AirflowFailException(
            "the preview is not the one that was shown: somebody has changed its XCom, or another "
            "version wrote it; nothing was touched\n  hint: ask for the action again"
        )
    if request.digest and request.digest != plan.digest:
        raise AirflowFailException(
            f"the preview's digest is {plan.digest}, and {request.digest} was asked for; nothing "
            "was touched\n  hint: look at a new preview, then act on it"
        )
    return plan


def _share(gateway: ProductionGateway, request: ActionRequest, transformation: int) -> FileShare:
    states = request.kind.files
    if states:
        return gateway.attached_share(transformation, states)
    return gateway.output_share(transformation)


def _who(context: Context) -> tuple[str, str]:
    """Return Airflow's user who asked, and the run."""
    return triggered_by(context) or "unknown", str(context["dag_run"].run_id)
