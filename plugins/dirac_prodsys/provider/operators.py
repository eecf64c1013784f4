"""Carries out the acts of a step, one operator each, in the order of the step's life.

Invariant: each operator reads before it writes, through verbs that may be repeated. So a task that
is killed, retried or cleared at any moment leaves exactly one transformation and one dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import NEVER_EXPIRE, AssetAlias
from airflow.sdk.exceptions import AirflowFailException

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.grid.status import REMOVED_TRANSFORMATION, FileStatus, TransformationStatus
from dirac_prodsys.core.policy.notices import of_flush
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.errors import GatewayError, GatewayUnavailable, NotFound, ProdsysError
from dirac_prodsys.gateway.procedures.dataset_making import MadeDataset, make_dataset
from dirac_prodsys.gateway.procedures.fresh_starts import begins_anew, find_newest, name_to_create
from dirac_prodsys.gateway.procedures.generations import attach_newer, keep_taken
from dirac_prodsys.gateway.procedures.inputs import check_frozen
from dirac_prodsys.gateway.procedures.recovery import recover
from dirac_prodsys.gateway.procedures.step_output import output_of
from dirac_prodsys.gateway.procedures.stops import resume
from dirac_prodsys.gateway.procedures.verified_copies import attach_verified
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import TransformationRecord
from dirac_prodsys.provider.addresses.assets import catalogue_asset, dataset_alias, dataset_asset
from dirac_prodsys.provider.deployment.site import bundle_of, demand_vo
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.people.notify import NoticeSender
from dirac_prodsys.provider.people.params import values_of_run
from dirac_prodsys.provider.tasks.before_start import AsksBeforeStart
from dirac_prodsys.provider.tasks.step_task import StepTask
from dirac_prodsys.provider.tasks.wait_report import handed_on
from dirac_prodsys.provider.waiting.unseen import setting

if TYPE_CHECKING:
    from airflow.sdk import Context

#: key in the task state store for the created transformation
STATE_KEY = "transformation"


class CreatesTransformation(StepTask):
    """A task that creates the transformation of a step, or adopts the existing one.

    If a person cleaned the existing one, the task creates the next, under a new name.
    """

    asks_site = True

    def create(self, context: Context, name: str) -> dict[str, Any]:
        """Look up by name, compare, create what is missing; return ``{"id", "name", "adopted"}``.

        The result is also kept in the task state store for ever.

        :param name: name of this transformation among those that the step has had.
        """
        late = self.plan(context, with_datasets=False)
        if late.awaits:
            self.on_grid(lambda gateway: check_frozen(gateway, name, late.awaits))
        spec = self.plan(context).transformation.model_copy(update={"name": name})
        self.on_grid(lambda gateway: demand_vo(context, gateway))
        records = self.records(context)
        records.before("create", None, name)
        record = self.on_grid(lambda gateway: gateway.create_transformation(spec))
        self.remember_link(record.id, record.name)
        result = {"id": record.id, "name": record.name, "adopted": record.adopted}
        whole = None if self.production is None else self.plan_of_run(context)
        step = self.plan(context)
        records.made(step, record.id, record.name, adopted=record.adopted, plan=whole)
        records.after("create", record.id, record.name, result=result)
        self._keep(context, result)
        self.log.info(
            "%s transformation %d %s (%s, plugin %s)",
            "adopted" if record.adopted else "created",
            record.id,
            record.name,
            spec.type,
            spec.plugin,
        )
        return result

    def _keep(self, context: Context, result: dict[str, Any]) -> None:
        store = context["task_state_store"]
        earlier = store.get(STATE_KEY)
        if isinstance(earlier, dict) and earlier.get("id") != result["id"]:
            self.log.warning(
                "an earlier attempt had transformation %s; it was removed, and %s begins anew: "
                "clean and clear also the steps that have taken files of it",
                earlier.get("id"),
                result["name"],
            )
        if earlier != result:
            store.set(STATE_KEY, result, retention=NEVER_EXPIRE)


class DiracCreateTransformationOperator(CreatesTransformation):
    """Create the transformation of a step, or adopt the existing one.

    If a person cleaned the existing one, this task leaves it to ``start``, which creates the next
    when it is cleared: a transformation that nobody starts would stay New for ever. Returns
    ``{"id", "name", "adopted"}``.
    """

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`CreatesTransformation.create`."""
        first = self.plan(context, with_datasets=False).transformation.name
        newest = self.on_grid(lambda gateway: find_newest(gateway, [first])).get(first)
        if newest is None or newest.status not in REMOVED_TRANSFORMATION:
            return self.create(context, newest.name if newest else first)
        self.log.info("%s is %s: the step's start makes the next", newest.name, newest.status)
        return {"id": newest.id, "name": newest.name, "adopted": True}


class DiracStartTransformationOperator(AsksBeforeStart, CreatesTransformation):
    """Make the directories and the tasks of a step, attach listed files; then set it Active.

    A Stopped transformation becomes Active again if the stop was ours (see ``stopping``), and not
    if a person stopped it. If a person cleaned it, the step begins anew: the next is created.
    """

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Prepare all that a job may need before Active: a job never meets a missing directory.

        :param state: ``agreed``: who agreed to the removal, if somebody had to.
        """
        step = self.plan(context, state)
        spec = step.transformation
        if self.on_grid(lambda gateway: begins_anew(gateway, spec), state):
            self.create(context, self.on_grid(lambda gateway: name_to_create(gateway, spec), state))
        self.look_for_site(context, state, step)
        records = self.records(context)
        records.before("start", None, spec.name)

        def start(gateway: ProductionGateway) -> tuple[TransformationRecord, int]:
            record = self.find(gateway, spec.name)
            if spec.directories:
                gateway.prepare_directories([d.of(record.id) for d in spec.directories])
            added = gateway.ensure_tasks(record.id, spec.tasks) if spec.tasks else 0
            if spec.files:
                gateway.add_files(record.id, spec.files)
            if step.sample is not None:
                gateway.add_sample(record.id, step.sample.query, step.sample.limit)
            if step.newer is not None and record.status == TransformationStatus.NEW:
                came = attach_newer(gateway, record.id, step.newer)
                self.log.info("%d files came since the earlier generations", came)
            if step.verified_at:
                self._attach_verified(gateway, context, step, record.id)

            def become_active() -> None:
                if record.status != TransformationStatus.STOPPED:
                    gateway.start_transformation(record.id)
                elif not resume(gateway, record.id):
                    self.log.warning("transformation %d stays Stopped: a person did it", record.id)

            setting(context, gateway, record.id, TransformationStatus.ACTIVE, become_active)
            if spec.tasks:
                self._compare(gateway, record, spec.tasks)
            return record, added

        record, added = self.on_grid(start, state)
        self.remember_link(record.id, record.name)
        self.log.info("started transformation %d %s, %d tasks added", record.id, record.name, added)
        result = {"id": record.id, "name": record.name, "tasks_added": added}
        records.after("start", record.id, spec.name, result=result)
        return result

    def _compare(
        self, gateway: ProductionGateway, record: TransformationRecord, declared: int
    ) -> None:
        """Report tasks beyond those declared; a person may have added them, so they stay."""
        seen = gateway.snapshot([record.id]).get(record.id)
        made = sum(seen.tasks.values()) if seen else 0
        if made > declared:
            self.log.warning(
                "transformation %d has %d tasks, and %d are declared: somebody has added tasks, or "
                "DIRAC carried out a call long after it was made",
                record.id,
                made,
                declared,
            )

    def _attach_verified(
        self, gateway: ProductionGateway, context: Context, step: StepPlan, removing: int
    ) -> None:
        parent = self.plan(context, with_datasets=False, of=step.parents[0]).transformation.name
        copying = self.find(gateway, parent).id
        found = attach_verified(gateway, copying, removing, step.verified_at, step.rules)
        self.log.info("%d files have good copies at %s", found.good, " and ".join(step.verified_at))
        for line in found.bad_lines:
            self.log.warning("not removed, as its copy is not good: %s", line)


class DiracFlushTransformationOperator(StepTask):
    """Flush the files that did not fill a group; do nothing when there are none.

    The task succeeds either way: tasks after it would have to handle a skip.
    """

    asks_site = True

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Set an Active transformation to Flush if any of its files is Unused."""
        if handed_on(context, self.task_id).get("kind") == "broken":
            self.log.info("the input had not settled: the wait for completion flushes")
            return {"flushed": False}
        step = self.plan(context)
        name, body = step.transformation.name, step.transformation.body
        rules = step.rules.shaped(step.transformation)
        records = self.records(context)
        records.before("flush", None, name)

        def flush(gateway: ProductionGateway) -> tuple[Snapshot, bool]:
            found = self.find(gateway, name)
            if rules.needs_input and rules.recovery.mode == "active":
                # the grid may have reset files that were tried often enough
                for line in recover(gateway, found.id, body, rules).lines():
                    self.log.info("%s", line)
            snapshot = _look(gateway, found)
            if not snapshot.files.get(FileStatus.UNUSED, 0):
                return snapshot, False
            return snapshot, setting(
                context,
                gateway,
                snapshot.id,
                TransformationStatus.FLUSH,
                lambda: gateway.flush_transformation(snapshot.id),
            )

        snapshot, flushed = self.on_grid(flush)
        self.remember_link(snapshot.id, snapshot.name)
        unused = snapshot.files.get(FileStatus.UNUSED, 0)
        if flushed:
            self.log.info("flushed %d Unused files of %d %s", unused, snapshot.id, snapshot.name)
            notices = NoticeSender(context, self.dirac_conn_id, self.production, snapshot.id)
            notices.send(of_flush(self.step or snapshot.name, f"{unused} files were flushed"))
        elif unused:
            self.log.warning(
                "%d files are Unused, but transformation %d is %s: not flushed",
                unused,
                snapshot.id,
                snapshot.status,
            )
        else:
            self.log.info("nothing is left over in transformation %d, no flush", snapshot.id)
        result = {"id": snapshot.id, "name": snapshot.name, "flushed": flushed, "unused": unused}
        records.after("flush", snapshot.id, name, result=result)
        return result


class DiracCompleteTransformationOperator(StepTask):
    """Set the transformation Completed; return its snapshot from just before."""

    asks_site = True

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Take the snapshot first: DIRAC archives a Completed one and forgets its tasks."""
        step = self.plan(context, with_datasets=False)
        name = step.transformation.name
        records = self.records(context)

        def complete(gateway: ProductionGateway) -> Snapshot:
            snapshot = _look(gateway, self.find(gateway, name))
            self._keep_taken(gateway, context, step, snapshot)
            records.final(snapshot)
            records.before("complete", snapshot.id, name)
            setting(
                context,
                gateway,
                snapshot.id,
                TransformationStatus.COMPLETED,
                lambda: gateway.complete_transformation(snapshot.id),
            )
            return snapshot

        snapshot = self.on_grid(complete)
        self.remember_link(snapshot.id, snapshot.name)
        self.log.info(
            "completed transformation %d %s: files %s, tasks %s",
            snapshot.id,
            snapshot.name,
            dict(snapshot.files) or "none",
            dict(snapshot.tasks) or "none",
        )
        records.after("complete", snapshot.id, name)
        self._record_remains(context, snapshot)
        return snapshot.to_dict()

    def _record_remains(self, context: Context, before: Snapshot) -> None:
        """Record the counts after it was completed, and where the files of the step are.

        The task that makes a dataset of them records the latter. A grid that does not answer now
        is a line in the log: nobody waits for a record.
        """
        records = self.records(context)
        try:
            gateway = DiracHook(self.dirac_conn_id).gateway()
            after = gateway.snapshot([before.id]).get(before.id)
            if after is not None:
                records.completed(after)
            if self.production is None:
                return
            plan, step = self.plan_of_run(context, with_datasets=False), str(self.step)
            if plan.step(step).dataset is None:
                output = output_of(gateway, plan, step, before)
                if output is not None:
                    records.output(output, before.id, before.name)
        except ProdsysError as error:
            self.log.warning("the ledger has less of it: %s", error.reason)

    def _keep_taken(
        self, gateway: ProductionGateway, context: Context, step: StepPlan, snapshot: Snapshot
    ) -> None:
        """Keep which files the step has taken, so that it can be reopened when DIRAC forgot them.

        Without the list it can be reopened as long as DIRAC has them: a failure stops nothing.
        """
        if not step.rules.needs_input or snapshot.status in REMOVED_TRANSFORMATION:
            return
        values = values_of_run(context, self.production) if self.production else {}
        try:
            if not keep_taken(gateway, snapshot.id, str(context["run_id"]), values):
                self.log.warning("the list of the files that it has taken is too long to be kept")
        except GatewayUnavailable:
            raise
        except GatewayError as error:
            self.log.warning("the files that it has taken are not kept: %s", error.reason)


class DiracCreateDatasetOperator(StepTask):
    """Make the dataset of a step, check it against the catalogue, and send Airflow an asset event.

    The event's ``extra`` holds the dataset's name, files, bytes, events, query, the checksum of its
    list of files and whether it is frozen, and the production, run and step it comes from. It is
    the event of two assets: that of the step, and that of the dataset by its path. In a DAG written
    by hand it takes a ``DatasetSpec`` as ``spec``, and the assets given as ``outlets``.
    """

    spec_type = DatasetSpec
    asks_site = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.production is not None and self.step is not None:
            vo, name = self.production.vo, self.production.name
            self.add_outlets([dataset_asset(vo, name, self.step), dataset_alias(name, self.step)])

    def work(self, context: Context, state: Mapping[str, Any]) -> dict[str, Any]:
        """Create or adopt, check and freeze the dataset; then send one asset event."""
        plan = None if self.spec is not None else self.plan_of_run(context)
        name = str(self.step)
        spec = self.spec if plan is None else plan.step(name).dataset
        if not isinstance(spec, DatasetSpec):
            raise AirflowFailException(f"{self.task_id}: the step has no dataset")
        records = self.records(context)
        records.before("create_dataset", None, spec.name)

        def create(gateway: ProductionGateway) -> MadeDataset:
            if plan is not None:
                return make_dataset(gateway, plan, name, _version_of(context))
            record = gateway.create_dataset(spec)
            return MadeDataset(record, bytes=record.size)

        made = self.on_grid(create)
        record, number = made.record, None
        if made.transformation is not None:
            number = made.transformation.id
            self.remember_link(number, made.transformation.name)
        records.dataset(made, number)
        records.after("create_dataset", number, spec.name, result={"dataset": record.name})
        result = {
            "dataset": record.name,
            "files": record.files,
            "bytes": made.bytes,
            "events": made.events,
            "query": dict(record.query),
            "list_checksum": record.list_checksum,
            "frozen": record.frozen,
            "production": self.production.name if self.production else "",
            "run": str(context["run_id"]),
            "step": self.step or "",
        }
        for asset in self.outlets:
            event = context["outlet_events"][asset]
            if isinstance(asset, AssetAlias):
                vo = self.production.vo if self.production else record.name.split("/")[1]
                event.add(catalogue_asset(vo, record.name), extra=result)
            else:
                event.extra = result
        for remark in made.remarks:
            self.log.warning("%s", remark)
        self.log.info(
            "%s dataset %s: %d files, %d bytes%s",
            "adopted" if record.adopted else "created",
            record.name,
            record.files,
            made.bytes,
            ", frozen" if record.frozen else "",
        )
        return {**result, "adopted": record.adopted}


def _version_of(context: Context) -> str:
    """Return the version of the production file that the run is pinned to; empty: unknown."""
    return str(getattr(bundle_of(context), "version", None) or "")


def _look(gateway: ProductionGateway, record: TransformationRecord) -> Snapshot:
    snapshot = gateway.snapshot([record.id]).get(record.id)
    if snapshot is None:
        raise NotFound(
            f"transformation {record.id} {record.name!r} has just been removed from DIRAC"
        )
    return snapshot
