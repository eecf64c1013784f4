"""Says how datasets came about, in the words of W3C PROV: entities, activities, agents.

A dataset is derived from the files of a transformation; the transformation used the files of its
parents and a job body, and was informed by its run; the run used a plan, which is derived from a
definition with its digest and commit.

Invariant: a pure function of the records of one run. The ledger knows how many files and jobs there
were, and not their names: they are numbers of a transformation, and no entities.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    CountsRecord,
    DatasetRecord,
    DefinitionRecord,
    JobsRecord,
    PlanRecord,
    RunRecord,
    StepRecord,
    StorageRecord,
)

#: the kinds of records that it is made of
KINDS = ("definition", "plan", "run", "step", "counts", "jobs", "storage", "dataset", "action")

Relation = Literal[
    "used",
    "wasGeneratedBy",
    "wasDerivedFrom",
    "wasInformedBy",
    "wasAssociatedWith",
]


@dataclass
class Thing:
    """An entity, an activity or an agent.

    :param attributes: what is known of it; :param begin: :param end: of an activity.
    """

    kind: Literal["entity", "activity", "agent"]
    label: str
    attributes: dict[str, str | int] = field(default_factory=dict)
    begin: datetime | None = None
    end: datetime | None = None


@dataclass
class Provenance:
    """Things by their names, and how they relate: what, from which, to which."""

    things: dict[str, Thing] = field(default_factory=dict)
    relations: dict[tuple[Relation, str, str], None] = field(default_factory=dict)

    def add(self, name: str, kind: Literal["entity", "activity", "agent"], label: str) -> Thing:
        """Return the thing of that name."""
        return self.things.setdefault(name, Thing(kind, label))

    def relate(self, relation: Relation, source: str, target: str) -> None:
        """Add a relation, once."""
        self.relations[relation, source, target] = None


def provenance(records: Iterable[Record]) -> Provenance:
    """Return how what one run made came about.

    :param records: of one run; definitions of the production that the run does not name are passed
        over.
    """
    known = sorted(records, key=lambda record: record.at)
    found = Provenance()
    named = {one.definition for one in known if isinstance(one, RunRecord | PlanRecord)}
    for record in known:
        match record:
            case DefinitionRecord() if record.digest in named:
                _definition(found, record)
            case PlanRecord():
                _plan(found, record)
            case RunRecord():
                _run(found, record)
            case StepRecord():
                _step(found, record)
    for record in known:
        match record:
            case CountsRecord() | JobsRecord() | StorageRecord():
                _numbers(found, record)
            case DatasetRecord():
                _dataset(found, record)
            case ActionRecord() if record.phase == "after":
                _action(found, record)
    there = found.things.keys()
    found.relations = {r: None for r in found.relations if r[1] in there and r[2] in there}
    return found


def _definition(found: Provenance, record: DefinitionRecord) -> None:
    thing = found.add(f"definition/{record.digest}", "entity", record.file or record.production)
    given = {"digest": record.digest, "source": record.source, "commit": record.commit}
    thing.attributes |= {name: value for name, value in given.items() if value}


def _plan(found: Provenance, record: PlanRecord) -> None:
    thing = found.add(f"plan/{record.digest}", "entity", f"plan of {record.production}")
    thing.attributes["digest"] = record.digest
    found.relate("wasDerivedFrom", f"plan/{record.digest}", f"definition/{record.definition}")


def _run(found: Provenance, record: RunRecord) -> None:
    name = _run_name(record)
    thing = found.add(name, "activity", f"{record.production} {record.run}")
    if record.state == "began":
        thing.begin = record.at
        if record.parameters:
            thing.attributes["parameters"] = json.dumps(record.parameters, sort_keys=True)
    else:
        thing.end = record.at
        thing.attributes["state"] = record.state
        if record.reason:
            thing.attributes["reason"] = record.reason
    if record.plan:
        found.relate("used", name, f"plan/{record.plan}")
    if record.by:
        found.add(f"person/{record.by}", "agent", record.by)
        found.relate("wasAssociatedWith", name, f"person/{record.by}")


def _step(found: Provenance, record: StepRecord) -> None:
    name, files = _transformation(record), _files(record)
    thing = found.add(name, "activity", record.name or record.step)
    thing.begin = record.at
    thing.attributes |= {"step": record.step, "type": record.type}
    if record.transformation is not None:
        thing.attributes["transformation"] = record.transformation
    for key, query in (("query", record.query), ("output_query", record.output_query)):
        if query:
            thing.attributes[key] = json.dumps(query, sort_keys=True)
    found.relate("wasInformedBy", name, _run_name(record))
    found.add(files, "entity", f"files of {record.step or record.name}")
    found.relate("wasGeneratedBy", files, name)
    for parent in record.parents:
        found.relate("used", name, f"files/{record.production}/{record.run}/{parent}")
    if record.software:
        job = f"job/{record.production}/{record.run}/{record.step}"
        body = json.dumps(record.software, sort_keys=True, default=str)
        found.add(job, "entity", f"job body of {record.step}").attributes["body"] = body
        found.relate("used", name, job)


def _numbers(found: Provenance, record: CountsRecord | JobsRecord | StorageRecord) -> None:
    """Add the newest numbers of a transformation, and of its files."""
    thing, files = found.things.get(_transformation(record)), found.things.get(_files(record))
    if thing is None or files is None:
        return
    if isinstance(record, CountsRecord):
        thing.attributes["status"] = record.status
        thing.attributes |= _counted("tasks", record.tasks) | _counted("input_files", record.files)
        if record.final:
            thing.end = record.at
    elif isinstance(record, JobsRecord):
        by_status: dict[str, int] = {}
        for row in record.rows:
            by_status[row.status] = by_status.get(row.status, 0) + row.total
        thing.attributes |= _counted("jobs", by_status)
    else:
        given = {"files": record.files, "bytes": record.bytes}
        files.attributes |= {name: value for name, value in given.items() if value is not None}


def _dataset(found: Provenance, record: DatasetRecord) -> None:
    thing = found.add(f"dataset{record.dataset}", "entity", record.dataset)
    given = {"files": record.files, "bytes": record.bytes, "checksum": record.checksum or None}
    thing.attributes |= {name: value for name, value in given.items() if value is not None}
    thing.attributes["frozen"] = str(record.frozen).lower()
    if record.query:
        thing.attributes["query"] = json.dumps(record.query, sort_keys=True)
    found.relate("wasDerivedFrom", f"dataset{record.dataset}", _files(record))


def _action(found: Provenance, record: ActionRecord) -> None:
    name = f"action/{record.action}/{record.at.isoformat()}"
    thing = found.add(name, "activity", f"{record.action} {record.name}".strip())
    thing.begin = thing.end = record.at
    given = {"reason": record.reason, "result": record.result}
    thing.attributes |= {key: value for key, value in given.items() if value}
    found.add(f"person/{record.by}", "agent", record.by)
    found.relate("wasAssociatedWith", name, f"person/{record.by}")
    found.relate("wasInformedBy", _transformation(record), name)


def _counted(what: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {f"{what}.{word}": number for word, number in sorted(counts.items())}


def _run_name(record: Record) -> str:
    return f"run/{record.production}/{record.run}"


def _transformation(record: Record) -> str:
    return f"transformation/{record.name or record.transformation}"


def _files(record: Record) -> str:
    return f"files/{record.production}/{record.run}/{record.step or record.name}"
