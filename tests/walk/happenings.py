"""What may happen to a production, as values that can be printed, left out and played again.

Invariant: a happening decides by its own seed and by what it meets, so that leaving others out
changes as little of it as possible.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.walk import guards, operations
from tests.walk.productions import KINDS as PRODUCTIONS
from tests.walk.tasks import WAITING

if TYPE_CHECKING:
    from tests.walk.walking import Walk

#: seconds for which anything may happen
WILD = 2800.0

AGENTS = ("input_data", "transformation", "task", "task_monitoring")
#: of the gateway's calls, those that write
WRITES = (
    "addTransformation",
    "setTransformationParameter",
    "extendTransformation",
    "setFileStatusForTransformation",
    "createDirectory",
    "setMetadata",
    "addDataset",
    "freezeDataset",
    "",
)


@dataclass(frozen=True)
class Happening:
    """One of them.

    :param at: seconds after the beginning.
    :param kind: name of a function below.
    :param seed: of its own choices.
    """

    at: float
    kind: str
    seed: int

    def __str__(self) -> str:
        return f"{self.at:6.0f} s {self.kind} ({self.seed})"

    def happen(self, walk: Walk) -> str:
        """Do it; what it was, in words."""
        _, do = {**KINDS, **LATER, **LATEST}[self.kind]
        return do(walk, random.Random(self.seed))  # noqa: S311


def drawn(
    chance: random.Random,
    kinds: Iterable[str] = (),
    wild: float = WILD,
    first: float = 120.0,
    counts: Sequence[int] = (0, 1, 2, 3, 5, 8, 12, 16),
) -> list[Happening]:
    """What happens on one walk, in order.

    :param kinds: of what; empty: of everything.
    :param wild: seconds in which it happens, a quarter of it in the ``first`` of them.
    :param counts: how much of it; one of these.
    """
    names = list(kinds or KINDS)
    weights = [{**KINDS, **LATER, **LATEST}[kind][0] for kind in names]
    count = chance.choice(counts)
    found = []
    for kind in chance.choices(names, weights, k=count):
        # much is created at first, and then a long time nothing is
        last = first if chance.random() < 0.25 else wild
        at = chance.uniform(0, last)
        found.append(Happening(round(at, 0 if wild == WILD else 1), kind, chance.randrange(2**31)))
    return sorted(found, key=lambda one: (one.at, one.kind, one.seed))


def later(seed: int, production: int) -> list[Happening]:
    """What was added to walks when they had been walked: it comes to what a seed gives anyhow, so
    that the seeds that broke once go on meaning what they meant."""
    chance = random.Random(f"{seed} later")  # noqa: S311  not for secrets
    if production < PRODUCTIONS:
        return drawn(chance, ("act",), counts=(0, 0, 1, 1, 2, 3))
    return drawn(chance, LATER, counts=(0, 1, 2, 4, 8))


def latest(seed: int) -> list[Happening]:
    """What was added after that, in the same way: where tasks are made."""
    chance = random.Random(f"{seed} latest")  # noqa: S311  not for secrets
    return drawn(chance, LATEST, wild=600.0, first=60.0, counts=(0, 0, 1, 1, 2, 3))


def _crash_worker(walk: Walk, chance: random.Random) -> str:
    after, kind = chance.randrange(12), chance.choice(("crash", "crash_after"))
    walk.worker.crash(after, kind)
    walk.grid.struck.add("crash")
    return f"a worker dies, {kind}, at its call {after}"


def _crash_triggerer(walk: Walk, chance: random.Random) -> str:
    after = chance.randrange(8)
    walk.triggerer.crash(after, "crash")
    return f"the triggerer dies at its call {after}"


def _take_over(walk: Walk, chance: random.Random) -> str:
    for number in list(walk.airflow.rows):
        walk.airflow.run_trigger(number)
    return "another triggerer takes all triggers over, and the first goes on"


def _answers_lost(walk: Walk, chance: random.Random) -> str:
    creating = len(walk.grid.transformations) < len(walk.airflow.tasks) // 4
    kinds = ("torn", "torn", "torn", "no_id") if creating else ("lost", "unavailable", "hang")
    kind = chance.choice(kinds)
    method = chance.choice(WRITES) if kind == "lost" else ""
    walk.grid.fault(kind, method, after=chance.randrange(4), times=chance.choice((1, 1, 3)))
    walk.grid.struck.add(kind)
    return f"{kind} {method or 'any'}"


def _outage(walk: Walk, chance: random.Random) -> str:
    seconds = chance.choice((30.0, 300.0, 3600.0, 20 * 3600.0))
    walk.outages += 1

    def over() -> None:
        walk.outages -= 1
        walk.grid.down = walk.outages > 0

    walk.grid.down = True
    walk.clock.after(seconds, over)
    return f"outage of {seconds:.0f} s"


def _denied(walk: Walk, chance: random.Random) -> str:
    seconds = chance.choice((60.0, 600.0))
    fault = walk.grid.fault("denied", "", times=10**9)
    walk.grid.struck.add("denied")
    walk.clock.after(seconds, lambda: setattr(fault, "times", 0))
    return f"the proxy is refused for {seconds:.0f} s"


def _agent_off(walk: Walk, chance: random.Random) -> str:
    name, seconds = chance.choice(AGENTS), chance.choice((200.0, 2000.0, 12000.0))
    walk.grid.stopped_agents.add(name)
    walk.clock.after(seconds, lambda: walk.grid.stopped_agents.discard(name))
    return f"{name} off for {seconds:.0f} s"


def _jobs_fail(walk: Walk, chance: random.Random) -> str:
    walk.grid.failing, seconds = chance.choice((0.2, 0.5, 1.0)), chance.choice((300.0, 2000.0))
    walk.clock.after(seconds, lambda: setattr(walk.grid, "failing", 0.0))
    return f"{walk.grid.failing:.0%} of the jobs fail for {seconds:.0f} s"


def _late_file(walk: Walk, chance: random.Random) -> str:
    folders = sorted({lfn.rsplit("/", 1)[0] for lfn in walk.grid.catalogue.files})
    if not folders:
        return "no late file"
    walk.late += 1
    lfn = f"{chance.choice(folders)}/late{walk.late}.dat"
    walk.grid.catalogue.register(lfn)
    return f"late {lfn}"


def _vanish(walk: Walk, chance: random.Random) -> str:
    unused = sorted(
        lfn
        for found in walk.grid.transformations.values()
        for lfn, file in found.files.items()
        if file.status == "Unused" and lfn in walk.grid.catalogue.files
    )
    if not unused:
        return "no file vanishes"
    lfn = chance.choice(unused)
    walk.grid.lose(lfn)
    walk.vanished.append(lfn)
    return f"{lfn} vanishes"


def _hand(walk: Walk, chance: random.Random) -> str:
    kinds = (
        ["Stopped"] * 4
        + ["Flush"] * 3
        + ["Completed", "Active", "Cleaning", "Cleaning"]
        + ["extend", "group_size"] * 2
    )
    kind = chance.choice(kinds)
    if kind == "group_size":
        kind = str(chance.randint(1, 5))
    after = chance.randrange(6)
    pick = chance.random()

    def act() -> None:
        found = sorted(walk.grid.transformations)
        if not found:
            return
        number = found[int(pick * len(found))]
        word = walk.hand(number, kind)
        walk.tell(f"by hand: {word}")

    if chance.random() < 0.5:
        walk.worker.between(after, act)
        return f"a person is about to do {kind}, at a worker's call {after}"
    act()
    return f"a person did {kind}"


def _clear(walk: Walk, chance: random.Random) -> str:
    tasks = sorted(walk.airflow.tasks)
    step = chance.choice(tasks).split(".")[0]
    chosen = chance.choice(
        (
            [chance.choice(tasks)],
            [name for name in tasks if name.split(".")[0] == step],
            [name for name in tasks if walk.airflow.tasks[name].state in ("failed", "success")],
            tasks,
        )
    )
    downstream = chance.random() < 0.6
    cleared = walk.airflow.clear(chosen, downstream=downstream)
    return f"cleared {', '.join(cleared)}"


def _mark_failed(walk: Walk, chance: random.Random) -> str:
    open_ = sorted(n for n, t in walk.airflow.tasks.items() if t.state in {"scheduled", *WAITING})
    if not open_:
        return "nothing to be marked failed"
    name = chance.choice(open_)
    walk.airflow.mark_failed(name)
    return f"{name} marked failed"


def _mark_run_failed(walk: Walk, chance: random.Random) -> str:
    if walk.airflow.state != "running":
        return "the run is over"
    walk.airflow.mark_run_failed()
    return "the run is marked failed"


def _forget_state(walk: Walk, chance: random.Random) -> str:
    for ti in walk.airflow.tasks.values():
        ti.store.clear()
    return "the task state store is emptied"


def _slow_answer(walk: Walk, chance: random.Random) -> str:
    after = chance.randrange(2)
    walk.grid.fault("late", "extendTransformation", after=after)
    walk.grid.struck.add("late")
    return f"tasks are made when we have given up waiting for the answer, after {after} calls"


def _twin(walk: Walk, chance: random.Random) -> str:
    after = chance.randrange(40)

    def begin() -> None:
        if walk.worker.pending in ("extendTransformation", "addTransformation"):
            # nobody falls asleep between two instructions for longer than a claim holds; DIRAC
            # refuses a name that came meanwhile, which the grid of a walk does not, see `world.py`
            walk.worker.between(0, begin)
            return
        walk.twin()

    walk.worker.between(after, begin)
    return f"another worker starts what a worker is starting, at its call {after}"


#: how often, and what
KINDS: dict[str, tuple[int, Callable[[Walk, random.Random], str]]] = {
    "crash_worker": (22, _crash_worker),
    "crash_triggerer": (5, _crash_triggerer),
    "take_over": (5, _take_over),
    "answers_lost": (14, _answers_lost),
    "outage": (8, _outage),
    "denied": (2, _denied),
    "agent_off": (8, _agent_off),
    "jobs_fail": (8, _jobs_fail),
    "late_file": (8, _late_file),
    "vanish": (4, _vanish),
    "hand": (14, _hand),
    "clear": (14, _clear),
    "mark_failed": (5, _mark_failed),
    "mark_run_failed": (3, _mark_run_failed),
    "forget_state": (1, _forget_state),
}

#: the same, of what came later
LATER: dict[str, tuple[int, Callable[[Walk, random.Random], str]]] = {
    "act": (4, operations.act),
    "open_gate": (3, guards.open_gate),
    "answer": (3, guards.answer),
}

#: the same, of what came after that
LATEST: dict[str, tuple[int, Callable[[Walk, random.Random], str]]] = {
    "slow_answer": (1, _slow_answer),
    "twin": (2, _twin),
}
