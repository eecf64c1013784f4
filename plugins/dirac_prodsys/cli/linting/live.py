"""Checks productions against a grid before they run: ``lint --live``.

Invariant: nothing is written. Each name is asked for once, one by one. An outage ends the
questions; what was found until then is still reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.cli.linting.many_files import within_limits
from dirac_prodsys.core import naming
from dirac_prodsys.core.dialects import DUMMY_RUN, Reading
from dirac_prodsys.core.gates.gate import Facts, Gate, judge_gates
from dirac_prodsys.core.gates.numbers import MAX_BYTES
from dirac_prodsys.core.grid import run_numbers
from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS, Inventory
from dirac_prodsys.core.plan.compile import try_plan
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Problem, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.proof import Report, grid_lacks, groups, in_words_of_the_file, prove
from dirac_prodsys.core.proof.findings import Finding
from dirac_prodsys.core.proof.numbers import UNTIL_TYPES_ARE_KNOWN
from dirac_prodsys.core.proof.runs_apart import names_run
from dirac_prodsys.core.query.difference import differences
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.site.file import Allowed
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.errors import GatewayError, GatewayRejected, NotFound
from dirac_prodsys.gateway.protocol import ProductionGateway


@dataclass
class Live:
    """Asks one grid about productions.

    :param run: tag of the run that will start; empty: any.
    :param allowed: the site's limits; None: the site is not asked.
    """

    gateway: ProductionGateway
    run: str = ""
    allowed: Allowed | None = None
    _inventory: Inventory | None = None
    _datasets: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)

    @property
    def inventory(self) -> Inventory:
        """Return what the grid has, asked once."""
        if self._inventory is None:
            self._inventory = self.gateway.inventory()
        return self._inventory

    def examine(self, report: Report, reading: Reading) -> Report:
        """Return the report with the grid's findings on the file added.

        :raises GatewayError: the grid did not answer.
        """
        production, plan = reading.production, reading.plan
        if production is None or plan is None:
            return report
        problems: list[Problem] = []
        queries = {}
        for name in plan.unresolved:
            query = self._query(name)
            if query is not None:
                queries[name] = query
            elif DUMMY_RUN not in name:
                problems.append(_unknown_dataset(production, plan, name))
        # the types are known now
        static = [f for f in report.findings if f.code not in UNTIL_TYPES_ARE_KNOWN]
        if queries:  # now more can be proved
            again = Problems()
            complete = try_plan(production, DUMMY_RUN, again, datasets=queries)
            problems += again.found
            if complete is not None:
                plan = complete
                again_proved = prove(Subject(production, plan))
                problems += [p for p in again_proved if p.code not in UNTIL_TYPES_ARE_KNOWN]
        subject = Subject(production, plan)
        problems += grid_lacks.check(subject, self.inventory)
        counts, empty = self._counts(subject)
        problems += empty
        if counts:
            static = [finding for finding in static if finding.code != "estimate"]
            problems += groups.check(subject, counts)
        problems += self._names(production, queries)
        problems += self._runs(plan)
        problems += self._made_datasets(production, plan, queries)
        problems += _gates_now(plan, self.gateway)
        reported = in_words_of_the_file(problems, plan)
        found = {*static, *(Finding.of(reading.at_place(problem)) for problem in reported)}
        examined = Report(report.file, tuple(sorted(found)), report.claims)
        if self.allowed is None or not queries:
            return examined
        return within_limits(examined, reading, self.allowed, plan)

    def _query(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._datasets:
            try:
                self._datasets[name] = self.gateway.dataset_query(name)
            except NotFound:
                self._datasets[name] = None
        return self._datasets[name]

    def _counts(self, subject: Subject) -> tuple[dict[str, int], list[Problem]]:
        """Count the files that steps without parents find now; report the steps that find none."""
        have = self.inventory
        known = {*have.directory_fields, *have.file_fields, *STANDARD_FIELDS}
        counts: dict[str, int] = {}
        empty = []
        for step in subject.plan.steps:
            query = subject.takes.get(step.name)
            if query is None or step.parents or step.feeders or names_run(query, subject.plan.run):
                continue
            if not known.issuperset(query.fields):
                continue
            try:
                counts[step.name] = self.gateway.count_files(query)
            except GatewayRejected:  # a value does not fit its field; another finding reports it
                continue
            if not counts[step.name]:
                empty.append(
                    Problem(
                        ("steps", step.name, "input"),
                        f"the catalogue finds no file for {query}",
                        "compare the conditions with the metadata of the files, one by one",
                        code="nothing-selected",
                    )
                )
        return counts, empty

    def _names(
        self, production: Production, queries: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Problem]:
        """Report the transformations that the run would find under its names."""
        plan = try_plan(production, self.run, Problems(), datasets=queries) if self.run else None
        if plan is None or plan.unresolved:
            return
        specs = [step.transformation for step in plan.steps]
        met = self.gateway.compare_transformations(specs)
        for step, meeting in zip(plan.steps, met, strict=True):
            there = meeting.standing
            if there is None:
                continue
            path = ("steps", step.name)
            reason = f"transformation {meeting.name} exists: ID {there.id}, {there.status}"
            if meeting.state == "conflict":
                lines = "; ".join(line for line in meeting.differences if not line.startswith(" "))
                yield Problem(
                    path,
                    f"{reason} and differs: {lines}",
                    "use another run or production name, or clean the old one",
                    on_key=True,
                    code="name-conflict",
                )
            else:
                hint = "nothing to do: a run of this tag adopts it"
                yield Problem(path, reason, hint, on_key=True, code="name-taken")

    def _runs(self, plan: ProductionPlan) -> Iterator[Problem]:
        """Report the run numbers that transformations of other names use."""
        for step in plan.steps:
            text = step.transformation.parameters.get(run_numbers.RUN_NUMBERS)
            mine = run_numbers.read(step.name, str(text)) if text is not None else None
            own = naming.SEPARATOR.join((plan.production, self.run, step.name))
            if mine is None or DUMMY_RUN in mine.campaign:
                continue
            for other in self.gateway.used_runs(mine.campaign):
                if other.owner != own and mine.overlaps(other):
                    yield Problem(
                        ("steps", step.name, "run_numbers"),
                        f"run numbers {mine.first} to {mine.last} of {mine.campaign}: "
                        f"{other.owner} uses {other.first} to {other.last}",
                        "a run is refused while that transformation exists: choose others",
                        code="run-numbers-used",
                    )
                    break

    def _made_datasets(
        self,
        production: Production,
        plan: ProductionPlan,
        queries: Mapping[str, Mapping[str, Any]],
    ) -> Iterator[Problem]:
        """Report the datasets that a step makes and that exist."""
        if self.run:
            asked = try_plan(production, self.run, Problems(), datasets=queries)
            plan = asked or plan
        for step in plan.steps:
            wanted = step.dataset
            if wanted is None or DUMMY_RUN in wanted.name:
                continue
            base = wanted.name.rsplit("/", 1)[-1]
            query = self._query(base)
            if query is None:
                continue
            path = ("steps", step.name, "dataset", "name")
            there = self.gateway.find_dataset(wanted.name)
            if there is not None and MetaQuery.from_dirac(there.query) == wanted.query:
                yield Problem(
                    path,
                    f"dataset {wanted.name} exists with the same query and {there.files:,} files",
                    "it is adopted; give it another name if it should be another",
                    code="dataset-exists",
                )
            else:
                where = "in another directory"
                if there is not None:
                    lines = differences(wanted.query, MetaQuery.from_dirac(there.query))
                    where = f"with another query ({'; '.join(lines)})"
                yield Problem(
                    path,
                    f"a dataset named {base} exists {where}",
                    "use another name: DIRAC knows datasets by the last part of it",
                    code="dataset-taken",
                )


def _unknown_dataset(production: Production, plan: ProductionPlan, name: str) -> Problem:
    for step in production.steps:
        context = StepContext(production, step, plan.run, Problems())
        written = None if step.input is None else step.input.dataset
        if written is not None and context.fill(written) == name:
            return Problem(
                ("steps", step.name, "input", "dataset"),
                f"there is no dataset {name}",
                "make it first, or name another; datasets are known by the last part of the name",
                code="unknown-dataset",
            )
    return Problem((), f"there is no dataset {name}", "make it first", code="unknown-dataset")


def _gates_now(plan: ProductionPlan, gateway: ProductionGateway) -> Iterator[Problem]:
    """Yield a note for each gate: what a step waits for, and whether it exists now.

    The grid is not asked about a gate with the run in its name, because there is no run yet, nor
    about the output of another production, which Airflow knows and the grid does not.

    :raises GatewayError: the grid did not answer.
    """
    for step in plan.steps:
        for index, gate in enumerate(step.gates):
            if gate.kind == "production" or DUMMY_RUN in gate.name:
                reason = f"waits for {gate.text}"
            else:
                verdict = judge_gates([gate], _facts(gate, gateway), waited=0.0)
                reason = f"waits for {gate.text}; now: {verdict.reason}"
            hours = f"it fails after {gate.hours}" if gate.hours else "it waits without end"
            yield Problem(("steps", step.name, "wait_for", index), reason, hours, code="gate")


def _facts(gate: Gate, gateway: ProductionGateway) -> Facts:
    if gate.kind == "dataset":
        there = gateway.find_dataset(gate.name) is not None
        return Facts(datasets=frozenset({gate.name} if there else ()))
    files = frozenset(gateway.file_versions([gate.name]))
    if gate.kind == "file" or not files:
        return Facts(files=files)
    try:
        return Facts(files=files, contents={gate.name: gateway.read_file(gate.name, MAX_BYTES)})
    except GatewayError as error:
        return Facts(files=files, unread={gate.name: error.reason})
