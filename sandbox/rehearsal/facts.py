"""Reads back what a rehearsed run left on its grid, from the services and from Airflow.

Invariant: read only; files come from the catalogue and the Transformation System, never from the
plan.
"""

from __future__ import annotations

import datetime
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dirac_prodsys.core.grid.catalogue_files import list_checksum
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.rehearsal.accounts import CATALOGUE, EVENT, LEDGER, Account
from dirac_prodsys.core.rehearsal.report import SeenDataset, SeenStep
from dirac_prodsys.core.reports.ledger.records import DatasetRecord as InLedger
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.records import DatasetRecord
from dirac_prodsys.gateway.verbs.services import CATALOGUE as FILE_CATALOGUE
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from dirac_prodsys.ledger.store import Ledger, Search
from sandbox.runs.production_run import ProductionRun

#: seconds until a task has delivered what it recorded
_DELIVERY_SECONDS = 15.0


def seen_steps(gateway: DiracGateway, run: ProductionRun) -> dict[str, SeenStep]:
    """Return every step as the grid has it now; with the files that another step removed since."""
    tasks = run.stack.rest.task_instances(run.dag_id, run.run_id)
    steps = {step.name: step for step in run.plan.steps}
    looks = {name: _seen(gateway, step, tasks) for name, step in steps.items()}
    taken = frozenset[str]().union(*(look.taken for look in looks.values()))
    gone = taken - _existing(gateway, taken)
    return {name: with_removed(look, steps[name], gone) for name, look in looks.items()}


def with_removed(look: SeenStep, step: StepPlan, gone: frozenset[str]) -> SeenStep:
    """Add to the files that a step made those of them that are gone.

    :param gone: files that a step took and that are not in the catalogue any more.
    """
    if look.id is None or step.transformation.output_query is None:
        return look
    paths = _paths(step, look.id)
    return replace(look, made=look.made | {lfn for lfn in gone if lfn.startswith(paths)})


def seen_datasets(gateway: DiracGateway, run: ProductionRun) -> dict[str, SeenDataset]:
    """Return every dataset of the plan that exists, and what ledger and Airflow say of it."""
    names = [step.dataset.name for step in run.plan.steps if step.dataset is not None]
    records = {name: gateway.find_dataset(name) for name in names}
    there = {name: record for name, record in records.items() if record is not None}
    if not there:
        return {}
    ledger, events = _in_ledger(run, set(there)), _events(run)
    return {
        name: SeenDataset(
            record.files,
            record.frozen,
            {
                CATALOGUE: _in_catalogue(gateway, record),
                LEDGER: ledger.get(name),
                EVENT: events.get(name),
            },
        )
        for name, record in there.items()
    }


def _in_catalogue(gateway: DiracGateway, record: DatasetRecord) -> Account:
    """Count a dataset file by file."""
    lfns = gateway.dataset_files(record.name)
    sizes = [one.size for one in gateway.describe_files(lfns).values()]
    checksum = list_checksum(lfns)
    return Account(len(lfns), sum(sizes), checksum=checksum, frozen=record.frozen)


def _in_ledger(run: ProductionRun, names: set[str]) -> dict[str, Account]:
    """Return what the ledger has, as soon as it has all, or after some seconds."""
    ledger = Ledger.at(f"sqlite:///{run.stack.home / 'dirac_prodsys' / 'ledger.db'}")
    give_up = time.monotonic() + _DELIVERY_SECONDS
    try:
        while True:
            found = {}
            for one in ledger.find(Search(("dataset",), production=run.plan.production)):
                if isinstance(one, InLedger) and one.dataset in names:
                    found[one.dataset] = Account(
                        one.files, one.bytes, one.events, one.checksum, one.frozen
                    )
            if found.keys() == names or time.monotonic() > give_up:
                return found
            time.sleep(0.5)
    finally:
        ledger.close()


def _events(run: ProductionRun) -> dict[str, Account]:
    """Return what the events of the steps' assets say."""
    extras = (one["extra"] for one in run.stack.rest.asset_events(run.dag_id))
    return {
        extra["dataset"]: Account(
            extra["files"],
            extra["bytes"],
            extra["events"],
            extra["list_checksum"],
            extra["frozen"],
        )
        for extra in extras
        if "dataset" in extra
    }


def _seen(gateway: DiracGateway, step: StepPlan, tasks: Mapping[str, Any]) -> SeenStep:
    record = gateway.find_transformation(step.transformation.name)
    if record is None:
        return SeenStep()
    snapshot = gateway.snapshot([record.id])[record.id]
    made = _made(gateway, step, record.id)
    taken = _taken(gateway, record.id)
    return SeenStep(
        id=record.id,
        status=str(snapshot.status),
        tasks=dict(snapshot.tasks),
        files=dict(snapshot.files),
        taken=taken,
        made=made,
        carried=_carried(gateway, step, made),
        replicas=_replicas(gateway, taken),
        seconds=_seconds(step.name, tasks),
    )


def _taken(gateway: DiracGateway, transformation: int) -> frozenset[str]:
    reply = gateway.services.call(
        TRANSFORMATIONS, "getTransformationFiles", {"TransformationID": transformation}
    )
    rows = json.loads(reply)["Value"] if isinstance(reply, str) else reply
    return frozenset(row["LFN"] for row in rows)


def _existing(gateway: DiracGateway, files: frozenset[str]) -> frozenset[str]:
    """Return those of the files that are in the catalogue."""
    if not files:
        return files
    reply = gateway.services.call(FILE_CATALOGUE, "exists", dict.fromkeys(files, True))
    return frozenset(lfn for lfn, there in reply["Successful"].items() if there)


def _replicas(gateway: DiracGateway, files: frozenset[str]) -> dict[str, int]:
    """Return storage element → how many of the files are there."""
    if not files:
        return {}
    reply = gateway.services.call(FILE_CATALOGUE, "getReplicas", dict.fromkeys(files, True), False)
    places = Counter(se for found in reply["Successful"].values() for se in found)
    return dict(sorted(places.items()))


def _made(gateway: DiracGateway, step: StepPlan, transformation: int) -> frozenset[str]:
    """Return the files in the step's directories that its output query finds."""
    spec = step.transformation
    if spec.output_query is None:
        return frozenset()
    paths = _paths(step, transformation)
    return frozenset(lfn for lfn in gateway.find_files(spec.output_query) if lfn.startswith(paths))


def _paths(step: StepPlan, transformation: int) -> tuple[str, ...]:
    """Return how the LFNs of a step's own files begin."""
    directories = step.transformation.directories
    return tuple(f"{d.of(transformation).path}/" for d in directories)


def _carried(
    gateway: DiracGateway, step: StepPlan, made: frozenset[str]
) -> dict[tuple[str, Any], frozenset[str]]:
    """Return (field, value) → files, for the fields in which the step's files differ."""
    query = step.transformation.output_query
    if query is None or not made:
        return {}
    return {
        (name, value): made
        & frozenset(gateway.find_files(query.refine(MetaQuery.parse({name: value}))))
        for name, values in query.listed.items()
        if len(values) > 1
        for value in sorted(values, key=str)
    }


def _seconds(step: str, tasks: Mapping[str, Any]) -> float | None:
    """Return the seconds from the step's start to its end, by Airflow."""
    group = step.replace(".", "__")
    began = (tasks.get(f"{group}.start") or {}).get("start_date")
    ended = (tasks.get(f"{group}.complete") or {}).get("end_date")
    if not began or not ended:
        return None
    read = datetime.datetime.fromisoformat
    return (read(ended) - read(began)).total_seconds()
