"""Describes how datasets came about by the entities of an RO-Crate, in the words of schema.org.

The run is the execution of a workflow, by the profiles for that: *Process*, *Workflow* and
*Provenance Run Crate*. The definition is the workflow; a step is a ``HowToStep``, its job body a
``SoftwareApplication``, its transformation and each task a ``CreateAction`` that this software
carried out; a ``ControlAction`` joins them to the step. Files are the results of tasks, where the
job body says which task gives a file its name.

Invariant: pure, and the same records give the same entities. A file is named by its LFN, and
nothing is stated that no record and no list says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from dirac_prodsys.core.grid.catalogue_files import ListedFile
from dirac_prodsys.core.reports.provenance import Provenance, Relation, Thing

#: the version of RO-Crate that the profiles are written for, and the terms that they add
VERSION = "1.1"
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"

#: the files of the crate that say what was run
DEFINITION, PLAN = "production.yaml", "plan.json"

#: profile → its name; without a definition there is no workflow, and the first alone holds
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    WORKFLOW_CRATE: "Workflow RO-Crate",
}
_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_LANGUAGE, _ENGINE = "#production-yaml", "#dirac_prodsys"

#: how a run ended → how schema.org calls it
_STATUS = {
    "completed": "http://schema.org/CompletedActionStatus",
    "failed": "http://schema.org/FailedActionStatus",
    "cut short": "http://schema.org/FailedActionStatus",
    "": "http://schema.org/ActiveActionStatus",
}

#: JSON form of an entity, or a reference to one
Entity = dict[str, Any]


@dataclass
class Crate:
    """The content of a crate, but for the files in it.

    :param root: properties of the crate itself.
    :param entities: what is said about other things, by ID; files are those of type ``File``.
    """

    root: Entity
    entities: dict[str, Entity] = field(default_factory=dict)

    def add(self, identifier: str, kind: str | list[str], /, **properties: Any) -> Entity:
        """Add an entity, without the properties that nobody knows; return the reference to it."""
        known = {key: value for key, value in properties.items() if value not in (None, "", [])}
        self.entities.setdefault(identifier, {"@id": identifier, "@type": kind, **known})
        return {"@id": identifier}

    def mention(self, *references: Entity) -> None:
        """Let the crate mention entities."""
        self.root.setdefault("mentions", []).extend(references)


def ro_crate(
    found: Provenance, lists: Mapping[str, Sequence[ListedFile]], *, license_text: str
) -> Crate:
    """Return the crate of one run.

    :param found: how what the run made came about.
    :param lists: the files of datasets, by the dataset's path.
    :param license_text: under which terms the data may be used: an address, or in words.
    """
    runs = [name for name in found.things if name.startswith("run/")]
    label = found.things[runs[0]].label if runs else "imported transformations"
    crate = Crate({"name": label, "license": license_text})
    writer = _Writer(crate, found, lists)
    crate.root |= {
        "description": f"How the datasets of {label} came about, from the definition on.",
        "datePublished": writer.last_moment(),
    }
    writer.write(runs)
    return crate


@dataclass
class _Writer:
    """Writes the entities of one run, in an order in which each refers to what is there."""

    crate: Crate
    found: Provenance
    lists: Mapping[str, Sequence[ListedFile]]
    targets: dict[tuple[Relation, str], list[str]] = field(default_factory=dict)
    sources: dict[tuple[Relation, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the relations."""
        for relation, source, target in self.found.relations:
            self.targets.setdefault((relation, source), []).append(target)
            self.sources.setdefault((relation, target), []).append(source)

    def write(self, runs: Sequence[str]) -> None:
        """Write all."""
        things = self.found.things
        definition = next((name for name in things if name.startswith("definition/")), "")
        plan = next((name for name in things if name.startswith("plan/")), "")
        is_workflow = bool(definition and runs)
        held = list(_PROFILES)[: None if is_workflow else 1]
        self.crate.root["conformsTo"] = [{"@id": one} for one in held]
        for one in held:
            version = one.rpartition("/")[2]
            self.crate.add(one, "CreativeWork", name=_PROFILES[one], version=version)
        for name, thing in things.items():
            if thing.kind == "agent":
                self.crate.add(_id(name), "Person", name=thing.label)
        steps = [name for name in things if name.startswith("transformation/")]
        controls = [self._step(number, name) for number, name in enumerate(steps, 1)]
        for name in things:
            if name.startswith("action/"):
                self._action(name)
        if plan:
            self._plan(plan, is_workflow=is_workflow)
        if is_workflow:
            self._workflow(definition, steps)
            self._run(runs[0], plan, controls)

    def last_moment(self) -> str:
        """Return the moment of the last thing that is known."""
        times = [at for one in self.found.things.values() for at in (one.begin, one.end) if at]
        return max(times).isoformat() if times else "1970-01-01T00:00:00+00:00"

    def _step(self, number: int, name: str) -> Entity:
        """Write a step and its transformation; return what joins the two."""
        thing = self.found.things[name]
        attributes, step = thing.attributes, _step_of(thing)
        body = self._body(name)
        software = f"#software/{quote(step)}"
        self.crate.add(
            software,
            "SoftwareApplication",
            name=_program(body) or f"jobs of {step}",
            softwareVersion=_version(body),
            description=_command(body),
        )
        used = [one for one in self._to("used", name) if one.startswith("files/")]
        made = self._files(name, step)
        action = self.crate.add(
            _id(name),
            "CreateAction",
            name=f"transformation {attributes.get('transformation', '?')}: {thing.label}",
            description=f"step {step}, of type {attributes.get('type') or 'unknown'}",
            instrument={"@id": software},
            object=[{"@id": _id(one)} for one in used],
            result=[{"@id": one} for one in made],
            startTime=_time(thing, "begin"),
            endTime=_time(thing, "end"),
            additionalProperty=self._values(name, attributes),
        )
        self.crate.mention(action)
        recipe = self.crate.add(
            f"#step/{quote(step)}",
            "HowToStep",
            name=step,
            position=str(number),
            workExample={"@id": software},
        )
        tasks = self._tasks(name, made, software, _patterns(body, attributes))
        return self.crate.add(
            f"#control/{quote(name)}",
            "ControlAction",
            name=f"orchestrate step {step}",
            instrument=recipe,
            object=[action, *tasks],
        )

    def _files(self, transformation: str, step: str) -> list[str]:
        """Write the files of a step and its datasets as collections; return their IDs."""
        made: list[str] = []
        for name in self._from("wasGeneratedBy", transformation):
            thing = self.found.things[name]
            values = self._values(name, thing.attributes)
            self.crate.mention(
                self.crate.add(_id(name), "Collection", name=thing.label, additionalProperty=values)
            )
            made.append(_id(name))
            for dataset in self._from("wasDerivedFrom", name):
                made.append(self._dataset(dataset, step))
        return made

    def _dataset(self, name: str, step: str) -> str:
        thing = self.found.things[name]
        output = self._formal(f"#output/{quote(step)}", f"dataset of {step}", "Collection")
        parts = []
        for one in self.lists.get(thing.label, ()):
            told = {"contentSize": str(one.size), "name": one.lfn.rpartition("/")[2]}
            checksum = {"identifier": f"adler32:{one.checksum}"} if one.checksum else {}
            parts.append(self.crate.add(_lfn(one.lfn), "File", **told, **checksum))
        identifier = _lfn(thing.label)
        self.crate.mention(
            self.crate.add(
                identifier,
                "Collection",
                name=thing.label,
                exampleOfWork=output,
                hasPart=parts,
                additionalProperty=self._values(name, thing.attributes),
            )
        )
        return identifier

    def _tasks(
        self, name: str, made: Sequence[str], software: str, patterns: Sequence[re.Pattern[str]]
    ) -> list[Entity]:
        """Write the tasks that gave files their names; return references to them."""
        if not patterns:
            return []
        of_task: dict[int, list[Entity]] = {}
        for collection in made:
            for part in self.crate.entities[collection].get("hasPart", ()):
                task = _task(part["@id"], patterns)
                if task is not None:
                    of_task.setdefault(task, []).append(part)
        return [
            self.crate.add(
                f"{_id(name)}/task/{task}",
                "CreateAction",
                name=f"task {task} of {self.found.things[name].label}",
                instrument={"@id": software},
                result=files,
            )
            for task, files in sorted(of_task.items())
        ]

    def _action(self, name: str) -> None:
        """Write what a person did to transformations."""
        thing = self.found.things[name]
        changed = [{"@id": _id(one)} for one in self._from("wasInformedBy", name)]
        self.crate.mention(
            self.crate.add(
                _id(name),
                "UpdateAction",
                name=thing.label,
                description=str(thing.attributes.get("reason", "")),
                agent=self._agent(name),
                object=changed,
                startTime=_time(thing, "begin"),
                endTime=_time(thing, "end"),
            )
        )

    def _plan(self, name: str, *, is_workflow: bool) -> None:
        thing = self.found.things[name]
        digest = str(thing.attributes.get("digest", ""))
        self.crate.add(
            PLAN,
            "File",
            name=thing.label,
            encodingFormat="application/json",
            identifier=digest,
            about={"@id": DEFINITION} if is_workflow else None,
        )

    def _workflow(self, name: str, steps: Sequence[str]) -> None:
        thing = self.found.things[name]
        language = self.crate.add(
            _LANGUAGE, "ComputerLanguage", name="production YAML of dirac_prodsys"
        )
        written = list(dict.fromkeys(quote(_step_of(self.found.things[one])) for one in steps))
        inputs = [
            self._formal(identifier, key, _type(value))
            for identifier, key, value in self._parameters()
        ]
        outputs = [{"@id": one} for one in self.crate.entities if one.startswith("#output/")]
        self.crate.add(
            DEFINITION,
            ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            name=thing.label,
            programmingLanguage=language,
            encodingFormat="application/yaml",
            identifier=f"sha256:{thing.attributes['digest']}",
            version=thing.attributes.get("commit"),
            codeRepository=thing.attributes.get("source"),
            step=[{"@id": f"#step/{one}"} for one in written],
            hasPart=[{"@id": f"#software/{one}"} for one in written],
            input=inputs,
            output=outputs,
        )
        self.crate.root["mainEntity"] = {"@id": DEFINITION}

    def _run(self, name: str, plan: str, controls: Sequence[Entity]) -> None:
        thing = self.found.things[name]
        state = str(thing.attributes.get("state", ""))
        values = [
            self.crate.add(
                f"#value/{quote(key)}",
                "PropertyValue",
                name=key,
                value=value if isinstance(value, str | int | float) else json.dumps(value),
                exampleOfWork={"@id": identifier},
            )
            for identifier, key, value in self._parameters()
        ]
        datasets = [one for one in self.found.things if one.startswith("dataset")]
        action = self.crate.add(
            _id(name),
            "CreateAction",
            name=f"run {thing.label}",
            instrument={"@id": DEFINITION},
            agent=self._agent(name),
            object=[*([{"@id": PLAN}] if plan else []), *values],
            result=[{"@id": _lfn(self.found.things[one].label)} for one in datasets],
            startTime=_time(thing, "begin"),
            endTime=_time(thing, "end"),
            actionStatus={"@id": _STATUS.get(state, _STATUS["failed"])},
            error=str(thing.attributes.get("reason", "")),
        )
        engine = self.crate.add(_ENGINE, "SoftwareApplication", name="dirac_prodsys")
        organised = self.crate.add(
            f"#organise/{quote(name)}",
            "OrganizeAction",
            name=f"orchestrate {thing.label}",
            instrument=engine,
            agent=self._agent(name),
            object=list(controls),
            result=action,
            startTime=_time(thing, "begin"),
            endTime=_time(thing, "end"),
        )
        self.crate.mention(action, organised)

    def _formal(self, identifier: str, name: str, kind: str) -> Entity:
        """Write what the workflow takes, or gives."""
        profile = {"@id": _PARAMETER}
        return self.crate.add(
            identifier, "FormalParameter", name=name, additionalType=kind, conformsTo=profile
        )

    def _parameters(self) -> list[tuple[str, str, Any]]:
        """Return ID, name and value of each parameter of the run."""
        for name, thing in self.found.things.items():
            if name.startswith("run/") and "parameters" in thing.attributes:
                given = json.loads(str(thing.attributes["parameters"]))
                return [(f"#parameter/{quote(key)}", key, value) for key, value in given.items()]
        return []

    def _values(self, name: str, attributes: Mapping[str, Any]) -> list[Entity]:
        """Write what is known of a thing as values with names."""
        return [
            self.crate.add(f"{_id(name)}/{quote(key)}", "PropertyValue", name=key, value=value)
            for key, value in attributes.items()
        ]

    def _body(self, transformation: str) -> Mapping[str, Any]:
        for name in self._to("used", transformation):
            if name.startswith("job/"):
                body: Any = json.loads(str(self.found.things[name].attributes["body"]))
                return body if isinstance(body, dict) else {}
        return {}

    def _agent(self, name: str) -> Entity | None:
        return next(({"@id": _id(one)} for one in self._to("wasAssociatedWith", name)), None)

    def _to(self, relation: Relation, source: str) -> list[str]:
        return self.targets.get((relation, source), [])

    def _from(self, relation: Relation, target: str) -> list[str]:
        return self.sources.get((relation, target), [])


def read_list(data: Any) -> tuple[str, tuple[ListedFile, ...]]:
    """Return path and files of a dataset, as ``datasets show --files --json`` writes them.

    :raises ValueError: it is no such list.
    """
    try:
        files = (
            ListedFile(str(o["lfn"]), int(o["size"]), str(o["checksum"])) for o in data["list"]
        )
        return str(data["name"]), tuple(files)
    except (KeyError, TypeError) as error:
        raise ValueError(f"it has no {error}") from None


def _step_of(transformation: Thing) -> str:
    return str(transformation.attributes["step"] or transformation.label)


def _id(name: str) -> str:
    """Return the ID of a thing."""
    return f"#{quote(name)}"


def _lfn(lfn: str) -> str:
    return f"lfn:{quote(lfn)}"


def _time(thing: Thing, which: str) -> str | None:
    moment = getattr(thing, which)
    return None if moment is None else str(moment.isoformat())


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "Boolean"
    names = {int: "Integer", float: "Float", str: "Text"}
    return names.get(type(value), "PropertyValue")


def _program(body: Mapping[str, Any]) -> str:
    """Return what runs: a program, a community's class of jobs, operations of requests."""
    parts = [*_each(body, "commands", "executable"), *_each(body, "operations", "type")]
    return ", ".join(parts) or str(body.get("job_class") or body.get("executable") or "")


def _command(body: Mapping[str, Any]) -> str:
    lines = [
        f"{one.get('executable', '')} {one.get('arguments', '')}".strip()
        for one in body.get("commands") or ()
    ]
    return "; ".join(lines)


def _version(body: Mapping[str, Any]) -> str:
    """Return the version of the software, where the job body names it."""
    settings = {str(key): value for key, value in body.get("settings") or ()}
    return str(settings.get("version") or body.get("version") or "")


def _each(body: Mapping[str, Any], where: str, what: str) -> Iterator[str]:
    return (str(one[what]) for one in body.get(where) or () if one.get(what))


def _patterns(
    body: Mapping[str, Any], attributes: Mapping[str, Any]
) -> tuple[re.Pattern[str], ...]:
    """Return what finds the number of the task in the ID of a file; empty: names do not tell it.

    As :func:`core.recovery.traces.task_outputs` makes names of numbers.
    """
    production = f"{attributes.get('transformation') or 0:08d}"
    found = []
    for one in body.get("outputs") or ():
        lfn = f"{str(one['directory']).rstrip('/')}/{one['name']}"
        before, mark, after = lfn.replace("@{PRODUCTION_ID}", production).partition("@{JOB_ID}")
        if mark and "@{JOB_ID}" not in after:
            found.append(
                re.compile(rf"{re.escape(_lfn(before))}(\d{{8}}){re.escape(quote(after))}")
            )
    return tuple(found)


def _task(identifier: str, patterns: Iterable[re.Pattern[str]]) -> int | None:
    matches = (pattern.fullmatch(identifier) for pattern in patterns)
    return next((int(match[1]) for match in matches if match), None)
