"""Random walks: a step on a grid where anything happens, judged and carried out to its end.

Seeded: jobs fail (some after they left their output), agents stop for a while, files vanish and
come back, late files are registered, services crash before or after any call, and everything that
is remembered in memory is lost now and then. A seed that fails is a test for ever.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from dirac_prodsys.core.grid.specs import Command, JobSpec, OutputFile, TransformationSpec
from dirac_prodsys.core.policy import History, StepRules, Verdict, judge
from dirac_prodsys.core.policy.counts import alive_tasks
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.rules import RecoveryRules
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from dirac_prodsys.gateway.procedures.recovery import recover

QUERY = MetaQuery.parse({"run": "r"})
RULES = StepRules(
    True,
    group_size=3,
    max_flushes=40,
    stall_after=400.0,
    recovery=RecoveryRules(max_resets=30, missing_in_fc="retry", max_reset="retry"),
)
OUTPUT = OutputFile(name="m_@{JOB_ID}", directory="/sim/merged", se="DISK-A-SE")
SPEC = TransformationSpec(
    name="merge",
    description="",
    type="Merging",
    group_size=3,
    body=JobSpec(
        name="m", job_type="Merging", commands=(Command(executable="m"),), outputs=(OUTPUT,)
    ),
    input_query=QUERY,
)
AGENTS = ("input_data", "transformation", "task", "task_monitoring")
CALLS = ("getCounters", "setTransformationParameter", "setFileStatusForTransformation", "isFile")


class Walk:
    """One walk."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  not for secrets
        self.grid = MemoryGrid(fails=self.fails)
        self.grid.stopped_agents = {"file_monitoring"}
        self.gateway = MemoryGateway(self.grid)
        self.outputs: set[int] = set()
        self.away: list[str] = []
        for number in range(20):
            self.grid.catalogue.register(f"/sim/in/{number:02d}", run="r")
        self.id = self.gateway.create_transformation(SPEC).id
        self.gateway.start_transformation(self.id)
        self.history = History()
        self.late = 5

    def fails(self, task: Task) -> bool:
        fate = self.chance.random()
        if fate < 0.1:  # after it has left its output
            self.grid.catalogue.register(f"/sim/merged/m_{task.id:08d}")
        if fate < 0.1 or fate > 0.25:
            self.outputs.add(task.id)
        return fate <= 0.25

    def happen(self) -> None:
        """Something, mostly nothing."""
        pick = self.chance.random()
        if pick < 0.04:
            self.grid.stopped_agents ^= {self.chance.choice(AGENTS)}
        elif pick < 0.08:
            kind = self.chance.choice(["crash", "crash_after", "unavailable", "lost"])
            self.grid.fault(kind, self.chance.choice(CALLS))
        elif pick < 0.10:
            self.history = History()
        elif pick < 0.12 and self.late:
            self.late -= 1
            self.grid.catalogue.register(f"/sim/in/late{self.late}", run="r")
        elif pick < 0.14 and not self.away:
            unused = self.gateway_files("Unused")
            if unused:
                self.away = [self.chance.choice(unused)]
                self.grid.catalogue.remove(self.away[0])
        elif pick < 0.18 and self.away:
            self.grid.catalogue.register(self.away.pop(), run="r")

    def gateway_files(self, status: str) -> list[str]:
        files = self.grid.transformations[self.id].files
        return sorted(lfn for lfn, file in files.items() if file.status == status)

    def step(self) -> Verdict:
        """One look, and what it asks for."""
        self.grid.advance(10)
        seen = self.gateway.snapshot([self.id])[self.id]
        seen = seen.with_catalogue(self.gateway.count_files(QUERY))
        verdict, self.history = judge(
            seen, RULES, self.history, now=self.grid.now, quiet_seconds=20, inputs_final=True
        )
        if verdict.kind == "recover":
            outcome = recover(self.gateway, self.id, SPEC.body, RULES)
            self.history = outcome.remembered(self.history, self.grid.now)
        if verdict.kind == "flush" and self.gateway.flush_transformation(self.id):
            self.history = self.history.flushed(self.grid.now)
        return verdict

    def calm(self) -> None:
        """Whatever was wrong is mended; what is remembered stays lost."""
        self.grid.stopped_agents = {"file_monitoring"}
        self.grid.faults.clear()
        for lfn in self.away:
            self.grid.catalogue.register(lfn, run="r")
        self.away = []


@pytest.mark.parametrize("seed", range(120))
def test_a_step_ends_well_and_no_file_is_processed_twice(seed: int) -> None:
    walk, verdict = Walk(seed), Verdict("wait", "")
    for turn in range(1200):
        if turn < 150:
            walk.happen()
        if turn == 150:
            walk.calm()
        try:
            verdict = walk.step()
        except (Crash, GatewayUnavailable):
            walk.history = History()  # another process takes over
            continue
        assert verdict.kind != "fail", (seed, turn, verdict.reason)
        if verdict.kind == "complete" and turn > 150:
            break
        if verdict.kind == "complete":
            # nothing is open: what comes later reopens the step
            files = walk.grid.transformations[walk.id].files.values()
            assert {str(f.status) for f in files} <= {"Processed"}, seed
    assert verdict.kind == "complete", (seed, verdict.reason)
    found = walk.grid.transformations[walk.id]
    assert {str(file.status) for file in found.files.values()} == {"Processed"}, seed
    tasks = [task for task in found.tasks.values() if task.id in walk.outputs]
    processed = Counter(lfn for task in tasks for lfn in task.lfns)
    assert set(processed) == set(found.files), seed
    assert set(processed.values()) == {1}, (seed, processed.most_common(3))
    assert alive_tasks(walk.gateway.snapshot([walk.id])[walk.id]) == 0
