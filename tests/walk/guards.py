"""What steps wait for, as it is on the grid: what opens a gate, who agreed, how a loop goes on.

A gate may open only if it holds, or held a moment ago, as a look takes its time. What a person
refused is not created; a pass of a loop is created only when the one before it was not enough.

Invariant: everything is judged by the grid and by what persons clicked, never by our own
verdicts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core import naming
from dirac_prodsys.core.gates.gate import Gate
from dirac_prodsys.core.plan.values import LoopPlan
from dirac_prodsys.gateway.memory.catalogue import Dataset
from dirac_prodsys.provider.people.approval import APPROVE
from tests.walk.guarded import ENOUGH
from tests.walk.tasks import Attempt, TaskInstance, group_of

if TYPE_CHECKING:
    from tests.walk.walking import Walk

#: seconds that a look at all gates of a step may take, and what it learns may be old
LOOK = 150.0
#: query of the datasets that are waited for
_STOCK = {"site": {"=": "stock_a"}}


class Guards:
    """Those of a walk's production."""

    def __init__(self, walk: Walk) -> None:
        self.walk, self.plan = walk, walk.walked.plan
        self.catalogue = walk.grid.catalogue
        self.gates = [gate for step in self.plan.steps for gate in step.gates]
        #: what Airflow knows that another production has made in a step
        self.made: dict[tuple[str, str], list[str]] = {}
        #: task that asked for approval → the last answer
        self.answers: dict[str, str] = {}
        #: tasks that somebody agreed to once: what begins then ends, though they are cleared
        self.agreed: set[str] = set()
        #: steps that a person wants flushed
        self.flushed: set[str] = set()
        #: steps whose gates have opened
        self.opened: set[str] = set()
        turns = {step.name: step.turn for step in walk.walked.production.steps}
        #: pass of a loop, for each step that is one
        self.turns = {name: turn for name, turn in turns.items() if turn is not None}
        self.late = self._late()

    def leave_numbers(self, chance: random.Random) -> None:
        """What the jobs of each pass will leave: enough, not enough, or nonsense."""
        for loop in self.plan.loops:
            for gate in loop.gates:
                content = chance.choice((_number(0.3), _number(0.5), _number(0.9), b"{auc"))
                self.walk.grid.numbers[gate.name] = content

    # -- the grid --------------------------------------------------------------------------------

    def holds(self, gate: Gate, within: float = 0.0) -> bool:
        """Whether a gate is open, or was in the last seconds."""
        files, was = self.catalogue.files, self.catalogue.was.get(gate.name)
        contents = [files[gate.name].content] if gate.name in files else []
        if was is not None and was[0] >= self.walk.grid.now - within:
            contents.append(was[1])
        if gate.kind == "dataset":
            return gate.name in self.catalogue.datasets
        if gate.kind == "production":
            there = self.made_by(gate.name, gate.step)
            return any(name in self.catalogue.datasets for name in there)
        if gate.kind == "file":
            return bool(contents)
        return any(_enough(_auc(content)) for content in contents)

    def left(self, gate: Gate) -> float | None:
        """The number that a pass has left, also if its file went when the pass began anew."""
        there = gate.name in self.catalogue.files or gate.name in self.catalogue.was
        return _auc(self.walk.grid.numbers[gate.name]) if there else None

    def last(self, loop: LoopPlan) -> int:
        """The pass with which a loop ends."""
        good = [number for number, gate in enumerate(loop.gates, 1) if _enough(self.left(gate))]
        return good[0] if good else len(loop.gates)

    def made_by(self, production: str, step: str) -> list[str]:
        """In place of asking Airflow what another production has made."""
        return list(self.made.get((production, step), ()))

    def open(self, gate: Gate) -> None:
        """What it waits for comes."""
        if gate.kind == "value":
            self.catalogue.write(gate.name, _number(0.9))
        elif gate.kind == "file":
            self.catalogue.write(gate.name, b"a model")
        else:
            name = gate.name if gate.kind == "dataset" else f"/sim/datasets/of_{gate.step}"
            self.made[gate.name, gate.step] = [name]
            self.catalogue.serve_createDirectory({"/sim/datasets": True})
            self.catalogue.datasets.setdefault(name, Dataset(name, dict(_STOCK), 0))

    def spoil(self, gate: Gate, chance: random.Random) -> None:
        """What comes is not enough, or what was there goes."""
        if gate.kind == "value" and chance.random() < 0.7:
            self.catalogue.write(gate.name, chance.choice((_number(0.5), b"{auc")))
        elif gate.kind == "production":
            self.made[gate.name, gate.step] = [f"/sim/datasets/lost_{gate.step}"]
        elif gate.name in self.catalogue.files:
            self.catalogue.remove(gate.name)

    # -- what is judged --------------------------------------------------------------------------

    def creating(self, name: str) -> None:
        """We create a transformation."""
        step = name.split("__")[2]
        own = {f"{naming.group_id(step.name)}.approve" for step in self.plan.steps}
        asked = [t for t in self.walk.airflow.tasks if t.endswith(".approve") and t not in own]
        if self.plan.approval is not None and asked[0] not in self.agreed:
            self.walk.note("I2", f"{name} is created, and nobody agreed to the production")
        turn = self.turns.get(step)
        if turn is None or turn.number == 1:
            return
        (loop,) = (loop for loop in self.plan.loops if loop.name == turn.loop)
        for number, gate in enumerate(loop.gates[: turn.number - 1], 1):
            left = self.left(gate)
            if left is None or _enough(left):
                self.walk.note("I2", f"{name} is created, and pass {number} has left {left}")

    def starting(self, step: str) -> None:
        """We start a New transformation."""
        plan = self.plan.step(step)
        task = f"{naming.group_id(step)}.approve"
        if plan.approval is not None and self.answers.get(task) != APPROVE:
            self.walk.note("I2", f"{step} is started, and nobody agreed to it")
        if plan.gates and step not in self.opened:
            self.walk.note("I2", f"{step} is started, and its gates have never been open")

    def event(self, task: str, trigger: Any, event: Mapping[str, Any]) -> None:
        """A trigger of ours has looked at gates."""
        gates = [Gate.from_dict(gate) for gate in trigger.gates]
        shut = [gate.text for gate in gates if not self.holds(gate, LOOK)]
        if event["kind"] == "open":
            self.opened |= {s.name for s in self.plan.steps if list(s.gates) == gates}
            if shut:
                self.walk.note("I2", f"{task} goes on without {', '.join(shut)}")
        elif event["kind"] == "closed":
            if not shut or self.left(gates[0]) is None:
                self.walk.note("I2", f"{task} says {event['reason']}")
        elif not any(gate.within for gate in gates):
            self.walk.note("I5", f"{task} waits no longer: {event['reason']}")

    def answered(self, ti: TaskInstance, option: str, by: str) -> None:
        """A person, or silence, has answered."""
        self.walk.tell(f"{ti.task_id}: {option} by {by or 'silence'}")
        if ti.task_id.split(".")[-1].startswith("approve"):
            self.answers[ti.task_id] = option
            if option == APPROVE:
                self.agreed.add(ti.task_id)
        elif option == "Flush":
            self.flushed.add(self.step_of(ti.task_id))

    def ended(self, attempt: Attempt) -> None:
        """The task that says which pass was the last has ended."""
        for loop in self.plan.loops:
            if attempt.task.task_id != f"{naming.group_id(loop.name)}.done" or not attempt.result:
                continue
            last = self.last(loop)
            if attempt.result["last"] != last:
                self.walk.note("I10", f"{loop.name} ended with {attempt.result}, not with {last}")
            self.walk.replan({loop.name: last})

    def explains(self, task: str, text: str) -> bool:
        """Whether it is a guard's fault that a task failed, and it says so."""
        if "rejected" in text:
            return task in self.answers and self.answers[task] != APPROVE
        if "was waited for" in text:
            return True  # judged when the trigger reported it
        if "was not judged" in text:
            tasks = self.walk.airflow.tasks
            return any(n in text and "return_value" not in t.xcom for n, t in tasks.items())
        if "has not ended in" in text:
            return not any(
                _enough(self.left(gate)) for loop in self.plan.loops for gate in loop.gates
            )
        return False

    def hopeless(self, failures: Iterable[str]) -> bool:
        """A loop has come to its bound, and that was to be a failure."""
        return any("has not ended in" in failure for failure in failures)

    def needless(self, step: str) -> bool:
        """A pass that comes after the last."""
        turn = self.turns.get(step)
        return turn is not None and any(
            loop.name == turn.loop and turn.number > self.last(loop) for loop in self.plan.loops
        )

    def step_of(self, task: str) -> str:
        """The step of a task; empty if it serves none."""
        group = group_of(task)
        return next((s.name for s in self.plan.steps if naming.group_id(s.name) == group), "")

    # -- a person --------------------------------------------------------------------------------

    def set_right(self) -> None:
        """A person opens all gates, agrees to everything, and mends what jobs left."""
        for gate in self.gates:
            if not self.holds(gate):
                self.open(gate)
        for loop in self.plan.loops:
            for gate, steps in zip(loop.gates, loop.passes, strict=True):
                ended = all(self.walk.observer.has_ended(step) for step in steps)
                if self.left(gate) is None and (gate.name in self.catalogue.files or ended):
                    self.walk.grid.numbers[gate.name] = _number(0.85)
                    self.catalogue.write(gate.name, _number(0.85))
        for ti in self.walk.airflow.asked():
            wanted = (APPROVE, "Flush", "Try again", "Wait on")
            options = ti.question.options if ti.question else ()
            option = next(each for each in wanted if each in options)
            self.walk.airflow.answer(ti, option, "ada")

    def _late(self) -> frozenset[str]:
        """Steps that are created when the run is under way."""
        found = {name for name, turn in self.turns.items() if turn.number > 1}
        for step in self.plan.steps:  # parents stand before their children
            above = {*step.parents, *step.feeders}
            in_loop = step.name in self.turns
            if above & found or (not in_loop and above & self.turns.keys()):
                found.add(step.name)
        return frozenset(found)


def open_gate(walk: Walk, chance: random.Random) -> str:
    """Something comes that a step waits for, or not as it should."""
    if not walk.guards.gates:
        return "nothing is waited for"
    gate = chance.choice(walk.guards.gates)
    if chance.random() < 0.7:
        walk.guards.open(gate)
        return f"{gate.text} is there"
    walk.guards.spoil(gate, chance)
    return f"{gate.text} is not, or not so"


def answer(walk: Walk, chance: random.Random) -> str:
    """Somebody answers a question."""
    asked = walk.airflow.asked()
    if not asked:
        return "nobody is asked"
    ti = chance.choice(asked)
    options = ti.question.options if ti.question else ()
    option = chance.choice((options[0], *options))
    walk.airflow.answer(ti, option, "ada")
    return f"{ti.task_id}: {option}"


def _number(auc: float) -> bytes:
    return json.dumps({"auc": auc}).encode()


def _enough(auc: float | None) -> bool:
    return auc is not None and auc >= ENOUGH


def _auc(content: bytes | None) -> float | None:
    try:
        return float(json.loads(content or b"")["auc"])
    except (ValueError, KeyError):
        return None
