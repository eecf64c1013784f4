"""Builds the place of a rehearsal: an empty grid, an empty Airflow, and adapted productions.

Invariant: everything is in one directory, and nothing of it runs after the context is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import RequestSpec
from dirac_prodsys.core.naming import run_tag
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.rehearsal.openers import openers
from dirac_prodsys.core.rehearsal.report import RehearsalReport, report
from dirac_prodsys.core.rehearsal.smaller import smaller
from dirac_prodsys.core.rehearsal.stand_in import left_out, storage_of
from dirac_prodsys.gateway.dirac.rehearsal import RehearsalGateway
from dirac_prodsys.gateway.records import GatewaySettings
from sandbox.airflow.rest import FINAL
from sandbox.airflow.settings import connection_to
from sandbox.airflow.stack import AirflowStack
from sandbox.configuration.needs import Needs
from sandbox.errors import SandboxError
from sandbox.grid.grid import Grid
from sandbox.rehearsal.facts import seen_datasets, seen_steps
from sandbox.rehearsal.inputs import MARK, Inputs
from sandbox.rehearsal.run import RehearsalRun
from sandbox.runs.production_run import Look

RUN_ID = "rehearsal"

_STUB = """\
version: 1
production: {{name: {name}, vo: {vo}}}
steps:
  {step}:
    type: MCSimulation
    tasks: 1
    job: {{type: script, executable: none}}
    output:
      directory: "/{vo}/rehearsal/${{{{ production }}}}/${{{{ run }}}}"
      se: DISK-A-SE
      metadata: {{production: "${{{{ production }}}}", run: "${{{{ run }}}}"}}
      files: ["made_@{{JOB_ID}}"]
    dataset: {{name: "/{vo}/datasets/${{{{ production }}}}_${{{{ run }}}}"}}
"""


@dataclass(frozen=True)
class Part:
    """One production of a rehearsal.

    :param production: the production with the parameters of the run, reduced to the rehearsed size.
    :param text: the text that Airflow is given.
    :param conf: the run's parameters.
    :param datasets: name → query, for the datasets that it takes.
    :param scaled: it makes less than its file says.
    :param stub: nobody asked for it.
    """

    production: Production
    text: str
    plan: ProductionPlan
    conf: Mapping[str, Any] = field(default_factory=dict)
    datasets: Mapping[str, MetaQuery] = field(default_factory=dict)
    scaled: bool = False
    stub: bool = False

    @classmethod
    def waited_for(cls, vo: str, name: str, step: str) -> Part:
        """Return a production that exists only because another one waits for its dataset."""
        written = load_production(_STUB.format(name=name, vo=vo, step=step), f"{name}.yaml")
        return replace(cls.of(written, 1), stub=True)

    @classmethod
    def of(
        cls,
        written: Production,
        tasks: int,
        conf: Mapping[str, Any] | None = None,
        datasets: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Part:
        """Return the production as it is rehearsed.

        :param tasks: most tasks of a step without input.
        :param conf: values of parameters that the run chooses.
        :param datasets: queries of datasets; others are made up.
        :raises DefinitionErrors: it cannot be planned.
        """
        conf = dict(conf or {})
        written = written.bind(conf)
        text = smaller(written, tasks)
        small = load_production(text, f"{written.name}.yaml").bind(conf)
        if small.name != written.name:
            raise SandboxError(f"{written.file} is named {small.name} and not {written.name}")
        tag = run_tag(RUN_ID)
        queries = dict(datasets or {})
        wanted = compile(small, run=tag).unresolved
        for name in set(wanted) - queries.keys():
            queries[name] = {MARK: {"=": name.rsplit("/", 1)[-1]}}
        plan = compile(small, run=tag, datasets=queries)
        parsed = {name: MetaQuery.from_dirac(queries[name]) for name in wanted}
        scaled = [s.tasks for s in small.steps] != [s.tasks for s in written.steps]
        return cls(small, text, plan, conf, parsed, scaled)

    @property
    def needs(self) -> Needs:
        """Return the names that it uses and a sandbox may lack."""
        types = self.production.types
        specs = [step.transformation for step in self.plan.steps]
        return Needs(
            vos=(self.plan.vo,),
            storage_elements=tuple(name for spec in specs for name in storage_of(spec)),
            types=tuple(name for name, kind in types.items() if kind.tasks == "jobs"),
            request_types=tuple(name for name, kind in types.items() if kind.tasks == "requests"),
        ).beyond_community()

    @property
    def moves_files(self) -> bool:
        """Check for steps whose tasks are requests of the data management system."""
        return any(isinstance(s.transformation.body, RequestSpec) for s in self.plan.steps)


def with_stubs(parts: Sequence[Part]) -> list[Part]:
    """Return these, and a stub of every other production that one of them waits for."""
    made = {part.production.name: part for part in parts}
    for part in parts:
        for name, step in openers(part.plan).productions:
            if name not in made:
                made[name] = Part.waited_for(part.plan.vo, name, step)
    return list(made.values())


class RehearsalSite:
    """A grid and an Airflow for some productions of one virtual organisation.

    :param state: directory for everything; must be empty.
    :param profile: profile of the grid.
    :param say: called with one line of progress at a time.
    """

    def __init__(
        self,
        state: Path,
        parts: Sequence[Part],
        profile: str,
        *,
        files: int,
        say: Callable[[str], None] = lambda _message: None,
    ) -> None:
        self.parts = parts = with_stubs(parts)
        self.files = files
        self.say = say
        vos = sorted({part.plan.vo for part in parts})
        if len(vos) > 1:
            raise SandboxError(f"productions of {' and '.join(vos)}", "rehearse each VO by itself")
        needs = Needs(
            *(
                tuple(name for part in parts for name in getattr(part.needs, field.name))
                for field in fields(Needs)
            )
        ).beyond_community()
        self.grid = Grid(state / "grid", profile, needs=needs, say=say)
        connection = connection_to(self.grid, group=f"{vos[0]}_prod")
        connection["extra"] |= {"backend": "rehearsal", "vo": vos[0]}
        self.folder = state / "productions"
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in parts:
            (self.folder / f"{part.production.name}.yaml").write_text(part.text, "utf-8")
        names = {part.plan.connection for part in parts}
        self.stack = AirflowStack(
            state / "airflow", self.folder, dict.fromkeys(names, connection), say=say
        )
        self.gateway = RehearsalGateway(GatewaySettings(**connection["extra"]))
        self.seeded: dict[str, int] = {}

    def __enter__(self) -> RehearsalSite:
        self.stack.launch()
        try:
            self.grid.up()
            self.say(f"DIRAC grid ({self.grid.profile.name})")
            self.stack.wait_healthy()
            self.say(f"Airflow: {self.stack.url}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stack.down()
        self.grid.down()

    def rehearse(
        self,
        show: Callable[[Mapping[str, Look]], None] = lambda _looks: None,
        *,
        timeout: float = 3600.0,
    ) -> list[RehearsalReport]:
        """Run all of them side by side to their end, or until they are given up.

        :param timeout: seconds after which all are given up.
        """
        datasets = {name: query for part in self.parts for name, query in part.datasets.items()}
        plans = [part.plan for part in self.parts]
        self.seeded = Inputs(self.grid, self.gateway, plans, self.files, datasets).prepare()
        self.say(f"{sum(self.seeded.values())} input files")
        runs = {part.plan.production: self._begin(part) for part in self.parts}
        give_up = time.monotonic() + timeout
        while True:
            before = time.monotonic()
            looks = {name: run.attend() for name, run in runs.items()}
            show(looks)
            if all(run.ended is not None for run in runs.values()):
                break
            if time.monotonic() > give_up:
                for name, run in runs.items():
                    if run.ended is None:
                        run.give_up(f"it is not over after {timeout:.0f} s", looks[name])
                break
            # a look at hundreds of tasks takes time itself: wait twice as long
            time.sleep(max(1.0, 2 * (time.monotonic() - before)))
        asked = [part for part in self.parts if not part.stub]
        return [self._report(part, runs[part.plan.production], looks) for part in asked]

    def _begin(self, part: Part) -> RehearsalRun:
        name = part.production.name
        run = RehearsalRun(self.stack, self.gateway, part.plan, RUN_ID, name)
        run.wait_known(self.stack.started("dag-processor"))
        run.begin(dict(part.conf))
        self.say(f"run of {name} started")
        return run

    def _report(self, part: Part, run: RehearsalRun, looks: Mapping[str, Look]) -> RehearsalReport:
        state = looks[part.plan.production].state
        return report(
            part.plan,
            seen_steps(self.gateway, run),
            seen_datasets(self.gateway, run),
            state=state if state in FINAL else f"still {state}",
            seconds=run.seconds,
            scaled=part.scaled or any(self._seeded(part).values()),
            failures=run.failures,
            notes=[*self._notes(part), *run.notes],
        )

    def _seeded(self, part: Part) -> dict[str, int]:
        """Return step → number of input files that were made for it."""
        name = part.plan.production
        return {step.name: self.seeded.get(f"{name}.{step.name}", 0) for step in part.plan.steps}

    def _notes(self, part: Part) -> list[str]:
        notes = []
        if part.scaled:
            most = max((step.rules.tasks or 0 for step in part.plan.steps), default=0)
            notes.append(f"steps without input: {most} tasks at most; group sizes are as written")
        for step in part.plan.steps:
            if number := self._seeded(part)[step.name]:
                notes.append(f"{step.name}: {number} input files were made for it")
            if left := left_out(step.transformation):
                notes.append(f"{step.name}: {', '.join(left)} of its jobs are not rehearsed")
        needed = openers(part.plan)
        for lfn in (*needed.files, *needed.datasets):
            notes.append(f"{lfn} was made, as it is waited for")
        for name in needed.written:
            notes.append(f"{name}: the stand-in that writes it was given its numbers")
        for name, step in needed.productions:
            if any(other.stub and other.production.name == name for other in self.parts):
                notes.append(f"production {name} was stood in for: step {step} and its dataset")
        notes += needed.closed
        notes += [f"dataset {name} was made as its input: {q}" for name, q in part.datasets.items()]
        return notes
