"""Makes the dataset of a step, and compares it with what the step's tasks have made.

The catalogue's answer alone cannot show that a file is missing: a query finds what there is. So the
names of the files that the step's good tasks leave, where they are known, are compared first.

Invariant: idempotent, and a dataset that lacks files is not made. The list that is kept is that of
the first time: a later attempt does not hide what went since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dirac_prodsys.core.community import communities
from dirac_prodsys.core.grid.catalogue_files import CatalogueFile, list_checksum
from dirac_prodsys.core.grid.dataset_origin import DatasetOrigin, annotated
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.grid.status import GOOD_TASKS, TaskStatus
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.recovery.decisions import TaskState
from dirac_prodsys.core.reports.dataset_content import Share, StepOutput, by_place, run_ranges
from dirac_prodsys.core.reports.events import events_of, steps_before
from dirac_prodsys.core.steps.lost_inputs import made_for
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.core.text.wording import first_of
from dirac_prodsys.errors import GatewayRejected, NotYet
from dirac_prodsys.gateway.procedures.dataset_lists import FILE_LIST, keep_list
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import DatasetRecord, TransformationRecord

#: a longer list is not kept, so its files are not looked up one by one
MOST_LISTED = 150_000
#: files that a message names
_NAMED = 3


@dataclass(frozen=True)
class MadeDataset:
    """A dataset that was made, or was there.

    :param transformation: the one that made its files; None: unknown.
    :param bytes: size of all its files.
    :param events: None: unknown.
    :param remarks: what people should know.
    :param places: files and bytes by storage element; empty: the files were not looked up.
    :param run_ranges: run numbers of its files; empty: they have none, or were not looked up.
    """

    record: DatasetRecord
    transformation: TransformationRecord | None = None
    bytes: int = 0
    events: int | None = None
    remarks: tuple[str, ...] = ()
    places: tuple[Share, ...] = ()
    run_ranges: tuple[str, ...] = ()

    @property
    def output(self) -> StepOutput:
        """Return its files, and where they are."""
        return StepOutput(self.record.files, self.bytes, self.places, self.events)


def make_dataset(
    gateway: ProductionGateway, plan: ProductionPlan, name: str, commit: str = ""
) -> MadeDataset:
    """Make or adopt the dataset of a step, annotated with where it comes from; keep its list.

    :param name: of a step that has a dataset.
    :param commit: version of the production file; empty: unknown.
    :raises Conflict: the name exists with another query.
    :raises GatewayRejected: files are missing, or there are too few or too many.
    """
    step = plan.step(name)
    spec = step.dataset
    if spec is None:
        raise GatewayRejected(f"step {name} has no dataset")
    origin = DatasetOrigin(plan.production, plan.run, name, plan.digest, commit)
    spec = spec.model_copy(update={"annotation": annotated(spec.annotation, origin)})
    first = step.transformation.name
    transformation = find_newest(gateway, [first]).get(first)
    remarks: list[str] = []
    if transformation is not None:
        there = gateway.find_dataset(spec.name)
        # one that is frozen and holds nothing is made anew
        if there is None or not there.frozen or not there.files:
            _compare(gateway, spec, step, transformation.id, remarks)
        elif transformation.name != first:
            _refuse_earlier(gateway, spec, step, transformation.id)
    record = gateway.create_dataset(spec)
    size = record.size
    files: list[CatalogueFile] = []
    if transformation is not None and record.files <= MOST_LISTED:
        files = _keep(gateway, record, transformation.id, remarks)
        size = sum(one.size for one in files)
    events = None
    if spec.query == step.transformation.output_query:
        names = {n: plan.step(n).transformation.name for n in steps_before(plan, name)}
        ids = {n: one.id for n, one in find_newest(gateway, list(names.values())).items()}
        seen = gateway.snapshot(sorted(ids.values())) if ids else {}
        snapshots = {n: seen[number] for n, number in ids.items() if number in seen}
        events = events_of(plan, name, snapshots)
    ranges = run_ranges(files, [one.run_field for one in communities() if one.run_field])
    notes = tuple(remarks)
    return MadeDataset(record, transformation, size, events, notes, by_place(files), ranges)


def _compare(
    gateway: ProductionGateway,
    spec: DatasetSpec,
    step: StepPlan,
    transformation: int,
    remarks: list[str],
) -> None:
    """Compare the files that the query finds with those that the step's good tasks have made.

    If ``min_files`` says how many are enough, missing ones are a remark only.

    :raises GatewayRejected: some are missing.
    :raises NotYet: some are missing, and requests may still upload them.
    """
    tasks = list(gateway.tasks(transformation).values())

    def outputs(states: Collection[str]) -> set[str]:
        return _outputs(spec, step, transformation, tasks, states)

    made = outputs(GOOD_TASKS)
    if not made:  # names are not known, or the tasks are archived
        return
    found = set(gateway.selected_files(spec.query))
    if missing := sorted(made - found):
        if spec.min_files is None and (late := outputs({TaskStatus.COMPLETED}) & set(missing)):
            raise NotYet(
                f"{len(late)} files of dataset {spec.name} are not registered yet: their tasks are "
                "Completed, and requests upload what the jobs left",
                "they are Done when their requests are; see the Request Management System",
            )
        reason = (
            f"dataset {spec.name} would lack {len(missing)} of {len(made)} files that the tasks of "
            f"step {step.name} have made: {first_of(missing, _NAMED)}"
        )
        if spec.min_files is None:
            raise GatewayRejected(
                reason,
                "look for removed files, or changed metadata; if fewer are enough, say how many by "
                "dataset: {min_files: …}, then clear this task",
            )
        remarks.append(reason)
    surplus = len(found - made)
    if surplus and spec.query == step.transformation.output_query:
        remarks.append(
            f"dataset {spec.name} holds {surplus} files that no good task of step {step.name} made"
        )


def _outputs(
    spec: DatasetSpec,
    step: StepPlan,
    transformation: int,
    tasks: Iterable[TaskState],
    states: Collection[str],
) -> set[str]:
    """Return the files of the dataset that tasks in these states leave; empty: nobody knows."""
    ids = [task.id for task in tasks if task.status in states]
    return set(made_for(spec.query, step.transformation, transformation, ids))


def _refuse_earlier(
    gateway: ProductionGateway, spec: DatasetSpec, step: StepPlan, transformation: int
) -> None:
    """Refuse a frozen dataset from before the step began anew, if it lacks what was made since.

    :raises GatewayRejected: it does.
    """
    tasks = gateway.tasks(transformation).values()
    made = _outputs(spec, step, transformation, tasks, GOOD_TASKS)
    made = made or set(gateway.selected_files(spec.query))
    if missing := sorted(made - set(gateway.dataset_files(spec.name))):
        raise GatewayRejected(
            f"dataset {spec.name} is frozen as it was before step {step.name} began anew: it lacks "
            f"{len(missing)} of {len(made)} files made since: {first_of(missing, _NAMED)}",
            f"`dirac-prodsys datasets retire {spec.name}`, then clear this task, which makes it "
            "anew; or give it another name",
        )


def _keep(
    gateway: ProductionGateway, record: DatasetRecord, transformation: int, remarks: list[str]
) -> list[CatalogueFile]:
    """Keep the list of the dataset's files, and return them."""
    held = gateway.dataset_files(record.name)
    files = gateway.describe_files(held)
    size = sum(one.size for one in files.values())
    if record.adopted and gateway.read_note(transformation, FILE_LIST):
        return list(files.values())
    if record.frozen and list_checksum(files) != record.list_checksum:
        remarks.append(f"files of {record.name} went before their list was kept")
    elif not keep_list(gateway, transformation, files.values()):
        remarks.append(f"the list of the files of {record.name} is too long to be kept")
    if size != record.size:
        remarks.append(
            f"the files of {record.name} have {size} bytes, and the catalogue counted {record.size}"
        )
    return list(files.values())
