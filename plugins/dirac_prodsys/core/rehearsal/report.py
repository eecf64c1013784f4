"""Reports the result of a rehearsal as values: files per step, links, metadata, datasets, findings.

Invariant: a function of the plan and of what was seen on the grid; a rehearsal has no findings if
it came to its end and every link carried files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dirac_prodsys.core.grid.specs import DatasetSpec, RequestSpec
from dirac_prodsys.core.grid.status import ENDED_TRANSFORMATION, FileStatus
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.rehearsal.accounts import Account, disagreements
from dirac_prodsys.core.rehearsal.idle_metadata import unneeded
from dirac_prodsys.core.steps.step_plan import StepPlan


@dataclass(frozen=True)
class SeenStep:
    """One step as on the grid at the end.

    :param status: status of its transformation; empty: there is none.
    :param taken: the files attached to it.
    :param made: the files that its jobs left.
    :param carried: (field, value) of the files' own metadata → the files that carry it.
    :param replicas: storage element → number of taken files that it has now.
    :param seconds: seconds from its start to its end; None: it did not end.
    """

    id: int | None = None
    status: str = ""
    tasks: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()
    carried: Mapping[tuple[str, Any], frozenset[str]] = field(default_factory=dict)
    replicas: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None


@dataclass(frozen=True)
class SeenDataset:
    """A dataset in the catalogue.

    :param accounts: who → what it says of the dataset, the catalogue first; empty: nobody was
        asked.
    """

    files: int
    frozen: bool
    accounts: Mapping[str, Account | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StepLine:
    """One step in numbers.

    :param files_in: files attached; :param processed: files processed; :param files_out: files left
        by its jobs.
    :param replicas: for a step of requests: storage element → files that it has now; None: other
        steps.
    """

    step: str
    type: str
    status: str
    tasks: Mapping[str, int]
    files_in: int
    processed: int
    files_out: int
    seconds: float | None
    replicas: Mapping[str, int] | None = None


@dataclass(frozen=True)
class FedLink:
    """A link from a parent to a child.

    :param files: number of the parent's files that the child took; :param of: number of all of
        them.
    """

    parent: str
    child: str
    files: int
    of: int


@dataclass(frozen=True)
class Unused:
    """Unused metadata of a step's output.

    :param fields: fields that separated no files for any child or dataset.
    :param files: files that no child and no dataset took; :param values: what only they carry, if
        anything: ``nsb=5``.
    """

    step: str
    fields: tuple[str, ...] = ()
    files: int = 0
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetLine:
    """A dataset as it would be.

    :param files: None: it was not made.
    :param expected: what the production expects, in words; empty: nothing.
    :param accounts: what the catalogue, the ledger and Airflow's event say of it.
    """

    step: str
    name: str
    query: Mapping[str, Any]
    files: int | None
    frozen: bool
    expected: str = ""
    accounts: Mapping[str, Account | None] = field(default_factory=dict)


@dataclass(frozen=True)
class RehearsalReport:
    """The whole report of one production.

    :param state: Airflow's state of the run.
    :param findings: what is wrong; empty: it came to its end.
    :param notes: what was done only for the rehearsal, and what it does not show.
    """

    production: str
    run: str
    state: str
    seconds: float
    steps: tuple[StepLine, ...]
    links: tuple[FedLink, ...]
    unused: tuple[Unused, ...]
    datasets: tuple[DatasetLine, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def report(
    plan: ProductionPlan,
    seen: Mapping[str, SeenStep],
    datasets: Mapping[str, SeenDataset],
    *,
    state: str,
    seconds: float,
    scaled: bool = False,
    failures: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> RehearsalReport:
    """Return the report on a run that has ended, or was given up.

    :param seen: step → what was seen; :param datasets: name → dataset.
    :param scaled: whether it had fewer tasks or files than the production says, so that the number
        of files that a dataset expects proves nothing.
    :param failures: what went wrong in Airflow, in words.
    """
    looks = {step.name: seen.get(step.name, SeenStep()) for step in plan.steps}
    lines = tuple(_line(step, looks[step.name]) for step in plan.steps)
    links = tuple(_links(plan, looks))
    made = tuple(_dataset(step.name, step.dataset, datasets) for step in plan.steps if step.dataset)
    wrong = [
        *([] if state == "success" else [f"the run is {state or 'not there'}"]),
        *failures,
        *_not_ended(lines),
        *(
            f"link {link.parent} → {link.child} fed nothing: "
            + (f"none of {link.of} files" if link.of else f"{link.parent} has no files")
            for link in links
            if not link.files
        ),
        *_empty(plan, looks),
        *_datasets(plan, made, scaled=scaled),
    ]
    return RehearsalReport(
        production=plan.production,
        run=plan.run,
        state=state,
        seconds=round(seconds, 1),
        steps=lines,
        links=links,
        unused=tuple(_unused(plan, looks)),
        datasets=made,
        findings=tuple(dict.fromkeys(wrong)),
        notes=tuple(dict.fromkeys(notes)),
    )


def _line(step: StepPlan, look: SeenStep) -> StepLine:
    by_requests = isinstance(step.transformation.body, RequestSpec)
    return StepLine(
        step=step.name,
        type=step.transformation.type,
        status=look.status,
        tasks=dict(look.tasks),
        files_in=sum(look.files.values()),
        processed=look.files.get(FileStatus.PROCESSED, 0),
        files_out=len(look.made),
        seconds=None if look.seconds is None else round(look.seconds, 1),
        replicas=dict(look.replicas) if by_requests else None,
    )


def _links(plan: ProductionPlan, looks: Mapping[str, SeenStep]) -> Iterable[FedLink]:
    for step in plan.steps:
        for name in step.parents:
            offered = _offered(plan.step(name), looks[name])
            yield FedLink(name, step.name, len(offered & looks[step.name].taken), len(offered))


def _offered(step: StepPlan, look: SeenStep) -> frozenset[str]:
    """Return a step's own files; or those that it took and hands on, if it makes none."""
    return look.made if step.transformation.output_query is not None else look.taken


def _not_ended(lines: Iterable[StepLine]) -> Iterable[str]:
    for line in lines:
        if not line.status:
            yield f"step {line.step} has no transformation"
        elif line.status not in ENDED_TRANSFORMATION:
            yield f"step {line.step} did not end: its transformation is {line.status}"


def _empty(plan: ProductionPlan, looks: Mapping[str, SeenStep]) -> Iterable[str]:
    for step in plan.steps:
        look, spec = looks[step.name], step.transformation
        if step.rules.needs_input and not step.parents and look.status and not look.taken:
            yield f"step {step.name} took no files: none match its query"
        if spec.output_query is not None and spec.directories and look.tasks and not look.made:
            yield f"step {step.name} left no files that its own output query finds"


def _dataset(step: str, spec: DatasetSpec, made: Mapping[str, SeenDataset]) -> DatasetLine:
    found = made.get(spec.name)
    return DatasetLine(
        step=step,
        name=spec.name,
        query=spec.query.to_dirac(),
        files=None if found is None else found.files,
        frozen=found is not None and found.frozen,
        expected=_expected(spec),
        accounts={} if found is None else dict(found.accounts),
    )


def _expected(spec: DatasetSpec) -> str:
    if spec.expect_files is not None:
        return f"{spec.expect_files}"
    if spec.min_files is None and spec.max_files is None:
        return ""
    most = "any number" if spec.max_files is None else spec.max_files
    return f"{spec.min_files or 0} to {most}"


def _datasets(plan: ProductionPlan, made: Iterable[DatasetLine], *, scaled: bool) -> Iterable[str]:
    for line in made:
        spec = plan.step(line.step).dataset
        if line.files is None:
            yield f"there is no dataset {line.name}"
        elif spec is not None and not scaled and not _fits(spec, line.files):
            yield f"dataset {line.name} would hold {line.files} files, expected: {line.expected}"
        if line.accounts:
            for words in disagreements(line.accounts):
                yield f"dataset {line.name}: {words}"


def _fits(spec: DatasetSpec, files: int) -> bool:
    if spec.expect_files is not None:
        return files == spec.expect_files
    most = files if spec.max_files is None else spec.max_files
    return (spec.min_files or 0) <= files <= most


def _unused(plan: ProductionPlan, looks: Mapping[str, SeenStep]) -> Iterable[Unused]:
    """Yield what was not used of the outputs that other steps take."""
    for step in plan.steps:
        takers = [looks[s.name].taken for s in plan.steps if s.name != step.name]
        look = looks[step.name]
        children = [s for s in plan.steps if step.name in (*s.parents, *s.feeders)]
        if not children or not look.made:
            continue
        in_dataset = step.dataset is not None and step.dataset.query == _all(step)
        left = frozenset() if in_dataset else look.made.difference(*takers)
        values = ((f"{name}={value}", some) for (name, value), some in look.carried.items())
        apart = tuple(word for word, some in values if some and some <= left)
        fields = unneeded(plan, step)
        if fields or left:
            yield Unused(step.name, fields, len(left), apart)


def _all(step: StepPlan) -> MetaQuery | None:
    return step.transformation.output_query
