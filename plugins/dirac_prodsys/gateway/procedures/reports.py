"""Reads the results of transformations: their jobs or requests, and a whole run.

Read-only, for tasks of a DAG and the command line. Everything is asked in bulk and bounded: a
report on a hundred thousand jobs names those that did not end well.

Invariant: a note reports what the grid cannot answer. The Transformation System is needed, and for
a whole run the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dirac_prodsys.core.grid.jobs import Cause, JobReport, JobState, JobTimes, job_report
from dirac_prodsys.core.grid.requests import RequestState
from dirac_prodsys.core.grid.status import GOOD_TASKS
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.recovery.decisions import TaskState
from dirac_prodsys.core.recovery.ledger import LEDGER, Ledger
from dirac_prodsys.core.reports.run import DatasetState, ProductionReport, production_report
from dirac_prodsys.errors import GatewayRejected, NotFound
from dirac_prodsys.gateway.procedures.consistency import check
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway

#: most failed requests that are asked for their errors, the newest first: each is a separate call
MOST_REQUESTS = 300

#: most failed tasks examined while a step runs; few for requests, which need a call each
MOST_FAILED, _FEW_REQUESTS = 100, 5

#: most failed jobs that somebody who looks at a step is shown
MOST_SHOWN = 2_000

#: up to this number of tasks a report asks for every job; beyond it, for badly ended ones
MOST_JOBS = 20_000


def jobs_of(
    gateway: ProductionGateway, tasks: Iterable[TaskState], notes: list[str]
) -> dict[int, JobState]:
    """Return the states of these tasks' jobs by job monitoring.

    :param notes: receives a line if job monitoring does not answer.
    """
    numbers = [task.job for task in tasks if task.job]
    try:
        return gateway.job_states(numbers) if numbers else {}
    except GatewayRejected as error:
        notes.append(f"job monitoring was not asked: {error.reason}")
        return {}


def _with_times(
    gateway: ProductionGateway, jobs: dict[int, JobState], notes: list[str]
) -> dict[int, JobState]:
    """Return the jobs with the times that they reported.

    :param notes: receives a line if job monitoring has no times.
    """
    try:
        times = gateway.job_times(list(jobs)) if jobs else {}
    except GatewayRejected as error:
        notes.append(f"CPU and wall times are unknown: {error.reason}")
        return jobs
    unknown = JobTimes()
    return {
        number: replace(
            job,
            cpu_seconds=times.get(number, unknown).cpu,
            wall_seconds=times.get(number, unknown).wall,
        )
        for number, job in jobs.items()
    }


def requests_of(
    gateway: ProductionGateway, tasks: Iterable[TaskState], notes: list[str]
) -> dict[int, RequestState]:
    """Return the states of these tasks' requests by the Request Management System.

    :param notes: receives lines about what limits the result.
    """
    numbers = [task.job for task in tasks if task.job]
    if not numbers:
        return {}
    try:
        found = gateway.request_states(numbers, MOST_REQUESTS)
    except GatewayRejected as error:
        notes.append(f"request management was not asked: {error.reason}")
        return {}
    bad = sum(known.state.bad for known in found.values())
    if bad > MOST_REQUESTS:
        notes.append(f"of {bad} failed requests, the errors of {MOST_REQUESTS} were looked up")
    return found


def report_on(
    gateway: ProductionGateway, transformation: int, name: str, *, by_requests: bool | None = None
) -> JobReport:
    """Report on the jobs of a transformation.

    :param by_requests: its tasks are requests, whose IDs job monitoring would take for those of
        other jobs; None: decided by its type.
    :raises GatewayError: the Transformation System does not answer.
    """
    if by_requests is None:
        seen = gateway.snapshot([transformation]).get(transformation)
        kind = TRANSFORMATION_TYPES.get(seen.type if seen else "")
        by_requests = kind is not None and kind.body == "request"
    tasks = gateway.tasks(transformation)
    wanted, notes = list(tasks.values()), []
    if len(wanted) > MOST_JOBS:
        wanted = [task for task in wanted if task.status not in GOOD_TASKS][:MOST_JOBS]
        notes.append(f"of {len(tasks)} tasks, {len(wanted)} that did not end well were looked up")
    if by_requests:
        requests = requests_of(gateway, wanted, notes)
        jobs = {number: known.state for number, known in requests.items()}
    else:
        jobs = _with_times(gateway, jobs_of(gateway, wanted, notes), notes)
    try:
        tried = Ledger.from_text(gateway.read_note(transformation, LEDGER)).by_cause()
    except ValueError:
        tried = {}
    return job_report(
        f"transformation {transformation} {name}",
        (jobs.get(task.job) or JobState(task.job, task.status) for task in tasks.values()),
        unit="requests" if by_requests else "jobs",
        note="; ".join(notes),
        requeued=tried,
    )


def why_failing(
    gateway: ProductionGateway, transformation: int, *, by_requests: bool = False
) -> tuple[Cause, ...]:
    """Return why the newest failed jobs or requests failed, the most frequent cause first.

    It is cheap enough for a running step: a handful of calls, however many jobs there are.

    :raises GatewayError: the Transformation System does not answer.
    """
    tasks = gateway.failed_tasks(transformation, MOST_FAILED)
    notes: list[str] = []
    if by_requests:
        found = requests_of(gateway, tasks[:_FEW_REQUESTS], notes)
        jobs = {number: known.state for number, known in found.items()}
    else:
        jobs = jobs_of(gateway, tasks, notes)
    states = (jobs.get(task.job) or JobState(task.job, task.status) for task in tasks)
    report = job_report("", (_as_its_task(state) for state in states))
    return tuple(report.causes())


def _as_its_task(state: JobState) -> JobState:
    """Return the job as failed if its task failed, though its outputs may still be under way."""
    return state if state.bad else replace(state, status="Failed")


def failed_jobs(
    gateway: ProductionGateway, transformation: int, name: str, *, by_requests: bool = False
) -> JobReport:
    """Report on the jobs or requests that failed; cheap enough to be asked again and again.

    :raises GatewayError: the Transformation System does not answer.
    """
    most = _FEW_REQUESTS if by_requests else MOST_SHOWN
    tasks, notes = gateway.failed_tasks(transformation, most), list[str]()
    if len(tasks) >= most:
        notes.append(f"of the failed tasks, the {most:,} newest were looked up")
    if by_requests:
        jobs = {n: known.state for n, known in requests_of(gateway, tasks, notes).items()}
    else:
        jobs = jobs_of(gateway, tasks, notes)
    states = (jobs.get(task.job) or JobState(task.job, task.status) for task in tasks)
    return job_report(
        f"transformation {transformation} {name}",
        (_as_its_task(state) for state in states),
        unit="requests" if by_requests else "jobs",
        note="; ".join(notes),
    )


def report_on_run(gateway: ProductionGateway, plan: ProductionPlan) -> ProductionReport:
    """Report on all steps of a run.

    :raises GatewayError: the Transformation System or the catalogue does not answer.
    """
    names = [step.transformation.name for step in plan.steps]
    ids = {name: record.id for name, record in find_newest(gateway, names).items()}
    seen = gateway.snapshot(sorted(ids.values())) if ids else {}
    snapshots = {name: seen[number] for name, number in ids.items() if number in seen}
    steps = {step.transformation.name: step for step in plan.steps}
    jobs: dict[str, JobReport] = {}
    remarks: dict[str, list[str]] = {}
    for name, snapshot in snapshots.items():
        try:
            by_requests = steps[name].rules.by_requests
            jobs[name] = report_on(gateway, snapshot.id, name, by_requests=by_requests)
            step = steps[name]
            made = check(gateway, snapshot.id, step.transformation, transient=step.transient)
            remarks[name] = made.lines()
        except (NotFound, GatewayRejected) as error:
            remarks[name] = [error.reason]  # for example, a transformation that was just removed
    datasets = _datasets(gateway, plan, remarks)
    return production_report(plan, snapshots, jobs, remarks, datasets=datasets)


def _datasets(
    gateway: ProductionGateway, plan: ProductionPlan, remarks: dict[str, list[str]]
) -> dict[str, DatasetState | None]:
    """Return the datasets of a run in the catalogue, by name; also if a step is removed.

    :param remarks: receives, by transformation, why a dataset could not be looked up.
    """
    found: dict[str, DatasetState | None] = {}
    for step in plan.steps:
        if step.dataset is None:
            continue
        try:
            record = gateway.find_dataset(step.dataset.name)
        except (NotFound, GatewayRejected) as error:
            remarks.setdefault(step.transformation.name, []).append(error.reason)
            continue
        made = None if record is None else DatasetState(record.files, record.frozen)
        found[step.dataset.name] = made
    return found
